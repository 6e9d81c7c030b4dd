"""Turn what a call tells into samples of the catalogue's metrics. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from callfleet_contract import metrics
from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallerConnection,
    CallEvent,
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
    TurnMeasured,
    UsageDoubted,
)
from callfleet_contract.metric import Metric
from callfleet_contract.outcomes import TurnEnd
from callfleet_contract.profiles import ModelProfile
from callfleet_worker.parent.prices import GEMINI_LIVE, PriceTable
from callfleet_worker.parent.toolnames import ToolNames

NO_TOOL = "none"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value for one series. Counters add it, histograms observe it."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Sampler:
    """Makes samples of what a worker's calls tell."""

    prices: PriceTable = GEMINI_LIVE
    profile: ModelProfile = ModelProfile.MEASURED
    _tools: ToolNames = field(default_factory=ToolNames)

    def samples(self, event: CallEvent) -> tuple[Sample, ...]:
        """Return what one event adds to the metrics."""
        match event:
            case TurnMeasured():
                found = self._turn(event)
            case RtpWindow():
                found = _rtp(event)
            case TokensUsed():
                found = self._tokens(event)
            case ToolFinished():
                found = self._tool(event)
            case LoopHeld():
                found = self._held(event)
            case SpeechHeard():
                found = _speech(event)
            case MediaPath() | OneWayAudio() | CallerConnection():
                found = _line(event)
            case _:
                found = _plain(event)
        return tuple(_fitting(sample) for sample in found)

    def tool_label(self, tool: str) -> str:
        """Give the name that a tool is counted under; one that is new takes a place."""
        return self._tools.label_of(tool)

    def _turn(self, event: TurnMeasured) -> Iterator[Sample]:
        yield Sample(metrics.TURNS_TOTAL, 1, (event.end,))
        if not was_answered(event):
            return
        tools = "used" if event.tool_seconds > 0 else "none"
        labels = (metrics.load_band(event.calls_active), self.profile, tools)
        yield Sample(metrics.TURN_RESPONSE_SECONDS, event.response_seconds, labels)
        yield Sample(metrics.FLEET_OVERHEAD_SECONDS, event.fleet_overhead_seconds)
        stages = {
            "uplink": event.uplink_seconds,
            "model": event.model_seconds - event.tool_seconds,
            "playout": event.playout_seconds,
        }
        if event.tool_seconds > 0:
            stages["tool"] = event.tool_seconds
        for stage, seconds in stages.items():
            yield Sample(metrics.TURN_STAGE_SECONDS, seconds, (stage,))

    def _tokens(self, event: TokensUsed) -> Iterator[Sample]:
        labels = (event.direction, event.modality, event.kind)
        yield Sample(metrics.TOKENS_TOTAL, event.tokens, labels)
        yield Sample(metrics.COST_USD_TOTAL, self.prices.cost_usd(event))

    def _held(self, event: LoopHeld) -> Iterator[Sample]:
        name = self.tool_label(event.tool) if event.tool else NO_TOOL
        yield Sample(metrics.EVENT_LOOP_HELD_TOTAL, 1, (name,))

    def _tool(self, event: ToolFinished) -> Iterator[Sample]:
        name = self.tool_label(event.tool)
        yield Sample(metrics.TOOL_CALLS_TOTAL, 1, (name, event.result))
        yield Sample(metrics.TOOL_CALL_SECONDS, event.seconds, (name,))


def was_answered(event: TurnMeasured) -> bool:
    """Tell a reply to something said from a greeting, or from a turn nobody answered."""
    return (
        event.speech_end_ns > 0
        and event.first_played_ns > 0
        and (event.end is not TurnEnd.NO_RESPONSE)
    )


def _rtp(event: RtpWindow) -> Iterator[Sample]:
    leg = (event.leg,)
    # A late packet that arrives after all lowers the engine's count of lost ones; ours never falls.
    received, lost = max(0, event.packets_received), max(0, event.packets_lost)
    yield Sample(metrics.RTP_PACKETS_RECEIVED_TOTAL, received, leg)
    yield Sample(metrics.RTP_PACKETS_LOST_TOTAL, lost, leg)
    if event.rtt_seconds > 0:
        # Connectivity checks measure it, packets or not; nought is not known yet.
        yield Sample(metrics.RTP_RTT_SECONDS, event.rtt_seconds, leg)
    if not received + lost:
        return
    yield Sample(metrics.RTP_WINDOW_LOSS_RATIO, lost / (received + lost), leg)
    yield Sample(metrics.RTP_JITTER_SECONDS, event.jitter_seconds, leg)
    if event.leg == metrics.LEGS[0]:
        yield Sample(metrics.AUDIO_CONCEALED_RATIO, event.concealed_ratio)


def _line(event: MediaPath | OneWayAudio | CallerConnection) -> Iterator[Sample]:
    match event:
        case MediaPath():
            yield Sample(metrics.MEDIA_PATHS_TOTAL, 1, (event.protocol, event.candidate_type))
        case OneWayAudio():
            yield Sample(metrics.ONE_WAY_AUDIO_SECONDS_TOTAL, event.seconds, (event.unheard,))
        case CallerConnection():
            yield Sample(metrics.CALLER_QUALITY_SECONDS_TOTAL, event.seconds, (event.quality,))


def _speech(event: SpeechHeard) -> Iterator[Sample]:
    parties = {
        "user": event.user_seconds,
        "agent": event.agent_seconds,
        "overlap": event.overlap_seconds,
        "silence": event.silence_seconds,
    }
    for party, seconds in parties.items():
        yield Sample(metrics.SPEECH_SECONDS_TOTAL, seconds, (party,))


def _plain(event: CallEvent) -> Iterator[Sample]:
    match event:
        case CallAnswered():
            yield Sample(metrics.CALL_SETUP_SECONDS, event.setup_seconds)
        case BargeIn():
            yield Sample(metrics.BARGE_IN_STOP_SECONDS, event.stop_seconds)
        case UsageDoubted():
            yield Sample(metrics.USAGE_PROBLEMS_TOTAL, 1, (event.problem,))
        case ModelSessionEvent():
            yield Sample(metrics.MODEL_SESSION_EVENTS_TOTAL, 1, (event.change,))
        case LoopBlocked():
            yield Sample(metrics.EVENT_LOOP_BLOCKED_SECONDS, event.seconds)
        case EventsDropped():
            yield Sample(metrics.EVENTS_DROPPED_TOTAL, event.count)
        case CallEnded():
            yield Sample(metrics.CALLS_TOTAL, 1, (event.outcome, event.reason))
            yield Sample(metrics.CALL_DURATION_SECONDS, event.duration_seconds)
        case _:
            return


def _fitting(sample: Sample) -> Sample:
    """Keep labels to the catalogue's values, and values to nought and above.

    A new word must not become a new series, and what is less than nothing would make a counter
    refuse the whole event and a histogram's sum fall.
    """
    allowed = (values for _, values in sample.metric.labels)
    labels = tuple(
        str(label)
        if not values or label in values
        else (UNKNOWN if UNKNOWN in values else values[-1])
        for label, values in zip(sample.labels, allowed, strict=True)
    )
    return Sample(sample.metric, max(0.0, sample.value), labels)
