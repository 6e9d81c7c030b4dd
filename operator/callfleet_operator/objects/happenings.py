"""Events on objects: which are worth a request, and how they are written. No clock, no I/O.

The same thing said again of the same object raises a count; an object that is told too much about
is told the rest later, or not.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lightkube.resources.core_v1 import Event

from callfleet_contract.fleet import names
from callfleet_operator.objects.making import make
from callfleet_operator.objects.seen import SeenFleet, SeenPod

COMPONENT = "callfleet-operator"
_BURST = 10.0
_REFILL_SECONDS = 20.0
_REPEAT_SECONDS = 60.0
_MOST_KEPT = 5_000
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class About:
    """The object that an event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to an object."""

    about: About
    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Saying:
    """An event to be written: anew, or as one more of the same."""

    happening: Happening
    name: str
    count: int
    first_at: float


def about_fleet(fleet: SeenFleet) -> About:
    """Point at a fleet."""
    return About(names.API_VERSION, names.KIND, fleet.key.namespace, fleet.key.name, fleet.uid)


def about_pod(pod: SeenPod) -> About:
    """Point at a pod."""
    return About("v1", "Pod", pod.namespace, pod.name, pod.uid)


@dataclass(slots=True)
class _Said:
    name: str
    count: int
    first_at: float
    written_at: float


@dataclass(slots=True)
class Limiter:
    """Decides what is said."""

    _said: OrderedDict[tuple[str, str, str], _Said] = field(default_factory=OrderedDict)
    _room: dict[str, tuple[float, float]] = field(default_factory=dict)

    def say(self, happening: Happening, now: float) -> Saying | None:
        """Give the event that is to be written, or None where it would be too much."""
        key = (happening.about.uid, happening.reason, happening.message)
        before = self._said.get(key)
        if before is not None:
            before.count += 1
            if now - before.written_at < _REPEAT_SECONDS:
                return None
        if not self._has_room(happening.about.uid, now):
            return None
        if before is None:
            digest = hashlib.sha256(repr((key, now)).encode()).hexdigest()[:16]
            before = _Said(f"{happening.about.name}.{digest}", 1, now, now)
            self._said[key] = before
        before.written_at = now
        self._said.move_to_end(key)
        self._forget_old()
        return Saying(happening, before.name, before.count, before.first_at)

    def _has_room(self, uid: str, now: float) -> bool:
        left, at = self._room.get(uid, (_BURST, now))
        left = min(_BURST, left + (now - at) / _REFILL_SECONDS)
        if left < 1:
            self._room[uid] = (left, now)
            return False
        self._room[uid] = (left - 1, now)
        return True

    def _forget_old(self) -> None:
        while len(self._said) > _MOST_KEPT:
            self._said.popitem(last=False)
        while len(self._room) > _MOST_KEPT:
            del self._room[next(iter(self._room))]


def build_event(saying: Saying, reporter: str, now: float) -> Event:
    """Write an event that is new."""
    happening = saying.happening
    about = happening.about
    return make(
        Event,
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": saying.name, "namespace": about.namespace},
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": "Warning" if happening.warning else "Normal",
            "reason": happening.reason,
            "message": happening.message[:_MOST_CHARACTERS],
            "firstTimestamp": _whole(saying.first_at),
            "lastTimestamp": _whole(now),
            "count": saying.count,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": reporter[:128],
        },
    )


def event_patch(saying: Saying, now: float) -> dict[str, Any]:
    """Write that something happened again."""
    last = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"count": saying.count, "lastTimestamp": last}


def _whole(instant: float) -> datetime:
    return datetime.fromtimestamp(int(instant), UTC)
