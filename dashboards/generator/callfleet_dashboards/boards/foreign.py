"""Series that are not in our catalogue: of Prometheus, of every program. Names only."""

from enum import StrEnum

from callfleet_dashboards.boards.queries import CHOSEN, POD
from callfleet_dashboards.promql import SHARED


class Process(StrEnum):
    """What Prometheus' client tells of each program."""

    CPU_SECONDS = "process_cpu_seconds_total"
    RESIDENT_BYTES = "process_resident_memory_bytes"


ALERTS = "ALERTS"
WORKERS = "callfleet-worker"
"""The job that workers are scraped as."""
PREFIX = "Callfleet"
"""Names of our alerts begin so."""


def firing(*more: str) -> str:
    """Name the alerts that fire, of the chosen fleets or of none.

    What an installation shares, such as its LiveKit server, is in a namespace of its own, and so
    its alerts are shown whichever is chosen.
    """
    fires = ['alertstate="firing"', f'alertname=~"{PREFIX}.*"', *more]
    of_fleets = ", ".join([*fires, *(f'{label}=~"{value}"' for label, value in CHOSEN)])
    of_none = ", ".join([*fires, f'{SHARED[1]}=""'])
    return f"({ALERTS}{{{of_fleets}}} or {ALERTS}{{{of_none}}})"


def of_pods(metric: Process) -> str:
    """Name the series of workers' own programs, of the chosen pod."""
    chosen = [f'job="{WORKERS}"', *(f'{label}=~"{value}"' for label, value in (*CHOSEN, POD))]
    return f"{metric}{{{', '.join(chosen)}}}"
