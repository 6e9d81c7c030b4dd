"""Say which revision a fleet has, which one it gets, and how far that may go. Pure.

``current`` is the revision that proved itself, ``target`` the one that the user asks for. A target
that failed, or that its user undid, stays in ``undone`` until the user asks for another, and the
fleet has ``current`` meanwhile. A target that is asked for again is tried again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from callfleet_contract.fleet.names import undone_by
from callfleet_contract.fleet.status import RolloutPhase, RolloutStatus
from callfleet_operator.planning.seen import Seen, Standing, View
from callfleet_operator.planning.trust import Trust

MOST_UNDONE = 10
LATE = frozenset({Standing.STUCK, Standing.UNCONNECTED, Standing.SILENT})


@dataclass(frozen=True, slots=True)
class Course:
    """Where a fleet's revisions go."""

    status: RolloutStatus
    to: str
    """The revision that the fleet has, or gets."""
    old: str
    """While it is replaced: the one that it had. Others are superseded."""
    is_held: bool = False
    """Its user paused the rollout."""

    @property
    def rolling(self) -> bool:
        """Whether one revision takes the place of another."""
        return self.old != ""


def instant(text: str) -> float | None:
    """Read an instant; None where it is none, as before the first or after a hand's edit."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def written(at: float) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def course(view: View, trust: Trust) -> Course:
    """Say where the revisions go, before it is known how many pods are wanted."""
    snapshot = view.snapshot
    told = _voided(view, _begun(view, snapshot.rollout))
    if told.target in told.undone:
        if told.current != told.target and can_make(view, told.current):
            return _back(told, told.current)
        told = told.model_copy(update={"undone": _but(told.undone, told.target)})
    if _is_undone_by_user(view, told):
        return _undo(view, told, f"revision {told.target} was undone by a user")
    if told.current in ("", told.target):
        return Course(told, told.target, "")
    if snapshot.spec.rollout.paused:
        held = told.model_copy(update={"phase": RolloutPhase.PAUSED, "message": ""})
        return Course(held, told.target, told.current, is_held=True)
    if told.phase is RolloutPhase.PAUSED:
        told = _progressed(told, snapshot.now)
    if _has_failed(view, trust, told):
        return _fail(view, told)
    if told.phase is not RolloutPhase.ROLLING:
        told = told.model_copy(update={"phase": RolloutPhase.ROLLING, "message": ""})
    return Course(told, told.target, told.current)


def can_make(view: View, revision: str) -> bool:
    """Whether pods of a revision can be made: what it holds is still kept."""
    snapshot = view.snapshot
    if revision == snapshot.target_revision or not snapshot.revisions:
        return revision != ""
    return any(kept.name == revision for kept in snapshot.revisions)


def _begun(view: View, told: RolloutStatus) -> RolloutStatus:
    """Take up what the user asks for, where it is new."""
    snapshot = view.snapshot
    target = snapshot.target_revision
    if told.target == target:
        return told
    current = told.current or _running(view, target)
    return RolloutStatus(
        phase=RolloutPhase.ROLLING,
        current=current,
        previous=told.previous,
        target=target,
        progressed_at=written(snapshot.now),
        undone=_but(told.undone, target)[-MOST_UNDONE:],
        void_undo=told.void_undo,
    )


def _voided(view: View, told: RolloutStatus) -> RolloutStatus:
    """Have an undo count no more once its user asked for another revision than it is about."""
    undo = view.snapshot.undo
    is_void = undo not in ("", told.void_undo) and undone_by(undo) != told.target
    if is_void or (told.void_undo and told.void_undo != undo):
        return told.model_copy(update={"void_undo": undo if is_void else ""})
    return told


def _but(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)


def _running(view: View, target: str) -> str:
    """Say what a fleet has whose status was lost: the newest other revision that takes calls."""
    numbers = {revision.name: revision.number for revision in view.snapshot.revisions}
    others = sorted(
        (name for name in view.proven if name != target),
        key=lambda name: (numbers.get(name, -1), name),
    )
    return others[-1] if others else ""


def is_to_be_undone(view: View, told: RolloutStatus) -> bool:
    """Whether its user wants the target undone."""
    undo = view.snapshot.undo
    return undo not in ("", told.void_undo) and undone_by(undo) == told.target


def _is_undone_by_user(view: View, told: RolloutStatus) -> bool:
    return is_to_be_undone(view, told) and _before(view, told) != ""


def _before(view: View, told: RolloutStatus) -> str:
    """Say which revision an undo goes back to."""
    candidate = told.current if told.current != told.target else told.previous
    return candidate if candidate != told.target and can_make(view, candidate) else ""


def _undo(view: View, told: RolloutStatus, message: str) -> Course:
    back = told.model_copy(
        update={
            "phase": RolloutPhase.UNDOING,
            "current": _before(view, told),
            "previous": "",
            "undone": (*_but(told.undone, told.target), told.target),
            "step": 0,
            "step_since": "",
            "accepted": 0,
            "progressed_at": written(view.snapshot.now),
            "message": message,
        }
    )
    return _back(back, back.current)


def _back(told: RolloutStatus, current: str) -> Course:
    return Course(told, current, "")


def _has_failed(view: View, trust: Trust, told: RolloutStatus) -> bool:
    """Whether the target got no further for too long, and its own pods show why.

    Where all of them work, something else holds the rollout up: no room, a step's pause, calls.
    """
    snapshot = view.snapshot
    if not trust.trusted or told.step_since:
        return False
    since = instant(told.progressed_at)
    deadline = snapshot.spec.rollout.progress_deadline_seconds
    if since is None or snapshot.now - since < deadline:
        return False
    if snapshot.create_refused:
        return True
    return any(_shows_why(seen) for seen in view.pods if seen.pod.revision == told.target)


def _shows_why(seen: Seen) -> bool:
    """Whether a pod is late, or held up before that by what its kubelet names."""
    return seen.standing in LATE or (seen.standing is Standing.STARTING and seen.pod.trouble != "")


def _fail(view: View, told: RolloutStatus) -> Course:
    rollout = view.snapshot.spec.rollout
    message = (
        f"revision {told.target} got no further for {rollout.progress_deadline_seconds} s "
        "(rollout.progressDeadlineSeconds)"
    )
    if rollout.auto_rollback and _before(view, told):
        return _undo(view, told, message)
    failed = told.model_copy(update={"phase": RolloutPhase.FAILED, "message": message})
    return Course(failed, told.target, told.current)


def _progressed(told: RolloutStatus, now: float) -> RolloutStatus:
    return told.model_copy(
        update={"phase": RolloutPhase.ROLLING, "progressed_at": written(now), "message": ""}
    )
