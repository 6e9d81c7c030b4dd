"""Read a plan, and carry it out on paper: the snapshot that its actions lead to."""

from dataclasses import replace
from itertools import count, islice

from callfleet_operator.planning.actions import Create, Delete, Plan, Reason, Relabel, SetCordon
from callfleet_operator.planning.snapshot import Cordon, Pod, Snapshot


def carried_out(fleet: Snapshot, planned: Plan, *, obeyed: bool = False) -> Snapshot:
    """Do at once what was planned; workers have not heeded yet, unless they ``obeyed``."""
    pods = {pod.uid: pod for pod in fleet.pods}
    taken = {pod.name for pod in fleet.pods}
    names = (name for number in count() if (name := f"new-{number}") not in taken)
    for action in planned.actions:
        if isinstance(action, Create):
            for name in islice(names, action.count):
                pods[f"uid-{name}"] = _new(name, action.revision, fleet.now)
        elif isinstance(action, Delete):
            pod = pods.pop(action.pod.uid)
            if action.reason not in (Reason.FINISHED, Reason.NODE_GONE):
                pods[pod.uid] = replace(pod, deleting=True)
        elif isinstance(action, SetCordon):
            pods[action.pod.uid] = _ordered(pods[action.pod.uid], action, obeyed=obeyed)
        elif isinstance(action, Relabel):
            labelled = replace(pods[action.pod.uid], labelled_accepting=action.accepting)
            pods[action.pod.uid] = labelled
        elif obeyed:
            pods[action.pod.uid] = _obeying(pods[action.pod.uid])
    return replace(
        fleet,
        pods=tuple(pods.values()),
        memory=planned.memory,
        rollout=planned.rollout,
        desired_before=planned.desired,
    )


def _new(name: str, revision: str, now: float) -> Pod:
    return Pod(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        revision=revision,
        created_at=now,
        running=False,
    )


def _ordered(pod: Pod, action: SetCordon, *, obeyed: bool) -> Pod:
    order = Cordon(action.epoch, action.cordon, action.written, action.since)
    pod = replace(pod, cordon=order, labelled_accepting=not action.cordon)
    return _obeying(pod) if obeyed else pod


def _obeying(pod: Pod) -> Pod:
    if pod.heard is None or pod.cordon is None or pod.heard.report.pod_uid != pod.uid:
        return pod
    told = replace(pod.heard.report, epoch=pod.cordon.epoch, cordoned=pod.cordon.cordoned)
    return replace(pod, heard=replace(pod.heard, report=told))


def created(planned: Plan, revision: str = "") -> int:
    """Count the pods that a plan makes, of one revision or of all."""
    return sum(
        action.count
        for action in planned.actions
        if isinstance(action, Create) and revision in ("", action.revision)
    )


def cordoned(planned: Plan) -> list[str]:
    """Name the pods that a plan cordons, in its order."""
    return [action.pod.name for action in _orders(planned) if action.cordon]


def given_back(planned: Plan) -> list[str]:
    """Name the pods whose workers are to take calls again, in the plan's order."""
    return [action.pod.name for action in _orders(planned) if not action.cordon]


def deleted(planned: Plan) -> dict[str, Reason]:
    """Say which pods a plan deletes, and why."""
    return {
        action.pod.name: action.reason for action in planned.actions if isinstance(action, Delete)
    }


def reasons(planned: Plan) -> set[Reason]:
    """Say for which reasons a plan acts."""
    return {action.reason for action in planned.actions}


def degraded(planned: Plan) -> str:
    """Say what is wrong, as the condition Degraded tells it; empty where nothing is."""
    told = next(one for one in planned.conditions if one.type == "Degraded")
    return f"{told.reason}: {told.message}" if told.status == "True" else ""


def _orders(planned: Plan) -> list[SetCordon]:
    return [action for action in planned.actions if isinstance(action, SetCordon)]
