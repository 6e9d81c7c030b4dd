"""A cluster comes up where another was: with its images, without its pods; now with internet."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_kubectl import WAIT, NodeKubectl
from trial_image import trial_image
from trial_pods import pod

from callfleet_tools.node import Cluster, Wish, arguments, cluster, images, parts
from callfleet_tools.node.order import load


@pytest.fixture(scope="module")
def again(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the internet, in the folder of one that ended with a pod in it."""
    del able
    folder, files = tmp_path_factory.mktemp("again"), tmp_path_factory.mktemp("files")
    archive = images.write_archive(trial_image(), files / "trial.tar")
    with cluster(Wish(folder)) as first:
        first.load(archive)
        begin(first, "earlier", "node1", files)
    with cluster(Wish(folder, nodes=2, internet=True)) as second:
        load(second.layout.places[1], archive)
        yield second


@pytest.fixture
def page(again: Cluster) -> Iterator[str]:
    """A page at an address of this machine that is not the one on the link to the nodes."""
    del again
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network but its own")
        address = asking.getsockname()[0]
    server = http.server.ThreadingHTTPServer((address, 0), Refusing)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://{address}:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(418, "known by this")


def begin(up: Cluster, name: str, node: str, folder: Path) -> NodeKubectl:
    kubectl = NodeKubectl(up, "default")
    kubectl.apply([pod(name, nodeName=node)], folder / f"{name}.json")
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", WAIT)
    return kubectl


def test_images_are_there_and_containers_are_not(again: Cluster) -> None:
    place = again.layout.places[0]
    assert again.has(trial_image().reference)
    assert not again.has("callfleet.invalid/trial:2")
    assert parts.run(arguments.ctr(place, "containers", "list", "-q"), "listing").split() == []


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_pods_reach_what_the_machine_reaches(
    again: Cluster, page: str, node: str, tmp_path: Path
) -> None:
    kubectl = begin(again, f"asking-{node}", node, tmp_path)
    said = kubectl("exec", f"asking-{node}", "--", "sh", "-c", f"wget -O- {page} 2>&1 || true")
    assert "418 known by this" in said
