"""All that a decision is made from, as it was seen at one moment. Values only.

Instants are seconds since the epoch, on the operator's clock alone: pods and nodes may have others,
so nothing that they date is compared with it, but ``created_at``, which the API server dates and of
which only ages matter.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from callfleet_contract.admission import Report
from callfleet_contract.fleet.spec import DEFAULT_SLOTS, FleetSpec
from callfleet_contract.fleet.status import RolloutStatus


@dataclass(frozen=True, slots=True)
class Cordon:
    """The order that is written on a pod: its worker is to obey it."""

    epoch: int
    cordoned: bool
    reason: str = ""
    """A ``Reason`` of the actions, or any word of who wrote it. Users' own are left as they are."""
    since: float = 0.0
    """When ``cordoned`` became what it is; a drain's deadline counts from here. 0: not dated yet,
    which the operator does."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a pod's worker last said, how long ago, and since when it has been idle without a break.

    ``idle_for_seconds`` is the time between two reports of one boot, both idle under the pod's
    present order, the last of them fresh; 0 where there is one, or none.
    ``connected_for_seconds`` is the time between the first and the last report of this boot that
    say that it is connected to LiveKit, without another between; without end where it was so
    before anybody listened, 0 where it is not.
    """

    report: Report
    age_seconds: float
    idle_for_seconds: float = 0.0
    connected_for_seconds: float = math.inf


class Doubt(StrEnum):
    """Why what answers at a pod's address is not believed."""

    ANOTHER_POD = "AnotherPod"
    """It says that it is another pod's worker."""
    OLD_BOOT = "OldBoot"
    """It is of an earlier start of the pod's container than one that was heard already."""
    REFUSED = "Refused"
    """It does not let this operator listen: another pod's worker, or one with other keys."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """What was said at a pod's address and not believed, since its own worker was last heard."""

    why: Doubt
    told: str
    """The other pod's uid, the earlier boot, or the sentence of the refusal."""
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of the fleet."""

    name: str
    uid: str
    resource_version: str
    revision: str
    created_at: float
    node: str = ""
    ready: bool = False
    finished: bool = False
    """Phase Succeeded or Failed: it holds no call any more."""
    deleting: bool = False
    """It has a deletion timestamp: it ends with its calls, or its grace."""
    running: bool = True
    """Whether its container may run, so that it may hold calls. False only where no node has the
    pod, or where the kubelet of a ready node says that the container waits or has ended."""
    trouble: str = ""
    """Why its container cannot start, as its kubelet says it: a word, a colon, a sentence."""
    cordon: Cordon | None = None
    labelled_accepting: bool = True
    heard: Heard | None = None
    doubted: Doubted | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node that pods are on. One that is not listed is gone."""

    name: str
    leaving: bool = False
    """Unschedulable, or tainted for removal."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of what the user wrote that shapes pods. ``number`` grows; the newest has most."""

    name: str
    number: int
    slots: int = DEFAULT_SLOTS
    """Of each of its workers."""


@dataclass(frozen=True, slots=True)
class Sized:
    """What was wanted at an earlier moment."""

    at: float
    wanted: int


@dataclass(frozen=True, slots=True)
class Changed:
    """How many pods were added (or, below 0, cordoned) for size at an earlier moment."""

    at: float
    pods: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How calls came, over all workers of the fleet; from the totals of their reports."""

    per_second: float = 0.0
    """Over the last five minutes."""
    per_second_peak: float = 0.0
    """Upper bound of the last minute's."""
    mean_call_seconds: float = 0.0
    """0 where none has ended yet."""
    refused_total: int = 0
    """Offers refused since this operator began to listen, over all boots; never falls."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one decision leaves for the next. An operator that has just begun has an empty one."""

    began_at: float
    """When this operator began to lead: nothing shrinks within one stabilization window of it."""
    wanted: tuple[Sized, ...] = ()
    """What may still be the most of a window: falling, so few."""
    wanted_least: tuple[Sized, ...] = ()
    """What may still be the least of a window: rising, so few."""
    changes: tuple[Changed, ...] = ()
    exhausted_at: float | None = None
    fresh_at: float | None = None
    """When enough reports were last fresh."""
    refused_total: int = 0
    desired: int | None = None
    """What was decided; counts before what a status says that could not be written."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fleet, as seen at ``now``."""

    now: float
    name: str
    generation: int
    spec: FleetSpec
    target_revision: str
    """The revision of the spec as it stands."""
    memory: Memory
    pods: tuple[Pod, ...] = ()
    nodes: tuple[Node, ...] = ()
    nodes_known: bool = True
    """Whether ``nodes`` is all of them. Before it is, none counts as gone."""
    revisions: tuple[Revision, ...] = ()
    rollout: RolloutStatus = field(default_factory=RolloutStatus)
    arrivals: Arrivals = field(default_factory=Arrivals)
    lead_time_seconds: float = 45.0
    """p90 of how long workers took to accept calls; where none has yet, a guess."""
    desired_before: int | None = None
    """What was last decided, from the fleet's status: it outlives the operator. None: nothing."""
    create_refused: str = ""
    """What the API server answered when it last refused a pod; empty after the next success."""
    undo: str = ""
    """What the user wants undone: a revision, and after a slash what tells it from earlier ones."""
    agent_name_taken_by: str = ""
    """An older fleet that answers to the same agent name on the same LiveKit."""
