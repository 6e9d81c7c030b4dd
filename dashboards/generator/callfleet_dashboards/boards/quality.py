"""Call quality: what callers hear, on which part of the way it goes wrong. Pure."""

from callfleet_contract import metrics, slos
from callfleet_contract.outcomes import CallerQuality, TurnEnd
from callfleet_dashboards.boards.panels import (
    NO_LIMITS,
    Board,
    Drawing,
    Limits,
    Panel,
    Query,
    Row,
    Series,
    Unit,
    at_most,
)
from callfleet_dashboards.boards.queries import RATE, of, ratio
from callfleet_dashboards.boards.words import (
    QUALITY,
    RESPONSE_LIMITS,
    one_way_audio,
    quantiles,
    response,
    stages,
    windows_with_loss,
)
from callfleet_dashboards.livekit import LiveKit


def board() -> Board:
    """Give it."""
    return Board(
        QUALITY,
        "callfleet / Call quality",
        "What callers hear: how long they wait, whether the agent stops when spoken over, how "
        "sound fares between worker, LiveKit and caller.",
        metrics.CALLS_ACTIVE.full_name,
        (
            Row("The reply", _reply()),
            Row("The turn", _turn()),
            Row("Sound between worker and LiveKit", _media()),
            Row("Sound between LiveKit and the caller", _caller()),
            Row("What the call does", _work()),
        ),
    )


def _over_time(
    title: str, description: str, unit: Unit, *queries: Query, limits: Limits = NO_LIMITS
) -> Panel:
    return Panel(title, description, Drawing.LINES, queries, unit, limits=limits)


def _reply() -> tuple[Panel, ...]:
    turns = of(metrics.TURN_RESPONSE_SECONDS)
    return (
        Panel(
            "Response times",
            "How many turns took how long. Dots are single turns; each leads to its trace.",
            Drawing.HEAT,
            (Query(turns.buckets(), "{{le}}", exemplars=True),),
            Unit.SECONDS,
            12,
        ),
        response(12),
        _over_time(
            "Response time by load, 95 %",
            "By calls that the worker held at the time. Lines that part mean that workers are too "
            "full.",
            Unit.SECONDS,
            Query(turns.quantile(0.95, "load_band"), "{{load_band}} calls"),
            limits=RESPONSE_LIMITS,
        ),
        _over_time(
            "Response time with and without tools, 95 %",
            "Turns in which a tool ran wait for it; no objective counts them.",
            Unit.SECONDS,
            Query(turns.quantile(0.95, "tools"), "tools: {{tools}}"),
            limits=RESPONSE_LIMITS,
        ),
        stages(8),
    )


def _turn() -> tuple[Panel, ...]:
    return (
        _over_time(
            "Silent after an interruption",
            "From the caller's first sound over the agent to the agent's last. Dashed: the "
            "objective's limit.",
            Unit.SECONDS,
            *quantiles(metrics.BARGE_IN_STOP_SECONDS),
            limits=at_most(slos.BARGE_IN.limit),
        ),
        _over_time(
            "Time to the greeting",
            "From the call's arrival at its worker to the agent's first sound. Dashed: the "
            "objective's limit.",
            Unit.SECONDS,
            *quantiles(metrics.CALL_SETUP_SECONDS),
            limits=at_most(slos.CALL_SUCCESS.limit),
        ),
        Panel(
            "Replies by how they ended",
            "Interrupted ones are the callers' doing. Errors, closed sessions and missing "
            "responses are not.",
            Drawing.BARS,
            (Query(of(metrics.TURNS_TOTAL).increase("end_reason"), "{{end_reason}}"),),
            series=(
                Series(TurnEnd.COMPLETED, colour="green"),
                Series(TurnEnd.INTERRUPTED, colour="blue"),
                Series(TurnEnd.SESSION_CLOSED, colour="purple"),
                Series(TurnEnd.ERROR, colour="red"),
                Series(TurnEnd.NO_RESPONSE, colour="orange"),
            ),
        ),
    )


def _media() -> tuple[Panel, ...]:
    received, lost = of(metrics.RTP_PACKETS_RECEIVED_TOTAL), of(metrics.RTP_PACKETS_LOST_TOTAL)
    sent = f"{received.rate('leg')}\n+\n{lost.rate('leg')}"
    paths = of(metrics.MEDIA_PATHS_TOTAL)
    return (
        windows_with_loss("leg"),
        _over_time(
            "Packets lost",
            "Of all packets, by direction: agent_in is what the agent hears.",
            Unit.SHARE,
            Query(ratio(lost.rate("leg"), sent), "{{leg}}"),
        ),
        _over_time(
            "Sound that was made up, 95 %",
            "Share of the caller's sound that the jitter buffer had to conceal, of 10 s windows.",
            Unit.SHARE,
            Query(of(metrics.AUDIO_CONCEALED_RATIO).quantile(0.95), "95 %"),
        ),
        _over_time(
            "Jitter, 95 %",
            "How unevenly packets arrive (RFC 3550). The jitter buffer waits as long, and so does "
            "the caller.",
            Unit.SECONDS,
            Query(of(metrics.RTP_JITTER_SECONDS).quantile(0.95, "leg"), "{{leg}}"),
        ),
        _over_time(
            "Round trip, 95 %",
            "Between worker and LiveKit and back. It is in every response time.",
            Unit.SECONDS,
            Query(of(metrics.RTP_RTT_SECONDS).quantile(0.95, "leg"), "{{leg}}"),
        ),
        Panel(
            "Ways that media take",
            "Calls by transport. tcp or relay means that UDP does not get through: sound stutters.",
            Drawing.BARS,
            (Query(f"{paths.increase('protocol', 'type')} > 0", "{{protocol}} {{type}}"),),
        ),
    )


def _caller() -> tuple[Panel, ...]:
    quality = of(metrics.CALLER_QUALITY_SECONDS_TOTAL)
    loss = f'{LiveKit.PACKET_LOSS}_bucket{{direction="incoming"}}'
    return (
        Panel(
            "Callers' connections",
            "Calls at a time, by how LiveKit judges their callers' connections.",
            Drawing.STACK,
            (Query(quality.rate("quality"), "{{quality}}"),),
            series=(
                Series(CallerQuality.EXCELLENT, colour="green"),
                Series(CallerQuality.GOOD, colour="light-green"),
                Series(CallerQuality.POOR, colour="orange"),
                Series(CallerQuality.LOST, colour="red"),
            ),
        ),
        _over_time(
            "Loss on the way to LiveKit, 95 %",
            "As LiveKit's own server reports it of all its participants. It knows no fleets, and "
            "has to be scraped.",
            Unit.PERCENT,
            Query(f"histogram_quantile(0.95, sum by (le) (rate({loss}[{RATE}]))) >= 0", "incoming"),
        ),
        one_way_audio(),
    )


def _work() -> tuple[Panel, ...]:
    spoken = of(metrics.SPEECH_SECONDS_TOTAL)
    events = of(metrics.MODEL_SESSION_EVENTS_TOTAL)
    tools = of(metrics.TOOL_CALLS_TOTAL)
    return (
        Panel(
            "Who speaks",
            "Calls at a time by who speaks in them.",
            Drawing.STACK,
            (Query(spoken.rate("party"), "{{party}}"),),
        ),
        _over_time(
            "Length of calls",
            "Of calls that ended.",
            Unit.SECONDS,
            *quantiles(metrics.CALL_DURATION_SECONDS),
        ),
        Panel(
            "Connections to the model",
            "Opened, resumed, made again, swapped for another model, closed, and warnings that one "
            "will be.",
            Drawing.BARS,
            (Query(f"{events.increase('event')} > 0", "{{event}}"),),
        ),
        Panel(
            "Tool calls",
            "By tool and result.",
            Drawing.BARS,
            (Query(tools.happened("tool", "result"), "{{tool}}: {{result}}"),),
        ),
        _over_time(
            "Time of tools, 95 %",
            "Callers wait for it in silence unless the agent says something.",
            Unit.SECONDS,
            Query(of(metrics.TOOL_CALL_SECONDS).quantile(0.95, "tool"), "{{tool}}"),
        ),
        Panel(
            "Stand-stills by tool",
            "Times that a call's loop stood still for 250 ms or more, by the tool that held it up: "
            "what blocks belongs in a thread.",
            Drawing.BARS,
            (Query(of(metrics.EVENT_LOOP_HELD_TOTAL).happened("tool"), "{{tool}}"),),
        ),
    )
