"""Fleets to plan for: single pods and snapshots by hand, and whole snapshots drawn at random."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from callfleet_contract.admission import Report
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import RolloutPhase, RolloutStatus
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.rollout import written
from callfleet_operator.planning.snapshot import (
    Arrivals,
    Changed,
    Cordon,
    Doubt,
    Doubted,
    Heard,
    Memory,
    Node,
    Pod,
    Revision,
    Sized,
    Snapshot,
)

NOW = 1_800_000_000.0
LONG_AGO = NOW - 10_000
QUIET: dict[str, Any] = {"minReplicas": 1, "headroom": {"minIdleSlots": 0}}
SETTLED = Memory(began_at=LONG_AGO, fresh_at=NOW)


def fleet_spec(autoscaling: dict[str, Any] | None = None, **parts: Any) -> FleetSpec:
    """Write a spec as a user does; small steps are allowed at once unless it says otherwise."""
    told = {
        "headroom": {"minIdleSlots": 0},
        "scaleDown": {"stabilizationSeconds": 300, "maxPercent": 100, "minPodAgeSeconds": 0},
        **(autoscaling or {}),
    }
    return FleetSpec.model_validate(
        {"template": {"image": "worker:1"}, "autoscaling": told, **parts}
    )


def report(uid: str, **facts: Any) -> Report:
    """Say what an idle worker says, but for the facts given."""
    told: dict[str, Any] = {
        "pod_uid": uid,
        "boot_id": "boot",
        "sequence": 1,
        "epoch": 0,
        "cordoned": False,
        "registered": True,
        "draining": False,
        "slots": 10,
        "reserved": 0,
        "active": 0,
        "accepted_total": 0,
        "ended_total": 0,
        "refused_total": 0,
        "cut_total": 0,
        "call_seconds_total": 0.0,
    }
    return Report(**{**told, **facts})


def worker(name: str, calls: int = 0, **facts: Any) -> Pod:
    """Make a pod whose worker takes calls and was heard a second ago; facts change the pod."""
    pod = Pod(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        revision="r1",
        created_at=LONG_AGO,
        node="node-1",
        ready=True,
        heard=Heard(report(f"uid-{name}", active=calls), 1.0),
    )
    return replace(pod, **facts)


def says(pod: Pod, age: float = 1.0, idle_for: float = 0.0, **facts: Any) -> Pod:
    """Have a pod's worker say something else."""
    before = pod.heard.report if pod.heard is not None else report(pod.uid)
    return replace(pod, heard=Heard(replace(before, **facts), age, idle_for))


def drained(pod: Pod, since: float = NOW - 60, *, idle_for: float = 0.0, **cordon: Any) -> Pod:
    """Cordon a pod, and have its worker acknowledge it."""
    order = Cordon(**{"epoch": 1, "cordoned": True, "reason": "Surplus", "since": since, **cordon})
    ordered = replace(pod, cordon=order, labelled_accepting=False)
    return says(ordered, idle_for=idle_for, epoch=order.epoch, cordoned=True)


def silent(pod: Pod, seconds: float = 100.0) -> Pod:
    """Have nothing heard of a pod for a while."""
    assert pod.heard is not None
    return replace(pod, heard=replace(pod.heard, age_seconds=seconds))


def starting(name: str, age: float = 10.0, **facts: Any) -> Pod:
    """Make a pod that was just created."""
    return worker(name, created_at=NOW - age, ready=False, running=False, heard=None, **facts)


def seen(*pods: Pod, spec: FleetSpec | None = None, **facts: Any) -> Snapshot:
    """See pods of a settled fleet; facts change the snapshot."""
    told: dict[str, Any] = {
        "now": NOW,
        "name": "support",
        "generation": 1,
        "spec": spec or fleet_spec(),
        "target_revision": "r1",
        "memory": SETTLED,
        "pods": pods,
        "nodes": tuple(Node(name) for name in sorted({pod.node for pod in pods} - {""})),
        "revisions": (Revision("r1", 1), Revision("r2", 2), Revision("r3", 3)),
        "rollout": RolloutStatus(current="r1", target="r1"),
        "desired_before": len([pod for pod in pods if not (pod.cordon and pod.cordon.cordoned)]),
    }
    return Snapshot(**{**told, **facts})


def rolling(**facts: Any) -> RolloutStatus:
    """Say that r2 began to take the place of r1 just now; facts change that."""
    told: dict[str, Any] = {
        "phase": RolloutPhase.ROLLING,
        "current": "r1",
        "target": "r2",
        "progressed_at": written(NOW),
    }
    return RolloutStatus(**{**told, **facts})


# What follows draws whole snapshots, contradictions included.

REVISIONS = ("r1", "r2", "r3")
SLOTS = {"r1": 10, "r2": 10, "r3": 5}
NODES = ("node-1", "node-2", "node-3")
_ages = st.sampled_from([-30.0, 0.0, 5.0, 50.0, 119.0, 200.0, 400.0, 5000.0])
_epochs = st.integers(0, 4)
_heard_ages = st.sampled_from([0.0, 1.0, 14.0, 15.5, 100.0])
_connected = st.sampled_from([0.0, 9.0, 10.0, math.inf])
_idle = st.sampled_from([0.0, 2.9, 3.0, 60.0])


@st.composite
def cordons(draw: st.DrawFn) -> Cordon:
    reasons = [reason.value for reason in Reason]
    return Cordon(
        epoch=draw(st.integers(1, 4)),
        cordoned=draw(st.booleans()),
        reason=draw(st.sampled_from([*reasons, "", "unheard of"])),
        since=draw(st.sampled_from([0.0, NOW - 1, NOW - 100, NOW - 5000, NOW + 50])),
    )


@st.composite
def heard(draw: st.DrawFn, uid: str, slots: int) -> Heard:
    told = report(
        draw(st.sampled_from([uid, uid, uid, "uid-of-another"])),
        epoch=draw(_epochs),
        cordoned=draw(st.booleans()),
        registered=draw(st.sampled_from([True, True, True, False])),
        draining=draw(st.sampled_from([False, False, False, True])),
        slots=slots,
        reserved=draw(st.integers(0, 1)),
        active=draw(st.integers(0, 9)) if draw(st.booleans()) else 0,
    )
    return Heard(told, draw(_heard_ages), draw(_idle), draw(_connected))


@st.composite
def doubts(draw: st.DrawFn) -> Doubted:
    return Doubted(draw(st.sampled_from(Doubt)), "told", draw(_heard_ages))


@st.composite
def pods(draw: st.DrawFn, number: int) -> Pod:
    uid = f"uid-{number}"
    revision = draw(st.sampled_from(REVISIONS))
    reports = heard(uid, SLOTS[revision])
    return Pod(
        name=f"pod-{number}",
        uid=uid,
        resource_version="1",
        revision=revision,
        created_at=NOW - draw(_ages),
        node=draw(st.sampled_from([*NODES, "", "gone"])),
        ready=draw(st.booleans()),
        finished=draw(st.integers(0, 9)) == 0,
        deleting=draw(st.integers(0, 9)) == 0,
        running=draw(st.integers(0, 4)) > 0,
        trouble=draw(st.sampled_from(["", "", "ImagePullBackOff", "!: odd"])),
        cordon=draw(st.none() | cordons()),
        labelled_accepting=draw(st.booleans()),
        heard=draw(st.none() | reports | reports),
        doubted=draw(st.none() | st.none() | doubts()),
    )


@st.composite
def specs(draw: st.DrawFn) -> FleetSpec:
    most = draw(st.integers(0, 12))
    auto: dict[str, Any] = {
        "mode": draw(st.sampled_from(["Auto", "Auto", "Manual"])),
        "hold": draw(st.sampled_from(["None", "None", "ScaleIn", "ScaleOut"])),
        "minReplicas": draw(st.integers(0, most)),
        "maxReplicas": most,
        "maxTotalPods": draw(st.none() | st.integers(max(1, most), 20)),
        "externalSessionLimit": draw(st.none() | st.integers(1, 150)),
        "headroom": {"minIdleSlots": draw(st.sampled_from([0, 10, 25]))},
        "scaleUp": {"maxPods": draw(st.integers(1, 20)), "stabilizationSeconds": draw(_zero)},
        "scaleDown": {
            "stabilizationSeconds": draw(st.sampled_from([0, 300])),
            "minPodAgeSeconds": draw(st.sampled_from([0, 300])),
        },
        "metrics": {"fallback": {"replicas": draw(st.integers(0, most))}},
    }
    rollout = {
        "steps": draw(st.sampled_from([[100], [10, 100], [25, 50, 100]])),
        "pauseSeconds": draw(_zero),
        "maxSurge": draw(st.sampled_from(["25%", "0%", 2, 0])),
        "paused": draw(st.integers(0, 5)) == 0,
        "autoRollback": draw(st.booleans()),
    }
    drain = {"onDeadline": draw(st.sampled_from(["Hold", "Terminate"]))}
    replicas = draw(st.integers(0, 15))
    return fleet_spec(auto, rollout=rollout, drain=drain, replicas=replicas)


_zero = st.sampled_from([0, 0, 30])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a fleet in any state, be it an impossible one."""
    some = tuple(draw(pods(number)) for number in range(draw(st.integers(0, 12))))
    began = draw(st.sampled_from([0.0, 100.0, 10_000.0]))
    memory = Memory(
        began_at=NOW - began,
        wanted=draw(st.sampled_from([(), (Sized(NOW - 50, 6),), (Sized(NOW - 50, 1),)])),
        changes=draw(st.sampled_from([(), (Changed(NOW - 5, 4),), (Changed(NOW - 5, -1),)])),
        exhausted_at=draw(st.sampled_from([None, NOW - 10, NOW - 100])),
        fresh_at=draw(st.sampled_from([None, NOW - 5, NOW - 100])),
    )
    status = RolloutStatus(
        phase=draw(st.sampled_from(RolloutPhase)),
        current=draw(st.sampled_from(["", *REVISIONS])),
        previous=draw(st.sampled_from(["", *REVISIONS])),
        target=draw(st.sampled_from(["", *REVISIONS])),
        step=draw(st.integers(0, 4)),
        step_since=draw(st.sampled_from(["", written(NOW - 40), "no time"])),
        progressed_at=draw(st.sampled_from(["", written(NOW - 40), written(NOW - 4000)])),
        undone=draw(st.sampled_from([(), ("r1",), ("r2",)])),
    )
    return seen(
        *some,
        spec=draw(specs()),
        target_revision=draw(st.sampled_from(REVISIONS)),
        memory=memory,
        nodes=tuple(Node(name, draw(st.integers(0, 4)) == 0) for name in NODES),
        revisions=tuple(Revision(name, at, SLOTS[name]) for at, name in enumerate(REVISIONS, 1)),
        rollout=status,
        arrivals=Arrivals(draw(st.sampled_from([0.0, 0.1, 1.0])), 0.0, 120.0, draw(_epochs)),
        desired_before=draw(st.none() | st.integers(0, 12)),
        undo=draw(st.sampled_from(["", "", *REVISIONS])),
        create_refused=draw(st.sampled_from(["", "", "no quota"])),
    )
