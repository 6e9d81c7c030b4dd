"""What of the runbooks follows from rules and measurements. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callfleet_contract.slos import WINDOW_DAYS
from callfleet_dashboards.alerts.alert import Alert
from callfleet_dashboards.burning import Burn

_WORDS = {"m": "minute", "h": "hour", "d": "day"}
_HEAD = "| alert | severity | holds for | told after | by which fault |\n|---|---|---|---|---|"
_BURN_HEAD = (
    "| over | and still over | so many times too fast | spent in | told as | with at least |\n"
    "|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """From a fault to the notification, on the local stack: ``seconds``, and what the fault was."""

    seconds: float
    fault: str


def index(alerts: Iterable[Alert], measured: Mapping[str, Measured]) -> str:
    """List alerts, with how soon each was told."""
    return "\n".join([_HEAD, *(_row(alert, measured.get(alert.name)) for alert in alerts)]) + "\n"


def _row(alert: Alert, found: Measured | None) -> str:
    told = (f"{found.seconds:.0f} s", found.fault) if found else ("", "")
    cells = (f"[{alert.name}]({alert.page}.md)", alert.severity, alert.lasts or "at once", *told)
    return "| " + " | ".join(cells) + " |"


def how_soon(alerts: Iterable[Alert], measured: Mapping[str, Measured], conditions: str) -> str:
    """Say for one runbook how soon its alerts were told of a real fault."""
    found = [(alert, measured[alert.name]) for alert in alerts if alert.name in measured]
    lines = [f"- {alert.name}: {told.seconds:.0f} s ({told.fault})" for alert, told in found]
    return "\n".join([f"From the fault to the notification, {conditions}:", "", *lines, ""])


def burn_table(burns: Iterable[Burn]) -> str:
    """Say how fast a budget has to burn for somebody to be told."""
    rows = (
        f"| {_in_words(burn.long)} | {_in_words(burn.short)} | {burn.factor:g} | "
        f"{WINDOW_DAYS / burn.factor:.2g} days | {burn.urgency} | "
        f"{burn.least} events, {burn.least_bad} of them bad |"
        for burn in burns
    )
    return "\n".join([_BURN_HEAD, *rows]) + "\n"


def _in_words(window: str) -> str:
    number, word = window[:-1], _WORDS[window[-1]]
    return f"{number} {word}{'' if number == '1' else 's'}"
