"""Each alert fires for what it is there for, and for nothing else: asked of Prometheus' engine."""

import pytest
from alert_stories import (
    LIVEKIT,
    STORIES,
    counts,
    fleet,
    indicators,
    one_way,
    rooms,
    scraped,
    worker,
)
from promtool import Course, Expected, Promtool, Stays, Told, first_then, labelled, over

from callfleet_contract.slos import SLOS
from callfleet_dashboards import alerts, burning
from callfleet_dashboards.alerts import callers
from callfleet_dashboards.alerts import fleet as of_fleets
from callfleet_dashboards.writing import ALERTS

HOUR = 60
WATCHDOG, OPERATOR_ABSENT = "CallfleetWatchdog", "CallfleetOperatorAbsent"
EACH = pytest.mark.parametrize("name", STORIES)
COUNTING = pytest.mark.parametrize("name", [one for one, story in STORIES.items() if story.few])


def silent(promtool: Promtool, name: str, course: Course, *minutes: int) -> str:
    last = sum(minutes) - 1
    told = [Expected(name, minute, fires=False) for minute in range(1, last + 1)]
    return promtool.complaint([ALERTS], over(course, *minutes), told)


def test_every_alert_has_a_story_or_a_budget() -> None:
    known = {alert.name for alert in (*callers.alerts(), *of_fleets.alerts())}
    assert known == {*STORIES, WATCHDOG}
    rules = {str(rule["alert"]) for rule in alerts.group().rules}
    assert rules == known
    assert not known & {alert.name for slo in SLOS for alert in burning.alerts(slo)}


@EACH
def test_it_fires(promtool: Promtool, name: str) -> None:
    story = STORIES[name]
    before = story.well if name == OPERATOR_ABSENT else {}
    told = first_then(before, 2, story.bad, story.minutes + 2)
    fires = [Expected(name, story.minutes + 2, fires=True)]
    assert promtool.complaint([ALERTS], told, fires) == ""


@EACH
def test_it_does_not_fire_where_all_is_well(promtool: Promtool, name: str) -> None:
    assert silent(promtool, name, STORIES[name].well, 20) == ""


@COUNTING
def test_little_traffic_says_nothing(promtool: Promtool, name: str) -> None:
    few = STORIES[name].few
    assert few is not None
    assert silent(promtool, name, few, 20) == ""


@EACH
def test_data_that_are_not_there_say_nothing(promtool: Promtool, name: str) -> None:
    assert silent(promtool, name, {}, 20) == ""


@EACH
def test_processes_that_begin_anew_say_nothing(promtool: Promtool, name: str) -> None:
    assert silent(promtool, name, STORIES[name].well, 10, 10) == ""


@EACH
def test_it_is_over_when_the_fault_is(promtool: Promtool, name: str) -> None:
    story = STORIES[name]
    told = first_then(story.bad, story.minutes, story.well, 2 * HOUR)
    over_by = [Expected(name, story.minutes + 2 * HOUR - 1, fires=False)]
    assert promtool.complaint([ALERTS], told, over_by) == ""


def test_an_operator_that_is_gone_altogether_is_missed(promtool: Promtool) -> None:
    leading = STORIES[OPERATOR_ABSENT].well
    told = first_then(leading, 10, {}, 10)
    expected = [Expected(OPERATOR_ABSENT, 15, fires=True)]
    assert promtool.complaint([ALERTS], told, expected) == ""


def test_calls_of_a_process_that_died_are_told_of_without_an_operator(promtool: Promtool) -> None:
    cut = counts("callfleet_calls_total", 1, outcome="dropped", reason="process_died")
    expected = [Expected("CallfleetCallsEndedByInfrastructure", 4, fires=True)]
    assert promtool.complaint([ALERTS], over(cut, 5), expected) == ""


def test_without_livekits_metrics_nobody_would_be_told_of_callers_who_wait(
    promtool: Promtool,
) -> None:
    expected = [Expected("CallfleetTargetDown", 3, fires=True)]
    assert promtool.complaint([ALERTS], over(scraped(0, "livekit-server"), 5), expected) == ""


def test_an_operator_is_missed_though_another_release_has_one(promtool: Promtool) -> None:
    ours, theirs = (
        {labelled("callfleet_operator_leading", namespace=name): Stays(1)}
        for name in ("voice", "staging")
    )
    told = first_then(ours | theirs, 10, theirs, 10)
    expected = [
        Expected(OPERATOR_ABSENT, 9, fires=False),
        Expected(OPERATOR_ABSENT, 15, fires=True),
    ]
    assert promtool.complaint([ALERTS], told, expected) == ""


def test_workers_that_nobody_scrapes_are_missed_where_the_operator_knows_of_them(
    promtool: Promtool,
) -> None:
    pods = fleet("callfleet_pods", 2, state="accepting")
    expected = [Expected("CallfleetSliAbsent", 8, fires=True)]
    assert promtool.complaint([ALERTS], over(pods, 10), expected) == ""
    assert silent(promtool, "CallfleetSliAbsent", pods | worker() | indicators(), 10) == ""


@pytest.mark.parametrize("calls", [0.0, 20.0])
def test_a_fleet_that_is_full_or_asleep_wakes_somebody_by_a_caller_who_waits(
    promtool: Promtool, calls: float
) -> None:
    full = fleet("callfleet_fleet_free_slots", 0) | fleet("callfleet_fleet_calls", calls)
    there = worker(calls=calls) if calls else {}
    waits = full | there | rooms(participants=2 * calls + 1, open_rooms=calls + 1)
    expected = [Expected("CallfleetNoCapacity", 2, fires=True)]
    assert promtool.complaint([ALERTS], over(waits, 3), expected) == ""
    nobody = full | there | rooms(participants=2 * calls, open_rooms=calls)
    assert silent(promtool, "CallfleetNoCapacity", nobody, 5) == ""


@pytest.mark.parametrize(("participants", "open_rooms"), [(21, 10), (20, 11)])
def test_a_third_one_in_a_call_waits_for_nobody_and_nobody_does_in_an_empty_room(
    promtool: Promtool, participants: int, open_rooms: int
) -> None:
    full = worker(calls=10) | rooms(participants, open_rooms)
    names = ("CallfleetNoCapacity", "CallfleetOrphanedRooms")
    told = [Expected(name, minute, fires=False) for name in names for minute in range(1, 10)]
    assert promtool.complaint([ALERTS], over(full, 10), told) == ""


def test_callers_of_a_worker_that_is_not_scraped_wait_for_nobody(promtool: Promtool) -> None:
    full = fleet("callfleet_fleet_free_slots", 0) | fleet("callfleet_fleet_calls", 20)
    there = full | worker(calls=10) | rooms(participants=40, open_rooms=20)
    course = first_then(there | worker(calls=10, pod="support-2"), 5, there, 10)
    names = ("CallfleetNoCapacity", "CallfleetOrphanedRooms")
    told = [Expected(name, minute, fires=False) for name in names for minute in range(1, 15)]
    assert promtool.complaint([ALERTS], course, told) == ""


@pytest.mark.parametrize("knows", ["the operator", "workers alone"])
def test_calls_of_workers_that_drain_take_no_slot_of_others(promtool: Promtool, knows: str) -> None:
    """Offers are passed on, and somebody waits, in the midst of a rollout: yet slots are free."""
    drains = worker(calls=30, slots=30, accepting=0, pod="support-0")
    told = (
        fleet("callfleet_fleet_free_slots", 8)
        | fleet("callfleet_fleet_slots", 10)
        | fleet("callfleet_fleet_calls", 32)
    )
    rolls = (
        worker(calls=2)
        | drains
        | (told if knows == "the operator" else {})
        | rooms(participants=65, open_rooms=33)
        | counts("callfleet_calls_blocked_total", 5, reason="no_slot")
    )
    assert silent(promtool, "CallfleetNoCapacity", rolls, 5) == ""


@pytest.mark.parametrize("ahead", ["LiveKit", "workers"])
@pytest.mark.parametrize("a_scrape", [5, -5])
def test_calls_that_come_or_go_between_two_scrapes_are_no_callers_who_wait_and_no_ghosts(
    promtool: Promtool, ahead: str, a_scrape: int
) -> None:
    """Twenty calls more a minute, or fewer, beside a full fleet; one is scraped later."""
    first = {"LiveKit": 0, "workers": 0, ahead: a_scrape}
    whole = 500
    course = over(worker(calls=10), 6) | {
        labelled(
            "callfleet_calls_active", fleet="busy"
        ): f"{whole + first['workers']}{a_scrape:+d}x23",
        f"livekit_room_total{LIVEKIT}": f"{whole + 10 + first['LiveKit']}{a_scrape:+d}x23",
        f"livekit_participant_total{LIVEKIT}": (
            f"{2 * (whole + 10 + first['LiveKit'])}{2 * a_scrape:+d}x23"
        ),
    }
    names = ("CallfleetNoCapacity", "CallfleetOrphanedRooms", "CallfleetActiveCallsMismatch")
    told = [Expected(name, minute, fires=False) for name in names for minute in range(1, 6)]
    assert promtool.complaint([ALERTS], course, told) == ""


@pytest.mark.parametrize(("seconds", "fires"), [(60, False), (120, True)])
def test_one_of_very_many_callers_who_is_not_heard_wakes_nobody_and_two_of_them_do(
    promtool: Promtool, seconds: int, *, fires: bool
) -> None:
    course = over(worker(calls=150) | one_way(seconds), 5)
    told = Expected("CallfleetOneWayAudio", 4, fires=fires)
    assert promtool.complaint([ALERTS], course, [told]) == ""


def test_a_caller_who_waits_while_slots_are_free_is_no_want_of_capacity(promtool: Promtool) -> None:
    waits = worker(calls=5) | rooms(participants=11, open_rooms=6)
    assert silent(promtool, "CallfleetNoCapacity", waits, 5) == ""


@pytest.mark.parametrize(
    ("whose", "said"),
    [({"fleet": "support"}, "Fleet voice/support: "), ({"fleet": ""}, "The operator in voice: ")],
)
def test_what_the_collector_did_not_take_is_said_to_be_whose(
    promtool: Promtool, whose: dict[str, str], said: str
) -> None:
    (lost,) = [each for each in of_fleets.alerts() if each.name == "CallfleetTelemetryLost"]
    course = counts("callfleet_telemetry_lost_total", 6, signal="traces", **whose)
    labels = {"namespace": "voice", "signal": "traces"} | {k: v for k, v in whose.items() if v}
    sentence = f"{said}60 items of traces were lost in 10 minutes. Calls are not affected."
    told = [Told(lost, 15, labels, sentence)]
    assert promtool.complaint([ALERTS], over(course, 20), [], told) == ""


def test_the_watchdog_always_fires(promtool: Promtool) -> None:
    assert promtool.complaint([ALERTS], {}, [Expected(WATCHDOG, 1, fires=True)]) == ""
