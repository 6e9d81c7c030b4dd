"""Where a cluster's parts are: addresses, names and paths. No clock, no network, no files.

Several clusters can be on one machine: each has a number, and every address follows from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callfleet_tools.node.errors import NodeError

MOST_CLUSTERS = 16
"""Numbers are from 0 to below this: the ranges below are cut into as many parts."""
MOST_NODES = 15
HIDDEN = ("/proc", "/run", "/sys", "/var/lib", "/var/log", "/var/run")
"""What a node does not see of the machine: it has others in their place."""
_LONGEST_FOLDER = 70
"""Sockets are in it, and the path of a socket has 107 bytes at most."""
API_PORT = 6443
READY_PORT = 8181
DOMAIN = "cluster.local"
INTERNET = "internet0"
"""The first node's way out, where it has one: a process that speaks for all nodes and pods."""
INTERNET_ADDRESSES = "10.242.0.0/24"
RESOLVER = "10.242.0.3"
"""What knows the machine's names, on that way."""
PAUSE_IMAGE = "callfleet.invalid/pause:1.0.0"


@dataclass(frozen=True, slots=True)
class Place:
    """One node: the first one has the control plane too."""

    cluster: "Layout"
    number: int

    @property
    def name(self) -> str:
        """As Kubernetes calls it."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """Of the node, on the link that it shares with the machine."""
        return f"10.243.{self.cluster.number}.{self.number + 1}"

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return f"10.244.{16 * self.cluster.number + self.number}.0/24"

    @property
    def cgroup(self) -> str:
        """The control group that its pods are in, on a machine where others have theirs."""
        return f"/callfleet{self.cluster.number}-{self.name}"

    @property
    def folder(self) -> Path:
        """What is its own: files that are written before it starts, logs, its containers."""
        return self.cluster.folder / self.name

    @property
    def containers(self) -> Path:
        """Containerd's own: images stay in it from one cluster to the next."""
        return self.folder / "containerd"

    @property
    def socket(self) -> Path:
        """Where containerd is spoken to."""
        return self.folder / "containerd.sock"

    @property
    def furnished(self) -> Path:
        """Is there once the node's first process has made the node fit to be entered."""
        return self.folder / "furnished"

    @property
    def log(self) -> Path:
        """What the node sees as /var/log: its pods' logs are there."""
        return self.folder / "log"


@dataclass(frozen=True, slots=True)
class Layout:
    """One cluster.

    ``programs`` are the paths of what it runs, and ``plugins`` the folder of the CNI plugins;
    ``internet`` says whether its pods reach what the machine reaches, and ``policies`` whether
    NetworkPolicies are enforced.
    """

    folder: Path
    number: int
    nodes: int
    programs: Mapping[str, Path]
    runc: Path = Path("/usr/sbin/runc")
    plugins: Path = Path("/usr/lib/cni")
    internet: bool = False
    policies: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything is started."""
        if not self.folder.is_absolute() or len(str(self.folder)) > _LONGEST_FOLDER:
            message = (
                f"a cluster's folder is an absolute path of {_LONGEST_FOLDER} characters at most, "
                f"for the sockets in it; {str(self.folder)!r} is not: name another"
            )
            raise NodeError(message)
        for hidden in HIDDEN:
            if self.folder.is_relative_to(hidden):
                message = (
                    f"a node cannot see what the machine has below {hidden}, so its cluster's "
                    f"folder cannot be {str(self.folder)!r}: name one elsewhere"
                )
                raise NodeError(message)
        if not 1 <= self.nodes <= MOST_NODES:
            message = f"a cluster has 1 to {MOST_NODES} nodes, not {self.nodes}"
            raise NodeError(message)

    @property
    def places(self) -> tuple[Place, ...]:
        """Its nodes."""
        return tuple(Place(self, number) for number in range(1, self.nodes + 1))

    @property
    def control(self) -> Path:
        """What the control plane has: keys, tokens, what etcd keeps."""
        return self.folder / "control"

    @property
    def logs(self) -> Path:
        """What its programs say, a file each."""
        return self.folder / "logs"

    @property
    def kubeconfig(self) -> Path:
        """For whoever may do everything."""
        return self.folder / "kubeconfig"

    @property
    def certificate(self) -> Path:
        """The API server's, made by itself: also the authority to check it with."""
        return self.control / "certificates" / "apiserver.crt"

    @property
    def interface(self) -> str:
        """The machine's end of the link to the nodes. Who makes it has the number."""
        return f"callfleet{self.number}"

    @property
    def host_address(self) -> str:
        """The machine's on that link: where pods reach what runs outside of the cluster."""
        return f"10.243.{self.number}.1"

    @property
    def link(self) -> str:
        """The addresses of the link."""
        return f"10.243.{self.number}.0/24"

    @property
    def pods(self) -> str:
        """The addresses of all its pods."""
        return f"10.244.{16 * self.number}.0/20"

    @property
    def services(self) -> str:
        """The addresses of its services."""
        return f"10.96.{16 * self.number}.0/20"

    @property
    def api_url(self) -> str:
        """Where its API server is, for pods, nodes and machine alike."""
        return f"https://{self.places[0].address}:{API_PORT}"
