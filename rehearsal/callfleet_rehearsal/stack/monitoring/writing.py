"""What Prometheus and Alertmanager are told, as their files have it. No clock, no network."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SCRAPE_SECONDS = 5
EVALUATION_SECONDS = 5
_TIMEOUT_SECONDS = 4
_MOST_EXEMPLARS = 20_000
_LOCAL = "local"
_NOTIFICATION_LABELS = ("alertname", "namespace", "fleet")
_SILENT, _WEBHOOK = "nobody", "webhook"
_REPEAT = "12h"


@dataclass(frozen=True, slots=True)
class Target:
    """A process whose metrics are scraped.

    In Kubernetes ``namespace`` is the pod's, and ``fleet`` the one that it is of; the rules add up
    by both. A process of no fleet has None. Boards and runbooks tell workers apart by ``pod``: a
    fleet has one here. What ``dropped`` matches is not kept: a regular expression of whole names,
    as ``metric_relabel_configs`` have them.
    """

    job: str
    metrics_url: str
    namespace: str = _LOCAL
    fleet: str | None = None
    dropped: str = ""


def worker_target(metrics_url: str, fleet: str = _LOCAL, dropped: str = "") -> Target:
    """Name a worker, the one of its fleet."""
    return Target("callfleet-worker", metrics_url, fleet=fleet, dropped=dropped)


def operator_target(metrics_url: str) -> Target:
    """Name an operator. Its series say themselves which fleet they are about."""
    return Target("callfleet-operator", metrics_url)


def livekit_target(metrics_url: str) -> Target:
    """Name the local stack's LiveKit server."""
    return Target("livekit-server", metrics_url)


@dataclass(frozen=True, slots=True)
class Notifying:
    """Who is told of alerts: a webhook, or nobody; and how soon.

    Alerts that begin within ``group_wait_seconds`` are told of together, and changes to these
    after ``group_interval_seconds`` at the earliest.
    """

    webhook: str | None = None
    group_wait_seconds: int = 1
    group_interval_seconds: int = 5


NOBODY = Notifying()


def prometheus_settings(
    targets: Iterable[Target], rules: Iterable[Path], alertmanager: str
) -> dict[str, object]:
    """Write Prometheus' configuration; ``alertmanager`` is a host with its port."""
    return {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{_TIMEOUT_SECONDS}s",
            "evaluation_interval": f"{EVALUATION_SECONDS}s",
        },
        "storage": {"exemplars": {"max_exemplars": _MOST_EXEMPLARS}},
        "rule_files": [str(file) for file in rules],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [_scraped(*each) for each in enumerate(targets, start=1)],
    }


def _scraped(number: int, target: Target) -> dict[str, object]:
    at = urlsplit(target.metrics_url)
    labels = {"job": target.job, "namespace": target.namespace}
    if target.fleet is not None:
        labels["fleet"] = target.fleet
        labels["pod"] = f"{target.fleet}-worker"
    drop = {"source_labels": ["__name__"], "regex": target.dropped, "action": "drop"}
    return {
        # Two of one job are two to Prometheus; the label is what the rules go by.
        "job_name": f"{target.job}-{number}",
        "scheme": at.scheme,
        "metrics_path": at.path,
        "honor_labels": True,
        "static_configs": [{"targets": [at.netloc], "labels": labels}],
        "metric_relabel_configs": [drop] if target.dropped else [],
    }


def alertmanager_settings(notifying: Notifying) -> dict[str, object]:
    """Write Alertmanager's configuration: one way for all alerts."""
    receiver: dict[str, object] = {"name": _SILENT}
    if notifying.webhook is not None:
        told = {"url": notifying.webhook, "send_resolved": True}
        receiver = {"name": _WEBHOOK, "webhook_configs": [told]}
    return {
        "route": {
            "receiver": receiver["name"],
            "group_by": list(_NOTIFICATION_LABELS),
            "group_wait": f"{notifying.group_wait_seconds}s",
            "group_interval": f"{notifying.group_interval_seconds}s",
            "repeat_interval": _REPEAT,
        },
        "receivers": [receiver],
    }


def prometheus_command(program: Path, file: Path, listen: str) -> tuple[str, ...]:
    """Say how Prometheus is started, with its configuration; its data are kept beside that.

    ``listen`` is a host with its port. Nobody may change or stop it over HTTP.
    """
    return (
        str(program),
        f"--config.file={file}",
        f"--storage.tsdb.path={file.parent / 'prometheus'}",
        f"--web.listen-address={listen}",
        f"--web.external-url=http://{listen}/",
        "--enable-feature=exemplar-storage",
    )


def alertmanager_command(program: Path, file: Path, listen: str) -> tuple[str, ...]:
    """Say how Alertmanager is started, as Prometheus is; it looks for no others of its kind."""
    return (
        str(program),
        f"--config.file={file}",
        f"--storage.path={file.parent / 'alertmanager'}",
        f"--web.listen-address={listen}",
        f"--web.external-url=http://{listen}/",
        "--cluster.listen-address=",
    )
