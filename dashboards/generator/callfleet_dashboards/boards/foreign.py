"""Series that are not in our catalogue: of Prometheus, of every program. Names only."""

from enum import StrEnum

from callfleet_dashboards.boards.queries import CHOSEN, POD


class Process(StrEnum):
    """What Prometheus' client tells of each program."""

    CPU_SECONDS = "process_cpu_seconds_total"
    RESIDENT_BYTES = "process_resident_memory_bytes"


ALERTS = "ALERTS"
WORKERS = "callfleet-worker"
"""The job that workers are scraped as."""
PREFIX = "Callfleet"
"""Names of our alerts begin so."""
# Alerts of a whole installation, such as of data that is missing, name no fleet.
_MAYBE = [f'{label}=~"{value}|"' for label, value in CHOSEN]


def firing(*more: str) -> str:
    """Name the alerts that fire, of the chosen fleets or of none."""
    chosen = ['alertstate="firing"', f'alertname=~"{PREFIX}.*"', *_MAYBE, *more]
    return f"{ALERTS}{{{', '.join(chosen)}}}"


def of_pods(metric: Process) -> str:
    """Name the series of workers' own programs, of the chosen pod."""
    chosen = [f'job="{WORKERS}"', *(f'{label}=~"{value}"' for label, value in (*CHOSEN, POD))]
    return f"{metric}{{{', '.join(chosen)}}}"
