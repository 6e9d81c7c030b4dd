"""Distance on the agent's leg is in what callers hear and in what the worker says, alike."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
from rehearsing import PACKET_SECONDS, all_of, noted, order_of, rehearsed, verdict_on

from callfleet_contract import objectives as slo
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.judge import TURN_CLOCK
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.verdict import Evidence, Verdict

DELAY_SECONDS = 0.08
TURNS = (TurnKind.PLAIN,) * 2


@pytest.fixture(scope="module")
def near_and_far(
    tmp_path_factory: pytest.TempPathFactory, record_outcome: Callable[[str], None]
) -> tuple[Evidence, Evidence]:
    """The same call twice by the same way, but agents' packets take 80 ms to the server."""
    folder = tmp_path_factory.mktemp("distance")

    def rehearse(weather: Weather) -> Evidence:
        order = order_of(1, len(TURNS), agents_weather=weather)
        run = rehearsed(order, folder / f"{weather.delay_up_seconds}", all_of(TURNS))
        return noted(run, 0, record_outcome)

    return rehearse(Weather()), rehearse(Weather(delay_up_seconds=DELAY_SECONDS))


def middle(verdict: Verdict, key: str) -> float:
    spread = verdict.result(key).spread
    assert spread is not None
    assert spread.p50 is not None
    return spread.p50


def test_80_ms_on_the_agents_leg_show_outside(near_and_far: tuple[Evidence, Evidence]) -> None:
    near, far = (verdict_on(run, 0) for run in near_and_far)
    later = pytest.approx(DELAY_SECONDS, abs=PACKET_SECONDS)
    for key in (slo.VOICE_TO_VOICE.key, slo.FLEET_ADDED.key):
        assert middle(far, key) - middle(near, key) == later


def test_80_ms_on_the_agents_leg_show_inside(near_and_far: tuple[Evidence, Evidence]) -> None:
    trips = [median(turn.agent_rtt_seconds for turn in run.inside_turns) for run in near_and_far]
    later = pytest.approx(DELAY_SECONDS, abs=PACKET_SECONDS)
    assert trips[1] - trips[0] == later
    # As the worker itself has it in production, where nobody listens and no model keeps a log.
    near, far = (verdict_on(replace(run, model_turns=()), 0) for run in near_and_far)
    assert far.result(slo.FLEET_ADDED.key).source == TURN_CLOCK
    assert middle(far, slo.FLEET_ADDED.key) - middle(near, slo.FLEET_ADDED.key) == later


def test_80_ms_on_the_agents_leg_leave_nothing_between_outside_and_inside(
    near_and_far: tuple[Evidence, Evidence],
) -> None:
    near, far = (verdict_on(run, 0).residual for run in near_and_far)
    assert near.unmatched == far.unmatched == 0
    assert len(near.turns) == len(far.turns) == len(TURNS)
    assert moved(near.total.p50, far.total.p50) == pytest.approx(0, abs=PACKET_SECONDS)
    # A round trip does not say which way was long: half of it is taken for each.
    half = DELAY_SECONDS / 2
    assert moved(near.uplink.p50, far.uplink.p50) == pytest.approx(-half, abs=PACKET_SECONDS)
    assert moved(near.downlink.p50, far.downlink.p50) == pytest.approx(half, abs=PACKET_SECONDS)


def moved(before: float | None, after: float | None) -> float:
    assert before is not None
    assert after is not None
    return after - before
