"""What Prometheus and Alertmanager of a local stack are told, and where its rules come from."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from callfleet_rehearsal.stack import livekit
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.monitoring import (
    Target,
    livekit_target,
    operator_target,
    rule_files,
    rules,
    worker_target,
)
from callfleet_rehearsal.stack.monitoring.writing import (
    NOBODY,
    Notifying,
    alertmanager_command,
    alertmanager_settings,
    prometheus_command,
    prometheus_settings,
)

ROOT = Path(__file__).resolve().parents[2]
WORKER = worker_target("http://127.0.0.1:9090/metrics")
LIVEKIT = livekit_target("http://127.0.0.1:9091/metrics")


def scraped(*targets: Target) -> list[dict[str, Any]]:
    return prometheus_settings(targets, (), "127.0.0.1:9093")["scrape_configs"]


def test_a_workers_series_are_of_a_fleet_as_they_are_in_kubernetes() -> None:
    worker, livekit_server = scraped(WORKER, LIVEKIT)
    assert (worker["scheme"], worker["metrics_path"]) == ("http", "/metrics")
    assert worker["static_configs"] == [
        {
            "targets": ["127.0.0.1:9090"],
            "labels": {
                "job": "callfleet-worker",
                "namespace": "local",
                "fleet": "local",
                "pod": "local-worker",
            },
        }
    ]
    assert livekit_server["static_configs"] == [
        {
            "targets": ["127.0.0.1:9091"],
            "labels": {"job": "livekit-server", "namespace": "local"},
        }
    ]


def test_several_workers_are_scraped_under_one_job_each_for_its_fleet() -> None:
    told = scraped(*(worker_target("http://127.0.0.1:1/metrics", name) for name in ("a", "b")))
    labels = [each["static_configs"][0]["labels"] for each in told]
    assert [each["fleet"] for each in labels] == ["a", "b"]
    assert {each["job"] for each in labels} == {"callfleet-worker"}
    assert len({each["job_name"] for each in told}) == 2


def test_metrics_may_be_left_out_of_one_target_alone() -> None:
    lacking = worker_target("http://127.0.0.1:1/metrics", dropped="callfleet_calls_.+")
    dropping, whole = scraped(lacking, WORKER)
    (rule,) = dropping["metric_relabel_configs"]
    assert (rule["regex"], rule["action"]) == ("callfleet_calls_.+", "drop")
    assert whole["metric_relabel_configs"] == []


def test_an_operator_says_itself_which_fleet_its_series_are_about() -> None:
    (told,) = scraped(operator_target("http://127.0.0.1:1/metrics"))
    assert told["honor_labels"] is True
    assert "fleet" not in told["static_configs"][0]["labels"]


def test_the_server_shows_metrics_where_its_target_says() -> None:
    server = LiveKitServer(1, 2, 3, "key", "secret", metrics_port=4)
    assert livekit.settings(server)["prometheus"] == {"port": 4}
    assert server.metrics_url == "http://127.0.0.1:4/metrics"


def test_alerts_tell_nobody_unless_somebody_is_named() -> None:
    told = alertmanager_settings(NOBODY)
    assert told["receivers"] == [{"name": "nobody"}]
    assert told["route"]["receiver"] == "nobody"


def test_a_webhook_is_told_of_ends_too_and_as_soon_as_is_asked() -> None:
    told = alertmanager_settings(Notifying("http://127.0.0.1:8/", 0, 1))
    (receiver,) = told["receivers"]
    assert receiver["webhook_configs"] == [{"url": "http://127.0.0.1:8/", "send_resolved": True}]
    route = told["route"]
    assert (route["receiver"], route["group_wait"], route["group_interval"]) == (
        receiver["name"],
        "0s",
        "1s",
    )


def test_both_keep_to_loopback_and_to_the_runs_folder() -> None:
    told = (
        prometheus_command(Path("/p"), Path("/run/prometheus.yaml"), "127.0.0.1:1"),
        alertmanager_command(Path("/a"), Path("/run/alertmanager.yaml"), "127.0.0.1:2"),
    )
    for port, (_, *options) in enumerate(told, start=1):
        assert f"--web.listen-address=127.0.0.1:{port}" in options
        assert any("storage" in one and "=/run/" in one for one in options)
        assert not any(one.startswith("--web.enable") for one in options)
    assert "--cluster.listen-address=" in told[1]
    assert "--enable-feature=exemplar-storage" in told[0]


def test_rules_are_a_checkouts_own_before_those_that_were_installed(tmp_path: Path) -> None:
    own, installed = tmp_path / "own", tmp_path / "installed"
    installed.mkdir()
    (installed / "a.yaml").touch()
    assert rule_files((own, installed)) == (installed / "a.yaml",)
    own.mkdir()
    for name in ("b.yaml", "a.yaml", "README.md"):
        (own / name).touch()
    assert rule_files((own, installed)) == (own / "a.yaml", own / "b.yaml")


def test_without_any_rules_it_says_where_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=rf"no rules for Prometheus in {tmp_path}; install"):
        rule_files((tmp_path,))


def test_the_rules_are_all_of_the_tree_and_a_wheel_has_them(tmp_path: Path) -> None:
    there = sorted((ROOT / "dashboards" / "rules").iterdir())
    assert list(rule_files()) == there
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = "callfleet_rehearsal/stack/monitoring/shipped"
    assert {f"{shipped}/{file.name}" for file in there} <= names
    assert rules._INSTALLED.as_posix().endswith(shipped)
