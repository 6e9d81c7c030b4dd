"""Kubernetes' own controllers know what to do with a fleet: its autoscaler, and garbage."""

from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from external_metrics import Site, autoscaler, external_metric
from fleets import create_fleet, fleets_path, say_status
from kube_api import ApiError, wait_until
from pods import pod

HPAS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"

pytestmark = pytest.mark.usefixtures("controllers")


def owner_of(fleet: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": fleet["apiVersion"],
        "kind": fleet["kind"],
        "name": fleet["metadata"]["name"],
        "uid": fleet["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def test_an_autoscaler_of_kubernetes_drives_a_manual_fleet(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    create_fleet(control_plane, namespace, replicas=1, autoscaling={"mode": "Manual"})
    path = fleets_path(namespace, "support")

    def replicas() -> int:
        """What is wanted; as an operator would, make it so."""
        wanted: int = control_plane.ask("GET", path)["spec"]["replicas"]
        say_status(control_plane, namespace, replicas=wanted, selector="app=none")
        return wanted

    with external_metric(control_plane, Site(namespace, tmp_path)) as metric:
        wait_until(lambda: metric.is_served)
        control_plane.ask(
            "POST", HPAS.format(namespace), autoscaler("support", calls_per_pod=10, most=6)
        )
        metric.value = 45
        wait_until(lambda: replicas() == 5)
        metric.value = 1000
        wait_until(lambda: replicas() == 6)
        metric.value = 15
        wait_until(lambda: replicas() == 2)


def test_an_autoscaler_of_kubernetes_cannot_move_a_fleet_in_auto(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    create_fleet(control_plane, namespace, replicas=1)
    say_status(control_plane, namespace, replicas=1, selector="app=none")
    with external_metric(control_plane, Site(namespace, tmp_path)) as metric:
        wait_until(lambda: metric.is_served)
        metric.value = 45
        hpas = HPAS.format(namespace)
        control_plane.ask("POST", hpas, autoscaler("support", calls_per_pod=10, most=6))

        def cannot() -> bool:
            told = control_plane.ask("GET", f"{hpas}/support").get("status", {})
            return any(
                each["type"] == "AbleToScale"
                and each["status"] == "False"
                and "autoscaling.mode is Auto" in each["message"]
                for each in told.get("conditions", [])
            )

        wait_until(cannot)
    assert control_plane.ask("GET", fleets_path(namespace, "support"))["spec"]["replicas"] == 1


def test_pods_go_with_the_fleet_that_owns_them(control_plane: ControlPlane, namespace: str) -> None:
    fleet = create_fleet(control_plane, namespace)
    owned = pod()
    owned["metadata"]["ownerReferences"] = [owner_of(fleet)]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    control_plane.ask("POST", pods, owned)
    control_plane.ask("DELETE", fleets_path(namespace, "support"))

    def is_gone() -> bool:
        try:
            control_plane.ask("GET", f"{pods}/one")
        except ApiError as error:
            return error.reason == "NotFound"
        return False

    wait_until(is_gone)
