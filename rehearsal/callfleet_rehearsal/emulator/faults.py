"""Faults on demand: what can go wrong, at which point of a session, and who it hits. Pure.

A fault is armed for a session (or the next one, or any) and a turn (or any). At each point the
session asks ``take``; what comes back is an effect, which the session carries out.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from callfleet_rehearsal.emulator.fault_kinds import REGISTRY, Deed, FaultKind, Point

NEXT, ANY = "next", "any"


@dataclass(frozen=True, slots=True)
class Effect:
    """A fault that strikes now."""

    fault_id: int
    name: str
    deed: Deed
    settings: Mapping[str, Any]


@dataclass(slots=True)
class ArmedFault:
    """A fault that waits."""

    fault_id: int
    kind: FaultKind
    point: Point
    session: str
    turn: int | None
    times: int
    settings: Mapping[str, Any]

    def effect(self) -> Effect:
        """What it does when it strikes."""
        return Effect(self.fault_id, self.kind.name, self.kind.deed, self.settings)


class BadFaultError(ValueError):
    """A fault was asked for that does not exist, or cannot strike there."""


@dataclass(slots=True)
class FaultBox:
    """The faults that wait."""

    armed: list[ArmedFault] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def arm(self, request: Mapping[str, Any]) -> ArmedFault:
        """Let a fault wait for its moment.

        Raises:
            BadFaultError: there is no such fault, point or setting.

        """
        known = {"name", "session", "turn", "times", "at"}
        kind = REGISTRY.get(str(request.get("name")))
        if kind is None:
            message = f"no fault {request.get('name')!r}; there are {', '.join(sorted(REGISTRY))}"
            raise BadFaultError(message)
        settings = {key: value for key, value in request.items() if key not in known}
        unknown = settings.keys() - kind.settings.keys() - {"body", "raw"}
        if unknown:
            message = (
                f"{kind.name} has no setting {', '.join(sorted(unknown))}; "
                f"it takes {', '.join(sorted(kind.settings)) or 'none'}"
            )
            raise BadFaultError(message)
        point = _point(kind, request.get("at"))
        fault = ArmedFault(
            fault_id=next(self._numbers),
            kind=kind,
            point=point,
            session=str(request.get("session", ANY if point is Point.NOW else NEXT)),
            turn=request.get("turn"),
            times=int(request.get("times", 1)),
            settings={**kind.settings, **settings},
        )
        self.armed.append(fault)
        return fault

    def take(self, point: Point, session: str, turn: int | None = None) -> Effect | None:
        """Say what strikes this session at this point, if anything does."""
        for fault in self.armed:
            if fault.point is point and _hits(fault, session, turn):
                return self._fire(fault, session)
        return None

    def disarm(self, fault_id: int) -> bool:
        """Take back a fault that has not struck yet."""
        kept = [fault for fault in self.armed if fault.fault_id != fault_id]
        gone = len(kept) < len(self.armed)
        self.armed = kept
        return gone

    def bind_next(self, session: str) -> None:
        """Give the faults meant for the next session to this one."""
        for fault in self.armed:
            if fault.session == NEXT:
                fault.session = session

    def _fire(self, fault: ArmedFault, session: str) -> Effect:
        fault.times -= 1
        if fault.times <= 0:
            self.armed.remove(fault)
        elif fault.session == session:
            fault.session = NEXT if fault.point in {Point.UPGRADE, Point.SETUP} else session
        return fault.effect()


def _point(kind: FaultKind, wanted: object) -> Point:
    if wanted is None:
        return kind.point
    try:
        point = Point(str(wanted))
    except ValueError:
        point = None
    if point is None or point not in kind.points:
        message = f"{kind.name} cannot strike at {wanted!r}, but at {', '.join(kind.points)}"
        raise BadFaultError(message)
    return point


def _hits(fault: ArmedFault, session: str, turn: int | None) -> bool:
    return fault.session in {ANY, session} and fault.turn in {None, turn}
