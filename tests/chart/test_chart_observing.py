"""What the chart gives Prometheus and Grafana is what the project makes for them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import Helm, HelmError, Object, of_kind

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "dashboards" / "grafana").glob("*.json"))
RULES = sorted((ROOT / "dashboards" / "rules").glob("*.yaml"))
RUNNING = {
    "sourceLabels": ["__meta_kubernetes_pod_phase"],
    "regex": "Running",
    "action": "keep",
}
"""Whoever pulls an image is not down, though its pod has an address."""
MOST_BYTES = 1024 * 1024
"""Kubernetes takes no ConfigMap above that."""


def boards(objects: list[Object]) -> list[Object]:
    named = of_kind(objects, "ConfigMap")
    return [one for one in named if "grafana_dashboard" in one["metadata"]["labels"]]


def endpoints(helm: Helm) -> dict[str, Any]:
    objects = helm.objects("callfleet", "--set", "podMonitor.enabled=true,fleets.a.paused=true")
    monitors = of_kind(objects, "PodMonitor")
    return {one["metadata"]["name"]: one["spec"]["podMetricsEndpoints"][0] for one in monitors}


def test_boards_and_rules_are_asked_for(helm: Helm) -> None:
    objects = helm.objects("callfleet")
    assert boards(objects) == []
    assert of_kind(objects, "PrometheusRule") == []


def test_every_board_is_shipped_as_it_is_and_is_small_enough(helm: Helm) -> None:
    shipped = boards(helm.objects("callfleet", "--set", "dashboards.enabled=true"))
    told = {name: text for one in shipped for name, text in one["data"].items()}
    assert {file.name for file in BOARDS} == set(told)
    for file in BOARDS:
        assert json.loads(told[file.name]) == json.loads(file.read_text(encoding="utf-8"))
        assert len(told[file.name].encode()) < MOST_BYTES
    for one in shipped:
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"] == {"grafana_folder": "callfleet"}
    assert len({one["metadata"]["name"] for one in shipped}) == len(BOARDS)


def test_boards_have_the_labels_and_the_folder_that_a_user_wants(helm: Helm) -> None:
    wanted = "dashboards.enabled=true,dashboards.folder=,dashboards.additionalLabels.team=voice"
    for one in boards(helm.objects("callfleet", "--set", wanted)):
        assert one["metadata"]["labels"]["team"] == "voice"
        assert "annotations" not in one["metadata"]


def test_every_rule_is_shipped_as_it_is(helm: Helm) -> None:
    wanted = "prometheusRule.enabled=true,prometheusRule.additionalLabels.release=prometheus"
    (one,) = of_kind(helm.objects("callfleet", "--set", wanted), "PrometheusRule")
    assert one["metadata"]["labels"]["release"] == "prometheus"
    made = [yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for file in RULES]
    assert one["spec"]["groups"] == [group for groups in made for group in groups]


def test_an_alert_can_be_left_out_and_nothing_else_is(helm: Helm) -> None:
    wanted = "prometheusRule.enabled=true,prometheusRule.disabled={CallfleetOrphanedRooms}"
    (one,) = of_kind(helm.objects("callfleet", "--set", wanted), "PrometheusRule")
    made = [yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for file in RULES]
    rules = [rule for groups in made for group in groups for rule in group["rules"]]
    left = [rule for rule in rules if rule.get("alert") != "CallfleetOrphanedRooms"]
    assert [rule for group in one["spec"]["groups"] for rule in group["rules"]] == left
    assert len(left) == len(rules) - 1


def test_an_alert_that_is_none_cannot_be_left_out(helm: Helm) -> None:
    wanted = "prometheusRule.enabled=true,prometheusRule.disabled={CallfleetOrphans}"
    with pytest.raises(HelmError, match='names "CallfleetOrphans", which is no alert'):
        helm.render("callfleet", "--set", wanted)


def test_a_label_that_makes_a_board_cannot_be_taken_away(helm: Helm) -> None:
    wanted = ("--set", "dashboards.enabled=true")
    other = ("--set-string", "dashboards.additionalLabels.grafana_dashboard=0")
    for one in boards(helm.objects("callfleet", *wanted, *other)):
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
    own = "dashboards.additionalLabels.app\\.kubernetes\\.io/name=x"
    with pytest.raises(HelmError, match="sets the label"):
        helm.render("callfleet", *wanted, "--set", own)


def test_series_are_labelled_as_rules_and_boards_add_up(helm: Helm) -> None:
    found = endpoints(helm)
    operator, worker = found["callfleet-operator"], found["callfleet-worker"]
    assert operator["honorLabels"]
    assert operator["relabelings"] == [
        RUNNING,
        {"targetLabel": "job", "replacement": "callfleet-operator"},
    ]
    assert "honorLabels" not in worker
    label = "__meta_kubernetes_pod_label_callfleet_dev_"
    assert worker["relabelings"] == [
        RUNNING,
        {"targetLabel": "job", "replacement": "callfleet-worker"},
        {"sourceLabels": [f"{label}fleet"], "targetLabel": "fleet"},
        {"sourceLabels": [f"{label}revision"], "targetLabel": "revision"},
    ]
