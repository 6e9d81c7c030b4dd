"""Prometheus and Alertmanager beside real parts, with the rules as they are, and who is told."""

import json
import math
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from webhooks import FIRING, RESOLVED, Notification, Receiver, receiving

from callfleet_contract.slos import SLOS
from callfleet_dashboards import alerts, burning
from callfleet_dashboards.alerts.alert import RUNBOOKS, Alert
from callfleet_dashboards.writing import ROOT
from callfleet_rehearsal.stack.monitoring import (
    Notifying,
    Target,
    find_programs,
    rule_files,
    start_monitoring,
)
from callfleet_rehearsal.stack.processes import Children

KNOWN: dict[str, Alert] = {
    alert.name: alert
    for alert in (*alerts.known(), *(alert for slo in SLOS for alert in burning.alerts(slo)))
}
PATIENCE_SECONDS = 900.0
"""From a fault on; a busy machine is slow, and nobody is told sooner for that."""
_LOOK_SECONDS = 2.0
WRITES_MEASURED = "WRITE_MEASURED"
"""The variable that asks for it. A worker would take it for a setting that it has not."""
MEASURED = ROOT / "docs" / "runbooks" / "measured.json"
CONDITIONS = (
    "on the local stack on two cores, several faults at once; scraped every 5 s, rules evaluated "
    "every 15 s (tickets of budgets every 2 minutes), Alertmanager's group_wait 1 s"
)


@dataclass(frozen=True)
class Case:
    """An alert, the scene that has it told (by its fleet's name), and what is wrong there."""

    alert: str
    scene: str
    fault: str


@dataclass
class Watch:
    """Who is told of alerts; and when each scene's fault began, and was over."""

    receiver: Receiver
    prometheus_url: str
    struck: dict[str, float] = field(default_factory=dict)
    mended: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    late_seconds: float = 0.0
    """How late a caller sent its sound, most of the time: what a busy machine does."""
    failure: BaseException | None = None
    """What went wrong with the scenes, but for their faults."""

    def strike(self, scene: str) -> None:
        """Note that a scene's fault begins; the first time counts."""
        self.struck.setdefault(scene, time.monotonic())

    def mend(self, scene: str) -> None:
        """Note that it is over."""
        self.mended[scene] = time.monotonic()

    def sees(self, query: str) -> bool:
        """Say whether Prometheus has something to answer to a query."""
        asked = urllib.parse.urlencode({"query": query})
        url = f"{self.prometheus_url}/api/v1/query?{asked}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own http URL
            return bool(json.load(answer)["data"]["result"])

    def told(self, alert: str, scene: str) -> Notification:
        """Wait until somebody is told, and give the first time."""
        return self._wait_for(alert, scene, FIRING, lambda: 0.0)

    def told_it_is_over(self, alert: str, scene: str) -> Notification:
        """Wait until somebody is told that a fault that was mended is over."""
        return self._wait_for(alert, scene, RESOLVED, lambda: self.mended.get(scene, math.inf))

    def _wait_for(
        self, alert: str, scene: str, status: str, since: Callable[[], float]
    ) -> Notification:
        labels = {} if _is_of_no_fleet(alert) else {"fleet": scene}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            if self.failure is not None:
                raise self.failure
            try:
                return self.receiver.wait_for(
                    alert, _LOOK_SECONDS, status=status, since=since(), **labels
                )
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def all_told(self, fleet: str) -> set[str]:
        """Name all alerts of a fleet that somebody was told of."""
        return {one.alert for one in self.receiver.told() if one.labels.get("fleet") == fleet}


def _is_of_no_fleet(alert: str) -> bool:
    """Tell of an alert that is about the LiveKit server, or all fleets."""
    return "{{ $labels.fleet }}" not in KNOWN[alert].description and alert != "CallfleetTargetDown"


def complaint(case: Case, told: Notification) -> str:
    """Say what is wrong with how somebody was told; nothing where all is right."""
    known = KNOWN[case.alert]
    expected = {
        "severity": (told.labels.get("severity"), known.severity.value),
        "summary": (told.annotations.get("summary"), known.summary),
        "runbook": (told.annotations.get("runbook_url"), f"{RUNBOOKS}/{known.page}.md"),
    }
    wrong = [f"{what} is {got}" for what, (got, wanted) in expected.items() if got != wanted]
    if not (ROOT / "docs" / "runbooks" / f"{known.page}.md").is_file():
        wrong.append("there is no runbook")
    description = told.annotations.get("description", "")
    if "{{" in description or "<no value>" in description or "NaN" in description:
        wrong.append(f"it says: {description}")
    return "; ".join(wrong)


@contextmanager
def watching(folder: Path, targets: Iterable[Target]) -> Iterator[Watch]:
    """Have targets watched while the block runs."""
    folder.mkdir()
    began = time.monotonic()
    with receiving() as receiver, Children(folder) as children:
        notifying = Notifying(receiver.url, group_wait_seconds=1, group_interval_seconds=5)
        running = start_monitoring(children, find_programs(), targets, rule_files(), notifying)
        yield Watch(receiver, running.prometheus_url, began=began)


def note(case: Case, seconds: float) -> None:
    """Write down how soon somebody was told, where that is asked for."""
    print(f"{case.alert}: {seconds:.0f} s ({case.fault})")
    if os.environ.get(WRITES_MEASURED) != "1":
        return
    whole = json.loads(MEASURED.read_text(encoding="utf-8"))
    found = {**whole["alerts"], case.alert: {"seconds": round(seconds, 1), "fault": case.fault}}
    told = {"conditions": CONDITIONS, "alerts": {name: found[name] for name in sorted(found)}}
    text = json.dumps(told, indent=2, ensure_ascii=False)
    MEASURED.write_text(f"{text}\n", encoding="utf-8")
