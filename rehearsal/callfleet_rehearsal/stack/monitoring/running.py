"""Run Prometheus and Alertmanager on loopback, their data in the run's folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

import callfleet_tools
from callfleet_rehearsal.stack.livekit import answers
from callfleet_rehearsal.stack.monitoring.writing import (
    NOBODY,
    Notifying,
    Target,
    alertmanager_command,
    alertmanager_settings,
    prometheus_command,
    prometheus_settings,
)
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Children, inherited_environment

_PROMETHEUS, _ALERTMANAGER = "prometheus", "alertmanager"
_READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MonitoringPrograms:
    """Where the two programs are."""

    prometheus: Path
    alertmanager: Path


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Both, running. ``prometheus_has_pages`` tells whether a browser has anything to see there."""

    prometheus_url: str
    alertmanager_url: str
    prometheus_has_pages: bool


def find_programs() -> MonitoringPrograms:
    """Find both programs, or build them, which takes minutes.

    Raises:
        ToolError: one can be neither found nor built.

    """
    paths = callfleet_tools.find_all((_PROMETHEUS, _ALERTMANAGER))
    return MonitoringPrograms(paths[_PROMETHEUS], paths[_ALERTMANAGER])


def start_monitoring(
    children: Children,
    programs: MonitoringPrograms,
    targets: Iterable[Target],
    rules: Iterable[Path],
    notifying: Notifying = NOBODY,
) -> Monitoring:
    """Start both and wait until they are ready.

    Raises:
        StackError: one does not start; where it does not like the rules, its log says so.

    """
    alerts_port, port = free_ports(2)
    alerts_at, at = f"{LOOPBACK}:{alerts_port}", f"{LOOPBACK}:{port}"
    folder = children.folder.absolute()
    alerts_file, file = folder / "alertmanager.yaml", folder / "prometheus.yaml"
    _write(alerts_file, alertmanager_settings(notifying))
    _write(file, prometheus_settings(targets, rules, alerts_at))
    for role, command, place in (
        (
            _ALERTMANAGER,
            alertmanager_command(programs.alertmanager, alerts_file, alerts_at),
            alerts_at,
        ),
        (_PROMETHEUS, prometheus_command(programs.prometheus, file, at), at),
    ):
        child = children.start(role, command, inherited_environment())
        child.wait_until(partial(answers, f"http://{place}/-/ready"), _READY_SECONDS, "ready")
    pages = answers(f"http://{at}/query")
    return Monitoring(f"http://{at}", f"http://{alerts_at}", prometheus_has_pages=pages)


def _write(file: Path, settings: dict[str, object]) -> None:
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
