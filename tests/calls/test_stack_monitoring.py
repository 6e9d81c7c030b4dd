"""Prometheus and Alertmanager watch the local stack, tell of alerts, and end with it."""

import json
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typed_rehearsal import typing_in
from webhooks import RESOLVED, Receiver, receiving

from callfleet_rehearsal.stack import keeper
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.monitoring import (
    Monitoring,
    Notifying,
    find_programs,
    livekit_target,
    rule_files,
    start_monitoring,
    worker_target,
)
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import Worker

PATIENCE = 60.0
UNKNOWN = "unknown"
"""The health of a rule that was not evaluated yet."""
OF_A_FLEET = """
groups:
- name: of this test
  rules:
  - alert: WorkerIsUp
    expr: sum by (namespace, fleet) (up{job="callfleet-worker"}) == 1
"""

BRIEF = """
groups:
- name: of this test
  rules:
  - alert: Brief
    expr: vector(1) unless on () count_over_time(ALERTS{alertname="Brief"}[1h]) > 1
"""
"""It fires twice, whatever time that takes."""


@dataclass(frozen=True)
class Watched:
    """Both programs, who is told by them, and their processes."""

    monitoring: Monitoring
    receiver: Receiver
    sessions: tuple[int, ...]

    def ask(self, path: str, **query: str) -> Any:
        """Ask Prometheus; give the data that it answers."""
        told = urllib.parse.urlencode(query)
        url = f"{self.monitoring.prometheus_url}/api/v1/{path}?{told}"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own http URL
            return json.load(answer)["data"]

    def patiently(self, count: int, query: str) -> list[dict[str, Any]]:
        """Ask until there are so many series, or patience ends; give what there is then."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.ask("query", query=query)["result"]) < count:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return found


@contextmanager
def watching(
    folder: Path, server: LiveKitServer, worker: Worker, *rules: Path
) -> Iterator[Watched]:
    targets = (worker_target(f"{worker.http_url}/metrics"), livekit_target(server.metrics_url))
    with receiving() as receiver, Children(folder) as children:
        notifying = Notifying(receiver.url, group_wait_seconds=0, group_interval_seconds=1)
        monitoring = start_monitoring(children, find_programs(), targets, rules, notifying)
        yield Watched(monitoring, receiver, tuple(child.pid for child in children))


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, livekit_server: LiveKitServer, worker: Worker
) -> Iterator[Watched]:
    """The shared stack, watched with the project's rules and an alert more."""
    folder = tmp_path_factory.mktemp("watched")
    more = folder / "more.yaml"
    more.write_text(OF_A_FLEET, encoding="utf-8")
    with watching(folder, livekit_server, worker, *rule_files(), more) as running:
        yield running


def test_worker_and_server_are_scraped_and_the_worker_is_of_a_fleet(watched: Watched) -> None:
    labels = {each["metric"]["job"]: each["metric"] for each in watched.patiently(2, "up == 1")}
    assert set(labels) == {"callfleet-worker", "livekit-server"}
    worker = labels["callfleet-worker"]
    assert (worker["namespace"], worker["fleet"]) == ("local", "local")
    assert "fleet" not in labels["livekit-server"]
    for query in ('callfleet_call_slots{fleet="local"}', '{__name__=~"livekit_.+"}'):
        assert watched.patiently(1, query), query


def test_the_rules_of_the_project_are_evaluated_without_a_complaint(watched: Watched) -> None:
    deadline = time.monotonic() + PATIENCE
    while UNKNOWN in set((told := health_of_rules(watched, often=True)).values()):
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    assert set(told.values()) == {"ok"}, told
    rest = health_of_rules(watched, often=False)
    assert set(rest.values()) <= {"ok", UNKNOWN}, rest
    groups = [
        group["name"]
        for file in rule_files()
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]
    assert set(groups) < {name for name, _ in (*told, *rest)}


def health_of_rules(watched: Watched, *, often: bool) -> dict[tuple[str, str], str]:
    """Give the health of those that are evaluated every minute, or of the others."""
    return {
        (group["name"], rule["query"]): rule["health"] + rule.get("lastError", "")
        for group in watched.ask("rules")["groups"]
        for rule in group["rules"]
        if (group["interval"] < 60) is often
    }


def test_an_alert_that_fires_is_told_of_with_its_fleet(watched: Watched) -> None:
    watchdog = watched.receiver.wait_for("CallfleetWatchdog", PATIENCE)
    assert watchdog.annotations["runbook_url"].endswith("/CallfleetWatchdog.md")
    labels = watched.receiver.wait_for("WorkerIsUp", PATIENCE).labels
    assert labels == {"alertname": "WorkerIsUp", "namespace": "local", "fleet": "local"}


def test_exemplars_are_kept(watched: Watched) -> None:
    assert watched.ask("query_exemplars", query="up", start="0", end="9999999999") == []
    assert watched.ask("status/flags")["enable-feature"] == "exemplar-storage"


def test_nobody_may_stop_or_change_it_over_http(watched: Watched) -> None:
    flags = watched.ask("status/flags")
    assert (flags["web.enable-lifecycle"], flags["web.enable-admin-api"]) == ("false", "false")
    assert flags["web.listen-address"].startswith("127.0.0.1:")


def test_what_is_over_is_told_of_and_no_process_is_left(
    tmp_path: Path, livekit_server: LiveKitServer, worker: Worker
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(BRIEF, encoding="utf-8")
    with watching(tmp_path, livekit_server, worker, rules) as running:
        began = running.receiver.wait_for("Brief", PATIENCE)
        over = running.receiver.wait_for("Brief", PATIENCE, status=RESOLVED, since=began.arrived)
        assert over.arrived > began.arrived
        assert all(keeper.members(session) for session in running.sessions)
    assert [keeper.members(session) for session in running.sessions] == [[], []]


def test_rules_that_prometheus_does_not_understand_are_an_error_that_says_which(
    tmp_path: Path, livekit_server: LiveKitServer, worker: Worker
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]", encoding="utf-8")
    with (
        pytest.raises(StackError, match=r"prometheus ended by itself[\s\S]*wrong\.yaml"),
        watching(tmp_path, livekit_server, worker, wrong),
    ):
        pytest.fail("it runs")


def test_a_stack_that_is_typed_is_watched_until_ctrl_c_and_leaves_nothing(
    tmp_path: Path, livekit_program: Path
) -> None:
    with typing_in(tmp_path, livekit_program, verb="up") as typing:
        up = typing("--slots", "1")
        up.wait_for("Alertmanager  http://127.0.0.1:")
        assert len(up.processes("/prometheus ")) == 1
        up.process.send_signal(signal.SIGINT)
        assert "nothing runs any more" in up.rest()
        assert up.processes() == []
        assert list(tmp_path.iterdir()) == []


def test_a_stack_may_go_without(tmp_path: Path, livekit_program: Path) -> None:
    with typing_in(tmp_path, livekit_program, verb="up") as typing:
        up = typing("--slots", "1", "--no-monitoring")
        up.wait_for("The stack is up")
        up.wait_for("  callfleet rehearse --agent callfleet --calls 1 --model emulator")
        assert not up.processes("/prometheus ") + up.processes("/alertmanager ")
        up.process.send_signal(signal.SIGINT)
        assert "Prometheus" not in up.rest()
