"""What happens is said once, not in floods; what the API server refuses is put in a sentence."""

import asyncio
import io
import json
import logging
from dataclasses import replace

import httpx2
import pytest
import structlog
from fleet_worlds import NOW, drained, seen, worker
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import Status, StatusDetails

from callfleet_contract import operator_metrics
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import Condition, ConditionType, Limit, RolloutStatus, Why
from callfleet_contract.metric import Metric
from callfleet_operator.objects.happenings import About, Happening, Limiter, build_event
from callfleet_operator.objects.seen import Key, SeenFleet
from callfleet_operator.objects.statuses import Besides, status_after, status_of_unreadable
from callfleet_operator.planning.actions import Counts, Plan
from callfleet_operator.planning.planner import plan as planned
from callfleet_operator.planning.snapshot import Memory
from callfleet_operator.reaching.problems import Trouble, explain
from callfleet_operator.settings import LogSettings
from callfleet_operator.telling.gauges import show
from callfleet_operator.telling.logs import write_logs
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.ticking.alarm import GAP_SECONDS, Alarm
from callfleet_operator.ticking.patience import MOST_SECONDS, Patience

ABOUT = About("v1", "Pod", "voice", "talkers-a", "uid-a")
FLEET = SeenFleet(
    Key("voice", "talkers"),
    "uid",
    1,
    7,
    0.0,
    FleetSpec.model_validate({"template": {"image": "w:1"}}),
)


def test_the_same_thing_again_raises_a_count_and_not_at_once() -> None:
    limiter, happening = Limiter(), Happening(ABOUT, "PodCordoned", "Takes no more calls")
    first = limiter.say(happening, 0.0)
    assert first is not None
    assert first.count == 1
    assert limiter.say(happening, 1.0) is None
    assert limiter.say(happening, 2.0) is None
    again = limiter.say(happening, 61.0)
    assert again is not None
    assert (again.name, again.count, again.first_at) == (first.name, 4, 0.0)


def test_an_object_is_told_about_in_a_burst_and_then_now_and_then() -> None:
    limiter = Limiter()
    said = [limiter.say(Happening(ABOUT, "X", f"number {n}"), 0.0) for n in range(100)]
    assert sum(one is not None for one in said) == 10
    others = replace(ABOUT, uid="uid-b")
    assert limiter.say(Happening(others, "X", "of another"), 0.0) is not None
    assert limiter.say(Happening(ABOUT, "X", "later"), 20.0) is not None
    assert limiter.say(Happening(ABOUT, "X", "no"), 20.0) is None


def test_an_event_points_at_its_object() -> None:
    saying = Limiter().say(Happening(ABOUT, "X", "y" * 5000, warning=True), 5.5)
    assert saying is not None
    event = build_event(saying, "me", 6.5)
    assert event.involvedObject.uid == "uid-a"
    assert event.metadata.namespace == "voice"
    assert event.type == "Warning"
    assert len(event.message or "") == 1000


def answer(code: int, reason: str = "", seconds: int | None = None) -> ApiError:
    details = StatusDetails(retryAfterSeconds=seconds) if seconds else None
    return ApiError(status=Status(code=code, reason=reason, message="why", details=details))


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (answer(404, "NotFound"), Trouble.GONE),
        (answer(409, "Conflict"), Trouble.CONFLICT),
        (answer(409, "AlreadyExists"), Trouble.CONFLICT),
        (answer(403, "Forbidden"), Trouble.REFUSED),
        (answer(422, "Invalid"), Trouble.REFUSED),
        (answer(429, "TooManyRequests"), Trouble.BUSY),
        (answer(503, "ServiceUnavailable"), Trouble.BUSY),
        (httpx2.ConnectError("refused"), Trouble.UNREACHABLE),
        (httpx2.ReadTimeout("slow"), Trouble.UNREACHABLE),
        (TimeoutError(), Trouble.UNREACHABLE),
    ],
)
def test_each_error_of_a_request_is_one_of_five_troubles(
    error: Exception, trouble: Trouble
) -> None:
    problem = explain(error, "create pod a")
    assert problem.trouble is trouble
    assert problem.sentence.startswith("create pod a: ")


def test_the_patience_that_the_api_server_asks_for_is_kept() -> None:
    assert explain(answer(429, seconds=7), "x").retry_after_seconds == 7.0


def test_a_404_of_something_between_makes_nothing_gone() -> None:
    request = httpx2.Request("GET", "http://api/pods/a")
    for response in (
        httpx2.Response(404, text="<html>", request=request),
        httpx2.Response(404, json={"message": "no route"}, request=request),
    ):
        error = httpx2.HTTPStatusError("404", request=request, response=response)
        assert explain(error, "get pod a").trouble is Trouble.REFUSED


def plan(*conditions: Condition) -> Plan:
    return Plan(
        actions=(),
        desired=2,
        why=Why.BUSY,
        message="two are needed",
        limited_by=Limit.NONE,
        rollout=RolloutStatus(),
        conditions=conditions,
        memory=Memory(0.0),
        counts=Counts(replicas=2, accepting=1, calls=3),
    )


def condition(status: str, message: str = "") -> Condition:
    return Condition(type=ConditionType.DEGRADED, status=status, reason="X", message=message)


def test_a_condition_keeps_its_date_until_it_turns() -> None:
    first = status_after(FLEET, plan(condition("False")), Besides(), 1000.0)
    fleet = replace(FLEET, status=first)
    same = status_after(fleet, plan(condition("False", "still")), Besides(), 2000.0)
    turned = status_after(fleet, plan(condition("True")), Besides(), 2000.0)
    assert first.conditions[0].last_transition_time == "1970-01-01T00:16:40Z"
    assert same.conditions[0].last_transition_time == first.conditions[0].last_transition_time
    assert turned.conditions[0].last_transition_time == "1970-01-01T00:33:20Z"


def test_what_the_plan_does_not_know_of_degrades_the_fleet_as_well() -> None:
    status = status_after(FLEET, plan(condition("True", "theirs")), Besides(3.14159, "ours"), 0.0)
    (said,) = status.conditions
    assert (said.status, said.message) == ("True", "ours; theirs")
    assert status.lead_time_seconds == 3.1
    assert status.selector == "callfleet.dev/fleet=talkers,callfleet.dev/accepting=true"


def test_of_a_spec_that_cannot_be_read_all_else_is_said_as_before() -> None:
    before = status_after(FLEET, plan(condition("False")), Besides(), 0.0)
    fleet = replace(FLEET, status=before, spec=None, unreadable="spec.x is 'y': no")
    after = status_of_unreadable(fleet, 5.0)
    assert after.calls == 3
    assert "spec.x is 'y'" in after.message
    assert after.conditions[0].status == "True"


def test_the_catalogue_is_exported_and_a_fleet_that_is_gone_leaves_its_gauges() -> None:
    registry = Metrics()
    for name in ("talkers", "others"):
        registry.set(operator_metrics.DESIRED_PODS, 3, ("voice", name))
        registry.set(operator_metrics.PODS, 3, ("voice", name, "accepting"))
        registry.add(operator_metrics.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL, 2, ("voice", name))
    registry.forget(Key("voice", "talkers"))

    def value(name: str, fleet: str, **more: str) -> float | None:
        labels = {"namespace": "voice", "fleet": fleet, **more}
        return registry.prometheus.get_sample_value(f"callfleet_{name}", labels)

    assert value("desired_pods", "talkers") is None
    assert value("pods", "talkers", state="accepting") is None
    assert value("desired_pods", "others") == 3
    assert value("calls_ended_by_infrastructure_total", "talkers") == 2
    names = [metric.full_name for metric in operator_metrics.CATALOGUE]
    assert len(set(names)) == len(names)


def test_slots_are_free_while_workers_that_drain_have_more_calls_than_others_have_slots() -> None:
    rolling = seen(worker("new", calls=2), drained(worker("old", calls=10)))
    registry = Metrics()
    show(registry, FLEET.key, rolling, status_after(FLEET, planned(rolling), Besides(), NOW))

    def value(metric: Metric) -> float | None:
        labels = {"namespace": "voice", "fleet": "talkers"}
        return registry.prometheus.get_sample_value(metric.full_name, labels)

    assert value(operator_metrics.FLEET_CALLS) == 12
    assert value(operator_metrics.FLEET_SLOTS) == 10
    assert value(operator_metrics.FLEET_FREE_SLOTS) == 8


def test_a_decision_is_one_json_line_with_its_facts() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    try:
        write_logs(LogSettings(), stream)
        structlog.get_logger("callfleet_operator").info("pod changed", reason="Demand")
        logging.getLogger("kopf.objects").info("Handler succeeded")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert list(told)[:3] == ["timestamp", "level", "event"]
    assert (told["event"], told["reason"]) == ("pod changed", "Demand")


async def test_an_alarm_rings_for_the_soonest_that_was_asked_for_and_never_too_often() -> None:
    now = [0.0]
    alarm = Alarm(lambda: now[0])
    await alarm.wait()
    alarm.ring_in(50.0)
    alarm.ring_in(0.0)
    waiting = asyncio.create_task(alarm.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    now[0] = GAP_SECONDS
    alarm.ring_in(-1.0)
    await asyncio.wait_for(waiting, 10)
    assert alarm.overdue_seconds == 0.0
    alarm.ring_in(1.0)
    now[0] += 5.0
    assert alarm.overdue_seconds == pytest.approx(4.0)


async def test_who_waits_for_an_alarm_can_be_stopped_even_as_it_rings() -> None:
    alarm = Alarm(lambda: 0.0)
    await alarm.wait()
    alarm.ring_in(60.0)
    waiting = asyncio.create_task(alarm.wait())
    await asyncio.sleep(0)
    alarm.ring_in(1.0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=10)
    assert waiting.cancelled()


def test_what_was_refused_is_asked_for_more_and_more_seldom_until_the_spec_changes() -> None:
    patience, now, waits = Patience(), 0.0, []
    for _ in range(10):
        patience.refused(1, now)
        began = now
        while not patience.may_ask(1, now):
            now += 1.0
        waits.append(now - began)
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert max(waits) == MOST_SECONDS
    patience.refused(1, now)
    assert not patience.may_ask(1, now)
    assert patience.may_ask(2, now)
    patience.granted()
    assert patience.may_ask(1, now)
