"""Bring a cluster up, part by part, and take it down."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import callfleet_tools
from callfleet_tools import debian
from callfleet_tools.node import (
    arguments,
    files,
    furnishing,
    keys,
    needs,
    parts,
    record,
    starting,
)
from callfleet_tools.node.api import Api
from callfleet_tools.node.errors import NodeError
from callfleet_tools.node.layout import Layout
from callfleet_tools.node.order import Starter, load
from callfleet_tools.node.parts import Part
from callfleet_tools.programs import PROGRAMS, Purpose

Tell = Callable[[str, float], None]
"""Told what was done and the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which cluster is wanted.

    ``owned``: it ends with this process, however that ends. ``internet``: its pods reach what this
    machine reaches, and images can be pulled. ``policies``: NetworkPolicies are enforced.
    """

    folder: Path
    nodes: int = 1
    owned: bool = True
    internet: bool = False
    policies: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is up. ``parts`` are its programs, where it was us who started them."""

    layout: Layout
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """For kubectl, helm and whoever reads KUBECONFIG."""
        return self.layout.kubeconfig

    @property
    def api(self) -> Api:
        """For asking its API server without a program."""
        return Api.of(self.kubeconfig)

    def kubectl(self, *command: str) -> str:
        """Run kubectl on it, and give what it printed.

        Raises:
            NodeError: it refused.

        """
        program = self.layout.programs["kubectl"]
        return parts.run([program, f"--kubeconfig={self.kubeconfig}", *command], "kubectl")

    def enter(self, node: str) -> list[str]:
        """Give what a command begins with that runs inside of a node: its network, its mounts."""
        started = record.read(self.layout.folder)
        if started is None or node not in started.nodes:
            message = f"the cluster in {self.layout.folder} has no node {node!r}"
            raise NodeError(message)
        return furnishing.inside(started.nodes[node].pid)

    def load(self, archive: Path) -> None:
        """Load the images of an archive, as docker and buildah save them, into every node.

        Raises:
            NodeError: containerd does not take it.

        """
        for place in self.layout.places:
            load(place, archive)

    def has(self, reference: str) -> bool:
        """Say whether every node has an image of that name, from this cluster or an earlier one."""
        listed = (arguments.ctr(each, "images", "list", "-q") for each in self.layout.places)
        return all(reference in parts.run(each, "listing images").split() for each in listed)

    def tag(self, reference: str, name: str) -> None:
        """Have an image found under another name as well, in every node."""
        for place in self.layout.places:
            command = arguments.ctr(place, "images", "tag", "--force", reference, name)
            parts.run(command, f"naming {reference}")


@contextlib.contextmanager
def cluster(wish: Wish, tell: Tell = lambda _what, _seconds: None) -> Iterator[Cluster]:
    """Have a cluster while the block runs.

    Raises:
        NodeError: it cannot be brought up.

    """
    try:
        yield bring_up(wish, tell)
    finally:
        take_down(wish.folder)


def bring_up(wish: Wish, tell: Tell = lambda _what, _seconds: None) -> Cluster:
    """Bring a cluster up: its pods can run when this returns.

    Raises:
        FolderBusyError: there is one in that folder.
        NodeError: it cannot be brought up. Nothing of it is left then but its logs.

    """
    Layout(wish.folder, 0, wish.nodes, {})  # refuses what cannot be, before anything is made
    with starting.alone_in(wish.folder):
        with timed("Debian packages", tell):
            needs.provide(*needs.extras(internet=wish.internet, policies=wish.policies))
        with timed("programs", tell):
            programs = _programs()
        runc = debian.path_of("runc") or Path("runc")
        starting.close(wish.folder)
        layout = Layout(
            folder=wish.folder,
            number=starting.claim_number(wish.folder),
            nodes=wish.nodes,
            programs=programs,
            runc=runc,
            internet=wish.internet,
            policies=wish.policies,
        )
        try:
            return _bring_up(layout, wish, tell)
        except BaseException:
            starting.close(wish.folder)
            raise


def take_down(folder: Path, *, everything: bool = False) -> bool:
    """End the cluster of a folder, and remove what it left; False where none was.

    ``everything`` removes images and logs as well.

    Raises:
        NodeError: something of it does not end.

    """
    return starting.close(folder, everything=everything)


def find_up(folder: Path) -> Cluster | None:
    """Find the cluster that is up in a folder."""
    started = record.read(folder) if folder.exists() else None
    if started is None or not started.alive:
        return None
    return Cluster(Layout(folder, started.number, len(started.nodes), _programs()))


def _bring_up(layout: Layout, wish: Wish, tell: Tell) -> Cluster:
    layout.logs.mkdir(exist_ok=True)
    with timed("namespaces", tell):
        tokens = keys.tokens(files.users(layout))
        starting.write(files.control_files(layout, tokens))
        starting.write(keys.service_account_keys(layout))
        nodes = starting.open_nodes(layout, owned=wish.owned)
    enter = {name: furnishing.inside(node.pid) for name, node in nodes.items()}
    up = Starter(layout, enter, dict(nodes))
    if layout.internet:
        with timed("internet", tell):
            up.internet()
    with timed("control plane", tell):
        up.control_plane()
    with timed("containers", tell):
        up.containers()
    with timed("nodes ready", tell):
        up.nodes()
    if layout.policies:
        with timed("policies enforced", tell):
            up.policies()
    return Cluster(layout, up.parts)


def _programs() -> dict[str, Path]:
    wanted = (Purpose.CLUSTER, Purpose.NODE)
    return callfleet_tools.find_all(each.name for each in PROGRAMS if each.purpose in wanted)


@contextlib.contextmanager
def timed(what: str, tell: Tell) -> Iterator[None]:
    """Tell how long the block took, where it ends well."""
    started = time.monotonic()
    yield
    tell(what, time.monotonic() - started)
