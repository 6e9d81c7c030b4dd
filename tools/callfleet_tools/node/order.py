"""Start what runs in the nodes of a cluster, in the order in which one part needs the other."""

import functools
from dataclasses import dataclass
from pathlib import Path

from callfleet_tools.node import arguments, furnishing, images, parts
from callfleet_tools.node.api import Api, answers
from callfleet_tools.node.layout import INTERNET, READY_PORT, Layout, Place
from callfleet_tools.node.parts import Part

READY_SECONDS = 180.0


def load(place: Place, archive: Path) -> None:
    """Load the images of an archive into one node."""
    command = arguments.ctr(place, "images", "import", archive.absolute())
    parts.run(command, f"loading {archive.name} into {place.name}")


@dataclass(frozen=True, slots=True)
class Starter:
    """Start what runs in the nodes; ``enter`` leads into each."""

    layout: Layout
    enter: dict[str, list[str]]
    parts: dict[str, Part]

    def internet(self) -> None:
        """Have slirp4netns speak for the nodes."""
        first = self.layout.places[0].name
        pid = self.parts[first].pid
        enter = furnishing.inside_but_for_network(pid)
        log = self.layout.logs / "internet.log"
        self.parts["internet"] = parts.start("internet", enter, arguments.internet(), log)
        look = [*furnishing.inside_network(pid), "ip", "link", "show", INTERNET]
        self.parts["internet"].wait_until(lambda: parts.succeeds(look), READY_SECONDS, "connected")

    def control_plane(self) -> None:
        """Start what decides, on the first node."""
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
        """Have each node run containers."""
        program = self.layout.programs["callfleet-pause"]
        pause = images.write_archive(images.pause_image(program), self.layout.control / "pause.tar")
        for place in self.layout.places:
            if place.containers.exists():
                self._forget(place)
            self._serving(place)
            load(place, pause)

    def nodes(self) -> None:
        """Have each node take pods."""
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
        """Have each node enforce NetworkPolicies."""
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
