"""What tests on a real cluster share: one cluster for the session, a namespace for each test."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from node_kubectl import NodeKubectl, own_namespace
from real_fleet import RealFleets, Stage, real_fleet
from trial_image import trial_image

from callfleet_tools import cache
from callfleet_tools.evaluation import Evaluation, furnish
from callfleet_tools.find import Origin, look
from callfleet_tools.node import (
    Cluster,
    FolderBusyError,
    Wish,
    bring_up,
    images,
    take_down,
)
from callfleet_tools.node.layout import MOST_CLUSTERS
from callfleet_tools.programs import PROGRAMS, Purpose


@pytest.fixture(scope="session")
def root() -> None:
    """Skip, with the reason, where nobody may open namespaces."""
    if os.geteuid() != 0:
        pytest.skip("a node needs root; run the tests as root")


@pytest.fixture(scope="session")
def able(root: None) -> None:
    """Skip, with the reason, where no node can be had."""
    del root
    need(Purpose.CLUSTER, Purpose.NODE)


def need(*purposes: Purpose) -> None:
    """Skip, with the reason, where a program for one of these is not built."""
    wanted = [each for each in PROGRAMS if each.purpose in purposes]
    lacking = [each.name for each in wanted if look(each).origin is Origin.TO_BUILD]
    if lacking:
        pytest.skip(f"not built yet: {', '.join(lacking)}; `make test-cluster` builds them")


@pytest.fixture(scope="session")
def real_cluster(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real cluster of two nodes, for the whole session. Images of earlier sessions are there."""
    del able
    archives = tmp_path_factory.mktemp("images")
    with somewhere_free(nodes=2) as up:
        up.load(images.write_archive(trial_image(), archives / "trial.tar"))
        yield up


@pytest.fixture(scope="session")
def evaluation(real_cluster: Cluster) -> Evaluation:
    """LiveKit, an operator and an emulator on that cluster, and no fleet yet."""
    need(Purpose.CALLS, Purpose.CHARTS)
    return furnish(real_cluster)


@pytest.fixture(scope="module")
def empty_cluster(able: None) -> Iterator[Cluster]:
    """A cluster of one node with nothing in it, for a module's tests."""
    del able
    need(Purpose.CALLS, Purpose.CHARTS)
    with somewhere_free(nodes=1) as up:
        yield up


@pytest.fixture(scope="session")
def enforcing(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Another one, which enforces NetworkPolicies."""
    del able
    archives = tmp_path_factory.mktemp("images")
    with somewhere_free(policies=True) as up:
        up.load(images.write_archive(trial_image(), archives / "trial.tar"))
        yield up


@contextlib.contextmanager
def somewhere_free(nodes: int = 2, *, policies: bool = False) -> Iterator[Cluster]:
    """Have a cluster in the first folder that no other session of tests has one in."""
    for number in range(MOST_CLUSTERS):
        wish = Wish(cache.root() / f"test-cluster-{number}", nodes=nodes, policies=policies)
        try:
            up = bring_up(wish)
        except FolderBusyError:
            continue
        try:
            yield up
        finally:
            take_down(wish.folder)
        return
    pytest.fail(f"{MOST_CLUSTERS} sessions of tests have a cluster up; end some of them")


@pytest.fixture
def kubectl(real_cluster: Cluster) -> Iterator[NodeKubectl]:
    """Kubectl in a namespace of the test's own."""
    with own_namespace(real_cluster) as kubectl:
        yield kubectl


@pytest.fixture
def real_fleets(
    evaluation: Evaluation,
    kubectl: NodeKubectl,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> RealFleets:
    """Give the block in which a fleet takes calls and callers are there to call."""
    return partial(real_fleet, Stage(evaluation, kubectl, tmp_path, record_property))


@pytest.fixture
def cluster_folder(root: None) -> Iterator[Path]:
    """A folder for a cluster of the test's own, which ends with the test.

    Sockets are in it, so its path has to be short, which pytest's own need not be.
    """
    del root
    with tempfile.TemporaryDirectory(prefix="test-") as short:
        folder = Path(short) / "cluster"
        yield folder
        take_down(folder, everything=True)
