"""What matters of the objects that are watched, once they are read. Values only."""

from dataclasses import dataclass, field

from callfleet_contract.fleet.names import ADMISSION_PORT
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import FleetStatus
from callfleet_operator.planning.snapshot import Cordon


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A fleet by its names."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod of a fleet. ``version`` is its resource version as the number that it is."""

    fleet: Key
    name: str
    uid: str
    version: int
    created_at: float
    revision: str = ""
    fleet_uid: str = ""
    node: str = ""
    address: str = ""
    port: int = ADMISSION_PORT
    keys: tuple[str, ...] = ()
    """Public keys that its worker believes."""
    ready: bool = False
    finished: bool = False
    deleting: bool = False
    container: str = ""
    """What the kubelet last said of its container: running, waiting, terminated, or nothing."""
    ended_well: bool = False
    """Its container has ended by itself, with exit code 0: a worker does so when it has no call."""
    trouble: str = ""
    cordon: Cordon | None = None
    labelled_accepting: bool = True

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.fleet.namespace


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node."""

    name: str
    version: int
    leaving: bool = False
    ready: bool = True


@dataclass(frozen=True, slots=True)
class SeenFleet:
    """A fleet as its user wrote it, and as its status says."""

    key: Key
    uid: str
    version: int
    generation: int
    created_at: float
    spec: FleetSpec | None
    """None where it cannot be read; ``unreadable`` says why."""
    unreadable: str = ""
    deleting: bool = False
    undo: str = ""
    status: FleetStatus = field(default_factory=FleetStatus)


@dataclass(frozen=True, slots=True)
class SeenRevision:
    """A revision as it is kept. ``shape`` is what its pods are made from."""

    fleet: Key
    fleet_uid: str
    object_name: str
    name: str
    number: int
    version: int
    shape: FleetSpec
