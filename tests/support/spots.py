"""Where one can stand in a cluster's network, and what is reached from there: pods and nodes.

Programs of this machine run there, in the network of a pod or of a node: no image needs them.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import doors
from doors import Answer, Door
from node_kubectl import NodeKubectl

from callfleet_tools.node import Cluster, arguments, parts


@dataclass(frozen=True)
class Spot:
    """A place in the network; ``enter`` is what a command begins with that is to run there."""

    address: str
    enter: tuple[str, ...]

    def door(self, port: int, protocol: str = "tcp") -> Door:
        return Door(self.address, port, protocol)

    def knocks_at(self, *there: Door) -> list[Answer]:
        """Knock at doors from here."""
        said = parts.run([*self.enter, *_program("knock", there)], "knocking")
        return [Answer(each) for each in json.loads(said)]

    @contextlib.contextmanager
    def opens(self, *ours: Door) -> Iterator[None]:
        """Keep doors open here while the block runs."""
        with subprocess.Popen(
            [*self.enter, *_program("open", ours)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as keeping:
            assert keeping.stdin is not None
            assert keeping.stdout is not None
            try:
                assert keeping.stdout.readline().strip() == doors.READY
                yield
            finally:
                keeping.stdin.close()
                keeping.wait()


def of_node(cluster: Cluster, number: int) -> Spot:
    """Stand on a node, where pods with the network of their host are too."""
    place = cluster.layout.places[number - 1]
    return Spot(place.address, tuple(cluster.enter(place.name)))


def of_pod(kubectl: NodeKubectl, name: str) -> Spot:
    """Stand in a pod that runs."""
    pod = kubectl.get("pod", name)
    (status,) = pod["status"]["containerStatuses"]
    container = status["containerID"].removeprefix("containerd://")
    node = pod["spec"]["nodeName"]
    enter = kubectl.cluster.enter(node)
    pid = _pid(kubectl.cluster, node, container)
    return Spot(pod["status"]["podIP"], (*enter, "nsenter", f"--net=/proc/{pid}/ns/net", "--"))


def of_machine(cluster: Cluster) -> Spot:
    """Stand outside of the cluster."""
    return Spot(cluster.layout.host_address, ())


def _pid(cluster: Cluster, node: str, container: str) -> str:
    """Look up the first process of a container, as its node counts processes."""
    (place,) = (each for each in cluster.layout.places if each.name == node)
    table = parts.run(arguments.ctr(place, "tasks", "list"), "listing tasks")
    rows = [line.split() for line in table.splitlines()[1:]]
    return next(row[1] for row in rows if row[0] == container)


def _program(what: str, there: Sequence[Door]) -> list[str]:
    listed = json.dumps([[each.address, each.port, each.protocol] for each in there])
    return [sys.executable, str(Path(doors.__file__)), what, listed]
