"""Let workers go: see that they obey, and delete those that hold no call for certain. Pure.

A pod is deleted when its worker has acknowledged the order that is written on the pod and has said
twice, freshly and far enough apart, that it holds no call and can get none. Without its word only
what cannot hold a call is: a finished pod, one whose node is gone, one that is cordoned and whose
container does not run. Calls are ended on one occasion alone: past the deadline, where the fleet's
``drain.onDeadline`` says Terminate.
"""

from collections.abc import Container

from callfleet_contract.fleet.spec import OnDeadline
from callfleet_operator.planning.actions import Delete, Reason, Relabel, Remind, SetCordon
from callfleet_operator.planning.orders import repair
from callfleet_operator.planning.seen import Seen, Standing, View

IDLE_SECONDS = 3.0
"""Between the two reports that say that a worker is idle."""

Upkeep = SetCordon | Remind | Relabel


def deletions(view: View, kept: Container[str]) -> list[Delete]:
    """Delete what holds no call, but for the pods whose uids are kept."""
    found = (_deletion(seen, view) for seen in view.pods if seen.pod.uid not in kept)
    return [delete for delete in found if delete is not None]


def upkeep(view: View, touched: Container[str]) -> list[Upkeep]:
    """See that labels and workers say what is written, but for pods that are ordered anew."""
    kept = list[Upkeep]()
    for seen in view.pods:
        is_theirs = seen.standing in (Standing.ENDING, Standing.FINISHED, Standing.LOST)
        if is_theirs or seen.pod.uid in touched:
            continue
        action = _agreement(seen, view.snapshot.now)
        if action is not None:
            kept.append(action)
        elif seen.pod.labelled_accepting != seen.uncordoned:
            kept.append(Relabel(seen.pod, seen.uncordoned))
    return kept


def is_acknowledged(seen: Seen) -> bool:
    """Whether the pod's own worker freshly says that it obeys the cordon that is written."""
    cordon, report = seen.pod.cordon, seen.report
    return (
        seen.fresh
        and cordon is not None
        and report is not None
        and cordon.cordoned
        and report.cordoned
        and report.epoch == cordon.epoch
    )


def idle_seconds(seen: Seen) -> float:
    """For how long a worker has been idle under the order on its pod; 0 where it is not sure."""
    if seen.pod.heard is None or seen.report is None or not is_acknowledged(seen):
        return 0.0
    return seen.pod.heard.idle_for_seconds if seen.report.idle else 0.0


def is_overdue(seen: Seen, view: View) -> bool:
    """Whether a drain has taken longer than the fleet's deadline."""
    cordon = seen.pod.cordon
    if seen.standing is not Standing.DRAINING or cordon is None or cordon.since <= 0:
        return False
    if _is_kept(seen):
        return False
    return view.snapshot.now - cordon.since > view.snapshot.spec.max_call_seconds


def _deletion(seen: Seen, view: View) -> Delete | None:
    pod = seen.pod
    if seen.standing is Standing.FINISHED:
        return None if pod.deleting else Delete(pod, Reason.FINISHED)
    if seen.standing is Standing.LOST:
        return Delete(pod, Reason.NODE_GONE)
    if seen.standing is Standing.DRAINING and not _is_kept(seen):
        return _of_drained(seen, view)
    return None


def _is_kept(seen: Seen) -> bool:
    return seen.pod.cordon is not None and seen.pod.cordon.reason == Reason.USER_CORDON


def _of_drained(seen: Seen, view: View) -> Delete | None:
    pod = seen.pod
    if not pod.running and not seen.fresh:
        return Delete(pod, Reason.STUCK)
    if idle_seconds(seen) >= IDLE_SECONDS:
        return Delete(pod, Reason.IDLE)
    is_idle = is_acknowledged(seen) and seen.report is not None and seen.report.idle
    terminates = view.snapshot.spec.drain.on_deadline is OnDeadline.TERMINATE
    if terminates and not is_idle and is_overdue(seen, view):
        return Delete(pod, Reason.DEADLINE, ends_calls=True)
    return None


def _agreement(seen: Seen, now: float) -> SetCordon | Remind | None:
    """Bring the order on a pod and its worker together; the pod's is what is meant."""
    written, report = seen.pod.cordon, seen.report
    if written is not None and written.since <= 0:
        return repair(seen, now)
    if not seen.fresh or report is None:
        return None
    if written is None:
        return repair(seen, now) if report.cordoned else None
    is_newer = report.epoch > written.epoch
    is_other = report.epoch == written.epoch and report.cordoned != written.cordoned
    if is_newer or is_other:
        return repair(seen, now)
    return Remind(seen.pod) if report.epoch < written.epoch else None
