"""Bring a cluster up, part by part, and take it down."""

import contextlib
import functools
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
    images,
    keys,
    needs,
    parts,
    record,
    starting,
)
from callfleet_tools.node.api import Api, answers
from callfleet_tools.node.errors import NodeError
from callfleet_tools.node.layout import INTERNET, READY_PORT, Layout, Place
from callfleet_tools.node.parts import Part
from callfleet_tools.programs import PROGRAMS, Purpose

READY_SECONDS = 180.0
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


def load(place: Place, archive: Path) -> None:
    """Load the images of an archive into one node."""
    command = arguments.ctr(place, "images", "import", archive.absolute())
    parts.run(command, f"loading {archive.name} into {place.name}")


def _bring_up(layout: Layout, wish: Wish, tell: Tell) -> Cluster:
    layout.logs.mkdir(exist_ok=True)
    with timed("namespaces", tell):
        tokens = keys.tokens(files.users(layout))
        starting.write(files.control_files(layout, tokens))
        starting.write(keys.service_account_keys(layout))
        nodes = starting.open_nodes(layout, owned=wish.owned)
    enter = {name: furnishing.inside(node.pid) for name, node in nodes.items()}
    up = _Starter(layout, enter, dict(nodes))
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


@dataclass(frozen=True, slots=True)
class _Starter:
    """Start what runs in the nodes; ``enter`` leads into each."""

    layout: Layout
    enter: dict[str, list[str]]
    parts: dict[str, Part]

    def internet(self) -> None:
        first = self.layout.places[0].name
        pid = self.parts[first].pid
        enter = furnishing.inside_but_for_network(pid)
        log = self.layout.logs / "internet.log"
        self.parts["internet"] = parts.start("internet", enter, arguments.internet(), log)
        look = [*furnishing.inside_network(pid), "ip", "link", "show", INTERNET]
        self.parts["internet"].wait_until(lambda: parts.succeeds(look), READY_SECONDS, "connected")

    def control_plane(self) -> None:
        first, layout = self.layout.places[0], self.layout
        self._start(first, "etcd", arguments.etcd(layout))
        server = self._start(first, "kube-apiserver", arguments.api_server(layout))
        server.wait_until(layout.certificate.exists, READY_SECONDS, "showing a certificate")
        api = Api.of(layout.kubeconfig)
        server.wait_until(lambda: api.gives("/readyz"), READY_SECONDS, "ready")
        self._start(first, "kube-controller-manager", arguments.controllers(layout))
        self._start(first, "kube-scheduler", arguments.scheduler(layout))
        self._start(first, "coredns", arguments.dns(layout))

    def containers(self) -> None:
        program = self.layout.programs["callfleet-pause"]
        pause = images.write_archive(images.pause_image(program), self.layout.control / "pause.tar")
        for place in self.layout.places:
            if place.containers.exists():
                self._forget(place)
            self._serving(place)
            load(place, pause)

    def nodes(self) -> None:
        for place in self.layout.places:
            self._start(place, f"kubelet-{place.name}", arguments.kubelet(place))
            self._start(place, f"kube-proxy-{place.name}", arguments.proxy(place))
        api = Api.of(self.layout.kubeconfig)
        for place in self.layout.places:
            kubelet = self.parts[f"kubelet-{place.name}"]
            ready = functools.partial(is_ready, api, place.name)
            kubelet.wait_until(ready, READY_SECONDS, "ready")
        accounts = "/api/v1/namespaces/default/serviceaccounts/default"
        controllers = self.parts["kube-controller-manager"]
        controllers.wait_until(lambda: api.gives(accounts), READY_SECONDS, "making accounts")
        names = f"http://{self.layout.places[0].address}:{READY_PORT}/ready"
        self.parts["coredns"].wait_until(lambda: answers(names), READY_SECONDS, "ready")

    def policies(self) -> None:
        for place in self.layout.places:
            name = f"kube-router-{place.name}"
            part = self._start(place, name, arguments.enforcer(place))
            look = [*self.enter[place.name], *arguments.enforcing()]
            part.wait_until(functools.partial(parts.succeeds, look), READY_SECONDS, "enforcing")

    def _forget(self, place: Place) -> None:
        """Forget the containers of an earlier cluster, of which images are kept."""
        alone = self._serving(place, alone=True)
        for kind in ("containers", "sandboxes"):
            table = parts.run(arguments.ctr(place, kind, "list"), f"listing {kind}")
            names = [line.split()[0] for line in table.splitlines()[1:]]
            if names:
                parts.run(arguments.ctr(place, kind, "rm", *names), f"removing {kind}")
        alone.end()

    def _serving(self, place: Place, *, alone: bool = False) -> Part:
        part = self._start(
            place, f"containerd-{place.name}", arguments.containerd(place, alone=alone)
        )
        ask = arguments.ctr(place, "version")
        part.wait_until(lambda: parts.succeeds(ask), READY_SECONDS, "answering")
        return part

    def _start(self, place: Place, name: str, command: list[str | Path]) -> Part:
        log = self.layout.logs / f"{name}.log"
        self.parts[name] = parts.start(name, self.enter[place.name], command, log)
        return self.parts[name]


def is_ready(api: Api, node: str) -> bool:
    """Say whether a node takes pods."""
    try:
        conditions = api.ask("GET", f"/api/v1/nodes/{node}")["status"]["conditions"]
    except OSError:
        return False
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _programs() -> dict[str, Path]:
    wanted = (Purpose.CLUSTER, Purpose.NODE)
    return callfleet_tools.find_all(each.name for each in PROGRAMS if each.purpose in wanted)


@contextlib.contextmanager
def timed(what: str, tell: Tell) -> Iterator[None]:
    """Tell how long the block took, where it ends well."""
    started = time.monotonic()
    yield
    tell(what, time.monotonic() - started)
