"""Write orders: which epoch, since when, and what is written. Pure."""

from callfleet_operator.planning.actions import Reason, SetCordon
from callfleet_operator.planning.seen import Seen

KEPT = frozenset({Reason.USER_CORDON, Reason.USER_DRAIN})
"""What a user ordered, and no plan takes back."""


def order(seen: Seen, *, cordon: bool, reason: Reason, now: float) -> SetCordon:
    """Order a worker to take no more calls, or to take them again."""
    return SetCordon(seen.pod, cordon, _next_epoch(seen), reason, now, reason.value)


def repair(seen: Seen, now: float) -> SetCordon:
    """Order once more what is written on a pod, newer than anything that its worker obeyed."""
    written = seen.pod.cordon
    if written is None:
        return order(seen, cordon=False, reason=Reason.REPAIR, now=now)
    since = written.since if written.since > 0 else now
    return SetCordon(
        seen.pod, written.cordoned, _next_epoch(seen), Reason.REPAIR, since, written.reason
    )


def is_by_user(seen: Seen) -> bool:
    """Whether a user ordered what is written on the pod."""
    return seen.pod.cordon is not None and seen.pod.cordon.reason in KEPT


def _next_epoch(seen: Seen) -> int:
    obeyed = seen.report.epoch if seen.report is not None else 0
    written = seen.pod.cordon.epoch if seen.pod.cordon is not None else 0
    return max(obeyed, written) + 1
