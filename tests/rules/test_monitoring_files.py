"""Prometheus' and Alertmanager's own tools find no fault with what a local stack tells them."""

import subprocess
from pathlib import Path

import pytest
import yaml
from promtool import Promtool

import callfleet_tools
from callfleet_rehearsal.stack.monitoring import (
    Notifying,
    livekit_target,
    rule_files,
    worker_target,
)
from callfleet_rehearsal.stack.monitoring.writing import (
    NOBODY,
    alertmanager_settings,
    prometheus_settings,
)

TARGETS = (
    worker_target("http://127.0.0.1:9090/metrics"),
    livekit_target("http://127.0.0.1:9091/metrics"),
)


def test_prometheus_takes_it_with_all_rules(promtool: Promtool, tmp_path: Path) -> None:
    told = prometheus_settings(TARGETS, rule_files(), "127.0.0.1:9093")
    assert promtool.check_settings(written(told, tmp_path)) == ""


def test_rules_that_are_not_there_would_be_noticed(promtool: Promtool, tmp_path: Path) -> None:
    told = prometheus_settings(TARGETS, (tmp_path / "nothing.yaml",), "127.0.0.1:9093")
    assert "nothing.yaml" in promtool.check_settings(written(told, tmp_path))


@pytest.mark.parametrize("notifying", [NOBODY, Notifying("http://127.0.0.1:8/", 0, 1)])
def test_alertmanager_takes_it(notifying: Notifying, tmp_path: Path) -> None:
    file = written(alertmanager_settings(notifying), tmp_path)
    command = [callfleet_tools.find("amtool"), "check-config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def written(settings: dict[str, object], folder: Path) -> Path:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file
