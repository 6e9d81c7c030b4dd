"""Every metric that a worker exports, once; see ``operator_metrics`` for those of the operator.

Rules, dashboards, docs and tests refer to these. Base units, bounded labels, nothing per call: that
goes to traces and logs.
"""

from callfleet_contract.metric import Kind, Metric
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
from callfleet_contract.telemetry import LossReason, Signal

LOAD_BANDS = ("1-4", "5-9", "10", "11+")
LEGS = ("agent_in", "agent_out")
WINDOW_SECONDS = 10
"""Over so long the packets of a call are looked at as one."""
UNHEARD_CALLER_SECONDS = 24
"""A caller whose network died looks just as one who is not heard, until LiveKit has given them up,
which takes it up to 20 seconds."""
LOOP_HELD_SECONDS = 0.25
"""A loop that stands still for so long is looked into: a caller hears the gap."""
TOOL_NAMES = 20
"""So many tools have series of their own."""
_LEG = ("leg", LEGS)


def load_band(calls_active: int) -> str:
    """Say in which band of concurrency a turn was measured."""
    if calls_active <= 4:  # noqa: PLR2004 - the bands are this function's whole content
        return "1-4"
    if calls_active <= 9:  # noqa: PLR2004 - as above
        return "5-9"
    return "10" if calls_active == 10 else "11+"  # noqa: PLR2004 - as above


TURN_RESPONSE_SECONDS = Metric(
    "turn_response_seconds",
    Kind.HISTOGRAM,
    "Caller's last speech sample heard to the reply's first audible sample played, the time that "
    "tools took included.",
    (("load_band", LOAD_BANDS), ("profile", tuple(ModelProfile)), ("tools", ("none", "used"))),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10),
)
TURN_STAGE_SECONDS = Metric(
    "turn_stage_seconds",
    Kind.HISTOGRAM,
    "Parts of the response time: uplink to the model, the model with the silence it waits for, "
    "tools, playout.",
    (("stage", ("uplink", "model", "tool", "playout")),),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5),
)
FLEET_OVERHEAD_SECONDS = Metric(
    "fleet_overhead_seconds",
    Kind.HISTOGRAM,
    "Response time that the fleet added: everything but the model, jitter buffer and "
    "round trip of the agent's leg included.",
    (),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1),
)
BARGE_IN_STOP_SECONDS = Metric(
    "barge_in_stop_seconds",
    Kind.HISTOGRAM,
    "Caller's onset over the agent's speech to the agent's last sample played.",
    (),
    (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2),
)
TURNS_TOTAL = Metric(
    "turns_total",
    Kind.COUNTER,
    "Replies of the agent by how they ended.",
    (("end_reason", tuple(TurnEnd)),),
)
CALL_SETUP_SECONDS = Metric(
    "call_setup_seconds",
    Kind.HISTOGRAM,
    "The call's process takes the job to the agent's first audible sample; dispatch comes before.",
    (),
    (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10),
)
CALL_DURATION_SECONDS = Metric(
    "call_duration_seconds",
    Kind.HISTOGRAM,
    "Length of a call.",
    (),
    (5, 15, 30, 60, 120, 300, 600, 1200, 3600),
)
CALLS_TOTAL = Metric(
    "calls_total",
    Kind.COUNTER,
    "Calls that have ended, by outcome and reason.",
    (("outcome", tuple(CallOutcome)), ("reason", tuple(CallReason))),
)
CALLS_ACTIVE = Metric("calls_active", Kind.GAUGE, "Calls that this worker holds now.")
CALL_SLOTS = Metric("call_slots", Kind.GAUGE, "Calls that this worker may hold at once.")
ACCEPTING = Metric("accepting", Kind.GAUGE, "1 while this worker takes new calls, else 0.")
RTP_PACKETS_RECEIVED_TOTAL = Metric(
    "rtp_packets_received_total", Kind.COUNTER, "RTP packets received.", (_LEG,)
)
RTP_PACKETS_LOST_TOTAL = Metric(
    "rtp_packets_lost_total", Kind.COUNTER, "RTP packets lost, never counted back.", (_LEG,)
)
RTP_WINDOW_LOSS_RATIO = Metric(
    "rtp_window_loss_ratio",
    Kind.HISTOGRAM,
    f"Share of packets lost in one window of one call: {WINDOW_SECONDS} s, its first and last "
    "shorter.",
    (_LEG,),
    (0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2),
)
RTP_JITTER_SECONDS = Metric(
    "rtp_jitter_seconds",
    Kind.HISTOGRAM,
    "Interarrival jitter (RFC 3550) per window.",
    (_LEG,),
    (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1),
)
RTP_RTT_SECONDS = Metric(
    "rtp_rtt_seconds",
    Kind.HISTOGRAM,
    "Round trip between the agent and the SFU per window.",
    (_LEG,),
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5),
)
AUDIO_CONCEALED_RATIO = Metric(
    "audio_concealed_ratio",
    Kind.HISTOGRAM,
    "Share of the caller's samples that the jitter buffer had to make up, per window.",
    (),
    (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
)
ONE_WAY_AUDIO_SECONDS_TOTAL = Metric(
    "one_way_audio_seconds_total",
    Kind.COUNTER,
    "Seconds of calls in which one of the two was not heard though both were there: no packets of "
    "a caller who is not muted, or an agent whose sound nobody takes. Of a caller it is counted "
    f"once it has lasted for {UNHEARD_CALLER_SECONDS} seconds, and then all of it.",
    (("direction", tuple(AudioDirection)),),
)
CALLER_QUALITY_SECONDS_TOTAL = Metric(
    "caller_quality_seconds_total",
    Kind.COUNTER,
    "Seconds of calls by the quality of the caller's connection, as LiveKit judges it.",
    (("quality", tuple(CallerQuality)),),
)
SPEECH_SECONDS_TOTAL = Metric(
    "speech_seconds_total",
    Kind.COUNTER,
    "Seconds of calls by who spoke.",
    (("party", ("user", "agent", "overlap", "silence")),),
)
TOKENS_TOTAL = Metric(
    "tokens_total",
    Kind.COUNTER,
    "Tokens billed; the sum of every usage snapshot, the re-billed context included.",
    (
        ("direction", ("input", "output")),
        ("modality", ("audio", "text", "image", "unknown")),
        ("kind", ("billed", "cached", "thoughts")),
    ),
)
USAGE_PROBLEMS_TOTAL = Metric(
    "usage_problems_total",
    Kind.COUNTER,
    "Usage messages of the model that cannot be right: a reply without one, the same one again, "
    "which is not counted again, or one whose parts do not add up, which is counted as it is.",
    (("problem", tuple(UsageProblem)),),
)
COST_USD_TOTAL = Metric(
    "cost_usd_total", Kind.COUNTER, "Estimated cost of the tokens, by the price table below."
)
PRICE_TABLE_INFO = Metric("price_table", Kind.INFO, "Which price table the cost is estimated with.")
TOOL_CALLS_TOTAL = Metric(
    "tool_calls_total",
    Kind.COUNTER,
    f"Tool calls; tools beyond the first {TOOL_NAMES} names are counted as other.",
    (("tool", ()), ("result", ("ok", "error", "cancelled"))),
)
TOOL_CALL_SECONDS = Metric(
    "tool_call_seconds",
    Kind.HISTOGRAM,
    "Time a tool took.",
    (("tool", ()),),
    (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
MODEL_SESSION_EVENTS_TOTAL = Metric(
    "model_session_events_total",
    Kind.COUNTER,
    "Changes of the connection to the model.",
    (("event", tuple(ModelSessionChange)),),
)
EVENT_LOOP_BLOCKED_SECONDS = Metric(
    "event_loop_blocked_seconds",
    Kind.HISTOGRAM,
    "Stand-stills of event loops that calls run on, each once however many calls it has.",
    (),
    (0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
EVENT_LOOP_HELD_TOTAL = Metric(
    "event_loop_held_total",
    Kind.COUNTER,
    f"Times that an event loop stood still for {LOOP_HELD_SECONDS} s or more, by the tool that "
    "held it up; none where no tool did.",
    (("tool", ()),),
)
MEDIA_PATHS_TOTAL = Metric(
    "media_paths_total",
    Kind.COUNTER,
    "Calls by the transport their media took; tcp or relay means that UDP is blocked.",
    (
        ("protocol", ("udp", "tcp", "unknown")),
        ("type", ("host", "srflx", "prflx", "relay", "unknown")),
    ),
)
EVENTS_REFUSED_TOTAL = Metric(
    "events_refused_total", Kind.COUNTER, "Lines on the event socket that were no event."
)
EVENTS_DROPPED_TOTAL = Metric(
    "events_dropped_total",
    Kind.COUNTER,
    "Events that calls dropped because they could not be handed over without waiting.",
)
TELEMETRY_LOST_TOTAL = Metric(
    "telemetry_lost_total",
    Kind.COUNTER,
    "Spans, data points and log lines that the OpenTelemetry collector was not given: it refused "
    "them, could not be reached in time, or more came than it takes.",
    (("signal", tuple(Signal)), ("reason", tuple(LossReason))),
)
BUILD_INFO = Metric("build", Kind.INFO, "Version and role of this process.")

CATALOGUE: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
