"""`helm test` places real calls, and fails where the verdict does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from helm import CHARTS, Helm, HelmError
from node_kubectl import WAIT, NodeKubectl

import callfleet_tools
from callfleet_tools.evaluation import Evaluation, values

pytestmark = pytest.mark.timeout(900)

CHART = str(CHARTS / "callfleet")
FEW = {"calls": 2, "turns": 2}
TOO_BUSY = 3


@pytest.fixture
def installed(
    evaluation: Evaluation, kubectl: NodeKubectl, tmp_path: Path
) -> Iterator[Callable[[str], Helm]]:
    """Install a release with a fleet in the test's namespace; told how long its model thinks."""
    helm = Helm(
        callfleet_tools.find("helm"), tmp_path, evaluation.cluster.kubeconfig, kubectl.namespace
    )
    told: dict[str, Any] = values.beside(evaluation)
    agent = {"agentName": f"agent-{uuid4().hex[:8]}", "autoscaling": {"maxReplicas": 1}}
    told["test"] |= FEW
    told["fleets"] = {"support": agent}

    def install(timing: str) -> Helm:
        told["emulator"] |= {"timing": timing}
        file = tmp_path / "values.json"
        file.write_text(json.dumps(told), encoding="utf-8")
        helm("install", "support", CHART, "--values", str(file))
        kubectl("rollout", "status", "deployment/support-callfleet-emulator", WAIT)
        kubectl("wait", "--for=condition=Available", "vf/support", WAIT)
        return helm

    yield install
    helm("uninstall", "support", "--ignore-not-found")


def test_a_fleet_that_answers_in_time_passes(
    installed: Callable[[str], Helm], kubectl: NodeKubectl, record_outcome: Callable[[str], None]
) -> None:
    passed = passes(installed("ideal"))
    code, said = rehearsed(kubectl)
    record_outcome("pass" if code == 0 else "inconclusive")
    assert "voice to voice" in said
    assert (passed, code) in {(True, 0), (False, TOO_BUSY)}, said


def test_a_fleet_whose_model_thinks_too_long_fails(
    installed: Callable[[str], Helm], kubectl: NodeKubectl
) -> None:
    passed = passes(installed("measured"))
    code, said = rehearsed(kubectl)
    assert not passed
    assert code in {1, TOO_BUSY}, said


def passes(helm: Helm) -> bool:
    """Say whether `helm test` is content."""
    try:
        helm("test", "support", "--timeout", "10m")
    except HelmError:
        return False
    return True


def rehearsed(kubectl: NodeKubectl) -> tuple[int, str]:
    """Give the exit code of the test's pod, and what it wrote."""
    name = "support-callfleet-rehearsal"
    (container,) = kubectl.get("pod", name)["status"]["containerStatuses"]
    return container["state"]["terminated"]["exitCode"], kubectl("logs", name)
