"""Prometheus and Alertmanager beside a local stack: what is scraped, which rules, who is told."""

from callfleet_rehearsal.stack.monitoring.rules import rule_files
from callfleet_rehearsal.stack.monitoring.running import (
    Monitoring,
    MonitoringPrograms,
    find_programs,
    start_monitoring,
)
from callfleet_rehearsal.stack.monitoring.writing import (
    Notifying,
    Target,
    livekit_target,
    operator_target,
    worker_target,
)

__all__ = [
    "Monitoring",
    "MonitoringPrograms",
    "Notifying",
    "Target",
    "find_programs",
    "livekit_target",
    "operator_target",
    "rule_files",
    "start_monitoring",
    "worker_target",
]
