"""The example of Alertmanager's configuration tells the right people, and each trouble once."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import callfleet_tools
from callfleet_contract.slos import SLOS
from callfleet_dashboards import alerts, burning
from callfleet_dashboards.alerts.alert import Alert, Severity
from callfleet_dashboards.writing import ROOT
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports

EXAMPLE = ROOT / "dashboards" / "alertmanager" / "alertmanager.yaml"
KNOWN = (*alerts.known(), *(alert for slo in SLOS for alert in burning.alerts(slo)))
TOLD = {
    Severity.CRITICAL: "pager,chat",
    Severity.WARNING: "ticket",
    Severity.NONE: "dead-mans-switch",
}
FLEET = {"namespace": "voice", "fleet": "support"}
OTHER = {"namespace": "voice", "fleet": "sales"}


def amtool(*arguments: str) -> str:
    command = [callfleet_tools.find("amtool"), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a real one with the example; give its address."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("alertmanager")
    command = [
        str(callfleet_tools.find("alertmanager")),
        f"--config.file={EXAMPLE}",
        f"--storage.path={folder}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    log = folder / "log"
    url = f"http://{LOOPBACK}:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait_until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2):  # noqa: S310 - our own http URL
                return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def fire(url: str, *labels: dict[str, str]) -> None:
    body = json.dumps([{"labels": each} for each in labels]).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, headers)  # noqa: S310 - our own http URL
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - our own http URL
        pass


def silenced_by_others(url: str, namespace: str) -> dict[str, bool]:
    """Say of each alert of a namespace whether another keeps it from being told."""
    address = f"{url}/api/v2/alerts"
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own http URL
        found: list[dict[str, Any]] = json.load(answer)
    return {
        f"{each['labels']['alertname']} {each['labels'].get('fleet', '')}".strip(): bool(
            each["status"]["inhibitedBy"]
        )
        for each in found
        if each["labels"]["case"] == namespace
    }


def alert(case: str, name: str, **more: str) -> dict[str, str]:
    (known,) = [each for each in KNOWN if each.name == name]
    return {
        "alertname": name,
        "severity": known.severity,
        "case": case,
        **dict(known.labels),
        **more,
    }


def test_it_is_well_formed() -> None:
    assert "SUCCESS" in amtool("check-config", str(EXAMPLE))


@pytest.mark.parametrize("known", KNOWN, ids=lambda alert: alert.name)
def test_each_alert_goes_to_whom_its_severity_says(known: Alert) -> None:
    labels = {"alertname": known.name, "severity": known.severity, **FLEET, **dict(known.labels)}
    written = [f"{name}={value}" for name, value in labels.items()]
    told = amtool("config", "routes", "test", f"--config.file={EXAMPLE}", *written)
    assert told.strip() == TOLD[known.severity]


CASES = {
    "a budget's page makes its ticket needless, not another fleet's": (
        [
            ("CallfleetCallSuccessBudgetPage", FLEET),
            ("CallfleetCallSuccessBudgetTicket", FLEET),
            ("CallfleetCallSuccessBudgetTicket", OTHER),
            ("CallfleetMediaBudgetTicket", FLEET),
        ],
        {"CallfleetCallSuccessBudgetTicket support"},
    ),
    "a model that is away explains failed calls and late turns": (
        [
            ("CallfleetModelConnectFailing", FLEET),
            ("CallfleetCallSuccessBudgetPage", FLEET),
            ("CallfleetTurnLatencyMeasuredBudgetTicket", FLEET),
            ("CallfleetFleetOverheadBudgetPage", FLEET),
        ],
        {
            "CallfleetCallSuccessBudgetPage support",
            "CallfleetTurnLatencyMeasuredBudgetTicket support",
        },
    ),
    "who is not heard loses packets": (
        [
            ("CallfleetOneWayAudio", {**FLEET, "direction": "from_caller"}),
            ("CallfleetMediaBudgetTicket", FLEET),
            ("CallfleetMediaBudgetTicket", OTHER),
        ],
        {"CallfleetMediaBudgetTicket support"},
    ),
    "who waits for a slot is alone in a room": (
        [("CallfleetNoCapacity", FLEET), ("CallfleetOrphanedRooms", {})],
        {"CallfleetOrphanedRooms"},
    ),
    "callers of a worker that does not answer only seem to be alone": (
        [
            (
                "CallfleetTargetDown",
                {"job": "callfleet-worker", "instance": "10.0.0.1:8081", **FLEET},
            ),
            ("CallfleetOrphanedRooms", {}),
        ],
        {"CallfleetOrphanedRooms"},
    ),
    "an operator that does not answer is not missed twice": (
        [
            (
                "CallfleetTargetDown",
                {"job": "callfleet-operator", "instance": "10.0.0.1:8083", "namespace": "voice"},
            ),
            ("CallfleetOperatorAbsent", {"namespace": "voice"}),
        ],
        {"CallfleetOperatorAbsent"},
    ),
    "an operator that does not answer says nothing of another release's": (
        [
            (
                "CallfleetTargetDown",
                {"job": "callfleet-operator", "instance": "10.0.0.1:8083", "namespace": "voice"},
            ),
            ("CallfleetOperatorAbsent", {"namespace": "staging"}),
        ],
        set(),
    ),
    "a worker that does not answer says nothing of the operator": (
        [
            ("CallfleetTargetDown", {"job": "callfleet-worker", "instance": "10.0.0.1:8081"}),
            ("CallfleetReconcileErrors", FLEET),
        ],
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_trouble_is_told_once(manager: str, case: str) -> None:
    firing, expected = CASES[case]
    fire(manager, *(alert(case, name, **labels) for name, labels in firing))
    deadline = time.monotonic() + 10
    while True:
        found = silenced_by_others(manager, case)
        needless = {name for name, is_silenced in found.items() if is_silenced}
        if len(found) == len(firing) and needless == expected:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
