"""What calls tell becomes samples of the catalogue, with bounded labels and counters that rise."""

from dataclasses import replace

import pytest

from callfleet_contract import metrics
from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallerConnection,
    CallEvent,
    CallStarted,
    EventsDropped,
    LoopBlocked,
    LoopHeld,
    MediaPath,
    ModelSessionEvent,
    OneWayAudio,
    RtpWindow,
    SpeechHeard,
    TokensUsed,
    ToolFinished,
    ToolOffered,
    TurnMeasured,
    UsageDoubted,
)
from callfleet_contract.outcomes import (
    AudioDirection,
    CallerQuality,
    CallOutcome,
    CallReason,
    ModelSessionChange,
    TurnEnd,
    UsageProblem,
)
from callfleet_contract.profiles import ModelProfile
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.samples import Sample, Sampler
from callfleet_worker.settings import ModelSettings

MS = 1_000_000
TURN = TurnMeasured(
    call_id="a",
    room="r",
    turn=2,
    end=TurnEnd.COMPLETED,
    speech_end_ns=1000 * MS,
    model_sent_ns=1050 * MS,
    first_model_audio_ns=1450 * MS,
    first_played_ns=1480 * MS,
    tool_seconds=0.0,
    jitter_buffer_seconds=0.04,
    agent_rtt_seconds=0.002,
    heard_seconds=1.0,
    played_seconds=2.0,
    calls_active=7,
)
WINDOW = RtpWindow("a", "agent_in", 500, 5, 0.003, 0.001, 0.01)


def values(event: CallEvent) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for sample in Sampler().samples(event):
        found[(sample.metric.name, *sample.labels)] = pytest.approx(sample.value)
    return found


def test_a_turn_is_counted_timed_by_load_and_split_into_stages() -> None:
    assert values(TURN) == {
        ("turns_total", "completed"): 1,
        ("turn_response_seconds", "5-9", "measured", "none"): 0.48,
        ("fleet_overhead_seconds",): 0.122,
        ("turn_stage_seconds", "uplink"): 0.05,
        ("turn_stage_seconds", "model"): 0.4,
        ("turn_stage_seconds", "playout"): 0.03,
    }


def test_a_tools_time_is_taken_out_of_the_models() -> None:
    found = values(replace(TURN, tool_seconds=0.3))
    assert found["turn_stage_seconds", "model"] == 0.1
    assert found["turn_stage_seconds", "tool"] == 0.3


def test_a_turn_with_tools_is_told_from_one_without_and_has_its_workers_profile() -> None:
    samples = Sampler(profile=ModelProfile.IDEAL).samples(replace(TURN, tool_seconds=0.3))
    response = next(one for one in samples if one.metric is metrics.TURN_RESPONSE_SECONDS)
    assert response.labels == ("5-9", "ideal", "used")


def test_seconds_of_silence_and_of_a_bad_line_are_summed_by_what_they_were() -> None:
    silent = OneWayAudio("a", AudioDirection.FROM_CALLER, 5.0)
    poor = CallerConnection("a", CallerQuality.POOR, 2.5)
    assert values(silent) == {("one_way_audio_seconds_total", "from_caller"): 5.0}
    assert values(poor) == {("caller_quality_seconds_total", "poor"): 2.5}


@pytest.mark.parametrize("problem", UsageProblem)
def test_what_cannot_be_right_of_the_models_usage_is_counted_by_what_it_is(
    problem: UsageProblem,
) -> None:
    assert values(UsageDoubted("a", problem)) == {("usage_problems_total", problem.value): 1}


@pytest.mark.parametrize(
    "event",
    [
        OneWayAudio("a", AudioDirection.TO_CALLER, -1.0),
        CallerConnection("a", CallerQuality.LOST, -1.0),
        SpeechHeard("a", -1, -1, -1, -1),
        TokensUsed("a", "m", "input", "audio", "billed", -1),
        EventsDropped("a", -1),
        CallAnswered("a", -1.0),
        BargeIn("a", -1.0),
        LoopBlocked("a", -1.0),
        replace(TURN, first_played_ns=1, jitter_buffer_seconds=-9.0),
        replace(WINDOW, packets_received=-1, jitter_seconds=-1.0, concealed_ratio=-1.0),
    ],
)
def test_a_clock_that_jumps_lowers_no_counter_and_no_sum(event: CallEvent) -> None:
    assert all(sample.value >= 0 for sample in Sampler().samples(event))


def test_a_greeting_and_a_turn_nobody_answered_have_no_response_time() -> None:
    for turn in (replace(TURN, speech_end_ns=0), replace(TURN, end=TurnEnd.NO_RESPONSE)):
        assert list(values(turn)) == [("turns_total", turn.end.value)]


def test_losses_that_are_taken_back_do_not_lower_a_counter() -> None:
    found = values(replace(WINDOW, packets_lost=-3))
    assert found["rtp_packets_lost_total", "agent_in"] == 0
    assert found["rtp_window_loss_ratio", "agent_in"] == 0


def test_a_window_without_packets_tells_the_round_trip_only() -> None:
    empty = replace(WINDOW, packets_received=0, packets_lost=0)
    counters = {
        ("rtp_packets_received_total", "agent_in"): 0,
        ("rtp_packets_lost_total", "agent_in"): 0,
    }
    assert values(empty) == counters | {("rtp_rtt_seconds", "agent_in"): 0.001}
    assert values(replace(empty, rtt_seconds=0.0)) == counters


def test_only_what_the_agent_hears_is_concealed() -> None:
    assert ("audio_concealed_ratio",) in values(WINDOW)
    assert ("audio_concealed_ratio",) not in values(replace(WINDOW, leg="agent_out"))


def test_every_usage_snapshot_is_counted_and_priced() -> None:
    used = TokensUsed("a", "m", "output", "audio", "billed", 1_000_000)
    assert values(used) == {
        ("tokens_total", "output", "audio", "billed"): 1_000_000,
        ("cost_usd_total",): 12.0,
    }


def test_a_model_has_prices_of_its_own() -> None:
    used = TokensUsed("a", "gemini-3.8-live", "input", "text", "billed", 1_000_000)
    assert GEMINI_LIVE.cost_usd(used) == pytest.approx(0.75)
    older = replace(used, model="gemini-2.5-flash-native-audio-preview-12-2025")
    assert GEMINI_LIVE.cost_usd(older) == pytest.approx(0.5)


def test_every_model_that_is_spoken_with_by_default_has_a_price() -> None:
    priced = {model for price in GEMINI_LIVE.prices for model in price.models}
    assert set(ModelSettings().names) <= priced


def test_what_has_no_price_costs_the_dearest_that_has_one() -> None:
    modality = TokensUsed("a", "gemini-3.8-live", "input", "unknown", "billed", 500_000)
    assert GEMINI_LIVE.cost_usd(modality) == pytest.approx(1.5)
    model = TokensUsed("a", "gemini-9-live", "output", "text", "thoughts", 1_000_000)
    assert GEMINI_LIVE.cost_usd(model) == pytest.approx(4.5)
    assert GEMINI_LIVE.cost_usd(replace(model, direction="sideways")) == 0.0


def test_tools_beyond_the_twentieth_name_are_others() -> None:
    sampler = Sampler()
    for number in range(30):
        sampler.samples(ToolFinished("a", f"tool{number}", "ok", 0.1))
    assert sampler.samples(ToolFinished("a", "tool3", "ok", 0.1))[0].labels == ("tool3", "ok")
    assert sampler.samples(ToolFinished("a", "tool29", "ok", 0.1))[0].labels == ("other", "ok")


def test_a_tool_whose_name_has_no_end_is_another() -> None:
    sampler = Sampler()
    names = ["ein werkzeug mit \u00fcberl\u00e4nge", "x" * 10_000, "y" * 128]
    told = [sampler.samples(ToolFinished("call", name, "ok", 0.1))[0].labels[0] for name in names]
    assert told == [names[0], "other", names[2]]


def test_a_word_that_the_catalogue_does_not_know_makes_no_new_series() -> None:
    found = values(MediaPath("a", "carrier pigeon", "host"))
    assert found == {("media_paths_total", "unknown", "host"): 1}
    assert ("tokens_total", "input", "unknown", "billed") in values(
        TokensUsed("a", "m", "input", "smell", "billed", 1)
    )


def test_what_held_a_loop_up_is_counted_by_the_tool_that_did() -> None:
    assert values(LoopHeld("a", "look_up")) == {("event_loop_held_total", "look_up"): 1}
    assert values(LoopHeld("a", "")) == {("event_loop_held_total", "none"): 1}


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (CallStarted("a", "r", 0), []),
        (ToolOffered("a", "look_up"), []),
        (CallAnswered("a", 0.7), ["call_setup_seconds"]),
        (BargeIn("a", 0.2), ["barge_in_stop_seconds"]),
        (ModelSessionEvent("a", ModelSessionChange.GO_AWAY), ["model_session_events_total"]),
        (LoopBlocked("a", 0.3), ["event_loop_blocked_seconds"]),
        (LoopHeld("a", "look_up"), ["event_loop_held_total"]),
        (EventsDropped("a", 4), ["events_dropped_total"]),
        (SpeechHeard("a", 1, 2, 3, 4), ["speech_seconds_total"] * 4),
        (
            CallEnded("a", "r", CallOutcome.DROPPED, CallReason.PROCESS_DIED, 9.0),
            ["calls_total", "call_duration_seconds"],
        ),
    ],
)
def test_every_other_event_feeds_its_metric(event: CallEvent, names: list[str]) -> None:
    assert [sample.metric.name for sample in Sampler().samples(event)] == names


def test_a_sample_has_a_label_for_each_that_its_metric_names() -> None:
    for event in (
        TURN,
        WINDOW,
        SpeechHeard("a", 1, 2, 3, 4),
        ToolFinished("a", "t", "ok", 1.0),
        OneWayAudio("a", AudioDirection.TO_CALLER, 5.0),
        CallerConnection("a", CallerQuality.GOOD, 5.0),
        UsageDoubted("a", UsageProblem.MISSING),
    ):
        for sample in Sampler().samples(event):
            assert len(sample.labels) == len(sample.metric.labels)
            assert isinstance(sample, Sample)
            assert sample.metric in metrics.CATALOGUE
