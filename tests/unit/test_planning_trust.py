"""What is decided when workers cannot be heard, or have lost LiveKit."""

from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import cordoned, created, degraded, deleted, reasons
from fleet_worlds import NOW, SETTLED, fleet_spec, report, says, seen, silent, starting, worker

from callfleet_contract.fleet.status import Limit, Why
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.snapshot import Arrivals, Doubt, Doubted, Heard, Pod, Snapshot


def fleet(*pods: Pod, unheard_seconds: float = 0.0, **auto: Any) -> Snapshot:
    spec = fleet_spec({"minReplicas": 1, "metrics": {"fallback": {"replicas": 5}}, **auto})
    return seen(*pods, spec=spec, memory=replace(SETTLED, fresh_at=NOW - unheard_seconds))


def many(count: int, calls: int = 5) -> list[Pod]:
    return [worker(f"a{number}", calls) for number in range(count)]


def test_one_silent_worker_of_many_is_replaced_and_kept() -> None:
    planned = plan(fleet(*many(9), silent(worker("s", 5)), minReplicas=10))
    assert created(planned) == 1
    assert cordoned(planned) == []
    assert planned.counts.fresh_percent == 90
    assert "StaleReports" in degraded(planned)
    assert "kept" in degraded(planned)


def test_when_too_few_are_heard_nothing_shrinks_and_nobody_is_replaced() -> None:
    pods = [*many(3, 0), *(silent(worker(f"s{number}")) for number in range(3))]
    planned = plan(fleet(*pods))
    assert planned.actions == ()
    assert (planned.desired, planned.limited_by) == (6, Limit.STALE_REPORTS)


def test_when_too_few_are_heard_a_fleet_still_grows_by_what_was_last_known() -> None:
    pods = [*many(2, 9), *(silent(worker(f"s{number}", 9)) for number in range(2))]
    planned = plan(replace(fleet(*pods), arrivals=Arrivals(0.5, 0.5, 300.0)))
    assert planned.desired > 4
    assert created(planned) == planned.desired - 4


def test_after_a_minute_without_reports_the_fleet_is_held_at_its_fallback() -> None:
    pods = [silent(worker(f"s{number}")) for number in range(2)]
    assert plan(fleet(*pods, unheard_seconds=59)).desired == 2
    planned = plan(fleet(*pods, unheard_seconds=60))
    assert (planned.desired, planned.why) == (5, Why.FALLBACK)
    assert created(planned) == 3
    assert reasons(planned) == {Reason.FALLBACK}


def test_a_fallback_never_shrinks_a_fleet() -> None:
    pods = [silent(worker(f"s{number}")) for number in range(8)]
    for behavior in ("CurrentIfHigher", "Static"):
        fallback = {"metrics": {"fallback": {"replicas": 5, "behavior": behavior}}}
        planned = plan(fleet(*pods, unheard_seconds=600, **fallback))
        assert (planned.desired, planned.actions) == (8, ())


def test_an_operator_that_has_just_begun_and_heard_nobody_changes_nothing() -> None:
    pods = [replace(pod, heard=None) for pod in many(6)]
    just_begun = replace(SETTLED, began_at=NOW, fresh_at=None)
    assert plan(replace(fleet(*pods), memory=just_begun)).actions == ()


def test_when_most_workers_lose_livekit_no_more_are_made_and_none_goes() -> None:
    pods = [says(pod, registered=False) for pod in many(6, 0)]
    planned = plan(fleet(*pods))
    assert planned.actions == ()
    assert "NotConnected" in degraded(planned)
    assert "LIVEKIT_URL" in degraded(planned)


def test_a_worker_that_knows_what_is_in_its_way_to_livekit_is_quoted() -> None:
    knows = says(worker("a"), registered=False, unconnected="its clock is 60 min ahead: set it")
    told = degraded(plan(fleet(knows, says(worker("b"), registered=False))))
    assert "2 workers without a connection to LiveKit (a, b): its clock is 60 min ahead" in told
    assert "LIVEKIT_URL" not in told
    young = says(worker("new", created_at=NOW - 5), registered=False, unconnected="refused")
    assert "1 worker without a connection to LiveKit (new): refused" in degraded(plan(fleet(young)))


def test_a_single_worker_without_livekit_is_replaced_and_goes_when_that_works() -> None:
    lost = says(worker("lost"), registered=False)
    assert created(plan(fleet(*many(9), lost, minReplicas=10))) == 1
    assert cordoned(plan(fleet(*many(9), lost, starting("b"), minReplicas=10))) == []
    planned = plan(fleet(*many(10), lost, minReplicas=10))
    assert cordoned(planned) == ["lost"]
    busy = says(lost, active=1)
    assert cordoned(plan(fleet(*many(10), busy, minReplicas=10))) == []


DOUBTS = {
    Doubt.ANOTHER_POD: ("WrongPodAnswers", "the worker of pod uid told-by-it answers"),
    Doubt.OLD_BOOT: ("OldBootAnswers", "boot told-by-it, answers again"),
    Doubt.REFUSED: ("ListeningRefused", "(x): told-by-it; "),
}


@pytest.mark.parametrize("why", DOUBTS)
def test_what_answers_in_a_workers_place_is_told_with_what_to_do(why: Doubt) -> None:
    doubted = replace(worker("x", 3), doubted=Doubted(why, "told-by-it", 1.0))
    for pod in (doubted, silent(doubted), replace(doubted, heard=None)):
        planned = plan(fleet(*many(9), pod, minReplicas=10))
        word, sentence = DOUBTS[why]
        assert degraded(planned).startswith(f"{word}: 1 pod answered for by what is not believed")
        assert sentence in degraded(planned)
        assert "delete the pod when its calls have ended" in degraded(planned)
        assert "StaleReports" not in degraded(planned)
        assert deleted(planned) == {}


def test_a_pod_that_only_another_answers_for_is_replaced_however_young() -> None:
    doubted = Doubted(Doubt.ANOTHER_POD, "uid-other", 1.0)
    young = replace(starting("x"), running=True)
    assert created(plan(fleet(*many(9), young, minReplicas=10))) == 0
    replaced = plan(fleet(*many(9), replace(young, doubted=doubted), minReplicas=10))
    assert (created(replaced), deleted(replaced)) == (1, {})


def test_what_answered_long_ago_is_not_told_any_more() -> None:
    doubted = Doubted(Doubt.ANOTHER_POD, "uid-other", 16.0)
    planned = plan(fleet(*many(9), replace(silent(worker("x")), doubted=doubted)))
    assert degraded(planned).startswith("StaleReports")


def test_a_report_of_another_pod_counts_as_none() -> None:
    stranger = replace(worker("x"), heard=Heard(report("uid-other"), 1.0, 60.0))
    planned = plan(fleet(*many(9), stranger, minReplicas=10))
    assert (created(planned), deleted(planned)) == (1, {})


def test_a_worker_that_ends_by_itself_is_replaced() -> None:
    planned = plan(fleet(*many(2), says(worker("t"), draining=True), minReplicas=3))
    assert (created(planned), cordoned(planned)) == (1, [])


def test_a_clock_that_is_ahead_makes_no_pod_old() -> None:
    early = starting("b", age=-3600)
    assert plan(fleet(worker("a"), early, minReplicas=2)).actions == ()
