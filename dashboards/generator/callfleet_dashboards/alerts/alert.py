"""What an alert is, and how it is written for Prometheus. Pure."""

from dataclasses import dataclass
from enum import StrEnum

RUNBOOKS = "https://github.com/callfleet/callfleet/blob/main/docs/runbooks"
FLEET = "Fleet {{ $labels.namespace }}/{{ $labels.fleet }}: "
NUMBER = '{{ $value | printf "%.0f" }}'
PERCENT = "{{ $value | humanizePercentage }}"


class Severity(StrEnum):
    """Who is told: critical wakes somebody, warning is a ticket, none tells nobody."""

    CRITICAL = "critical"
    WARNING = "warning"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``lasts`` is how long its expression has to hold, as Prometheus writes it.

    The summary is constant, so that notifications group by it; figures are in the description.
    """

    name: str
    severity: Severity
    expression: str
    lasts: str
    summary: str
    description: str
    runbook: str = ""
    """The runbook's name where it is not the alert's own: both alerts of a budget have one."""
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> str:
        """The name of its runbook."""
        return self.runbook or self.name

    def rule(self) -> dict[str, object]:
        """Write it as a rule of Prometheus."""
        return {
            "alert": self.name,
            "expr": self.expression,
            **({"for": self.lasts} if self.lasts else {}),
            "labels": {"severity": self.severity.value, **dict(self.labels)},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.page}.md",
            },
        }
