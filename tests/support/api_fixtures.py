"""Fixtures of tests against a real API server: one control plane, a namespace for each test."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane, start_control_plane, start_controllers
from kube_api import ApiError
from kubectl import Kubectl
from operator_cluster import Clustered, operator_cluster

import callfleet_tools
from callfleet_contract.fleet.names import API_VERSION, PLURAL
from callfleet_rehearsal.stack.processes import Child, Children
from callfleet_tools.programs import PROGRAMS, Purpose


@pytest.fixture(scope="session")
def cluster_programs() -> dict[str, Path]:
    """The programs of a control plane: found, or built now."""
    return callfleet_tools.find_all(
        program.name for program in PROGRAMS if program.purpose is Purpose.CLUSTER
    )


@pytest.fixture(scope="session")
def control_plane(children: Children, cluster_programs: dict[str, Path]) -> ControlPlane:
    """An API server with etcd that knows fleets, for the whole session."""
    return start_control_plane(children, cluster_programs)


@pytest.fixture(scope="session")
def controllers(
    children: Children, cluster_programs: dict[str, Path], control_plane: ControlPlane
) -> Child:
    """Kubernetes' own controllers on that API server, from the first test on that asks for them."""
    program = cluster_programs["kube-controller-manager"]
    return start_controllers(children, program, control_plane)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace for one test; what is in it goes with the test."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    control_plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    at_once = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
    for path in (
        f"/apis/{API_VERSION}/namespaces/{name}/{PLURAL}",
        f"/api/v1/namespaces/{name}/pods",
    ):
        control_plane.ask("DELETE", path, at_once)
    with contextlib.suppress(ApiError):
        control_plane.ask("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def kubectl(
    control_plane: ControlPlane, cluster_programs: dict[str, Path], namespace: str
) -> Kubectl:
    """Kubectl in the test's namespace."""
    program = cluster_programs["kubectl"]
    return Kubectl(program, control_plane.kubeconfig, control_plane.folder, namespace)


@pytest.fixture
def clustered(
    control_plane: ControlPlane, namespace: str, children: Children, tmp_path: Path
) -> Clustered:
    """Give the block in which workers and operators run; it has to be in the test's own task."""
    return lambda: operator_cluster(control_plane, namespace, children, tmp_path)
