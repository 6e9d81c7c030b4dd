"""What a user may ask of pods and rollouts: decide what to write, or say why not. Pure."""

from dataclasses import dataclass
from typing import Any

from callfleet_contract.fleet import names
from callfleet_contract.fleet.status import RolloutPhase
from callfleet_operator.acting.fields import cordon_patch
from callfleet_operator.objects.seen import SeenFleet, SeenPod
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.snapshot import Cordon, Pod

RELEASED = "UncordonedByUser"
"""The operator may do as it likes with such a pod."""
UNDATED = 0.0
"""The operator dates what a user orders: a drain's deadline is not to hang on the user's clock."""


class RefusedError(Exception):
    """What was asked for cannot be, or is so already; says what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One patch, and what to say when it is written."""

    patch: dict[str, Any]
    said: str


def cordon(pod: SeenPod, reason: Reason) -> Wish:
    """Have a pod take no more calls; with ``USER_DRAIN`` it goes when its last call has ended.

    Raises:
        RefusedError: it goes already, or was told so.

    """
    _must_run(pod)
    written = pod.cordon
    if written is not None and written.cordoned and written.reason == reason:
        message = f"pod {pod.name} was told so already: `callfleet fleet uncordon` takes it back"
        raise RefusedError(message)
    is_cordoned = written is not None and written.cordoned
    since = written.since if written is not None and is_cordoned else UNDATED
    after = "it goes when its last call has ended" if reason is Reason.USER_DRAIN else "it stays"
    return Wish(
        _patch(pod, Cordon(_next_epoch(pod), cordoned=True, reason=reason, since=since)),
        f"pod {pod.name} takes no more calls; {after}, and the operator makes another if the "
        "fleet needs it",
    )


def uncordon(pod: SeenPod) -> Wish:
    """Have a pod take calls again.

    Raises:
        RefusedError: it goes already, or takes calls.

    """
    _must_run(pod)
    if pod.cordon is None or not pod.cordon.cordoned:
        message = f"pod {pod.name} is not cordoned"
        raise RefusedError(message)
    order = Cordon(_next_epoch(pod), cordoned=False, reason=RELEASED, since=UNDATED)
    return Wish(
        _patch(pod, order),
        f"pod {pod.name} takes calls again, until the fleet has more workers than it needs",
    )


def undo(fleet: SeenFleet) -> Wish:
    """Have the revision before take the place of the present one.

    Raises:
        RefusedError: there is nothing to go back to, or it is undone already.

    """
    told = fleet.status.rollout
    if told.target in told.undone or told.phase in (RolloutPhase.UNDOING, RolloutPhase.UNDONE):
        message = f"revision {told.target} is undone already: change the spec to roll out another"
        raise RefusedError(message)
    before = told.current if told.current != told.target else told.previous
    if not told.target or before in ("", told.target):
        message = f"{fleet.key} has no revision before {told.target or 'its first'} to go back to"
        raise RefusedError(message)
    return Wish(
        # An undo of the same revision after another one was asked for has to be another undo.
        {"metadata": {"annotations": {names.UNDO_ANNOTATION: f"{told.target}/{fleet.generation}"}}},
        f"{fleet.key} goes back to revision {before}; its spec stays as it is, so change it before "
        "you change anything else",
    )


def pause(fleet: SeenFleet, *, paused: bool) -> Wish:
    """Hold a rollout where it is, or let it go on.

    Raises:
        RefusedError: it is so already.

    """
    if fleet.spec is not None and fleet.spec.rollout.paused is paused:
        state = "paused" if paused else "not paused"
        message = f"the rollout of {fleet.key} is {state} already"
        raise RefusedError(message)
    after = "stays where it is; the fleet still grows and shrinks" if paused else "goes on"
    patch = {"spec": {"rollout": {"paused": paused}}}
    return Wish(patch, f"the rollout of {fleet.key} {after}")


def _must_run(pod: SeenPod) -> None:
    if pod.deleting or pod.finished:
        message = f"pod {pod.name} ends already: its calls finish, and it takes no others"
        raise RefusedError(message)


def _next_epoch(pod: SeenPod) -> int:
    """Newer than what is written; where the worker obeyed a newer one, the operator repairs it."""
    return (pod.cordon.epoch if pod.cordon is not None else 0) + 1


def _patch(pod: SeenPod, order: Cordon) -> dict[str, Any]:
    seen = Pod(pod.name, pod.uid, str(pod.version), pod.revision, pod.created_at)
    return cordon_patch(seen, order)
