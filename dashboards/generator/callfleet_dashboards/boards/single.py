"""A single call: its lines, its trace, and how its worker was at that time. Pure."""

from callfleet_contract import metrics
from callfleet_dashboards.boards.foreign import Process, of_pods
from callfleet_dashboards.boards.panels import (
    Board,
    Drawing,
    Panel,
    Query,
    Row,
    Source,
    Unit,
)
from callfleet_dashboards.boards.queries import RATE, of
from callfleet_dashboards.boards.words import CALL, response, stages, windows_with_loss

_POD = "{{pod}}"
_HOW = """
Metrics name no calls: their logs and traces do.

1. **Logs** of a call: put its id (`call_id` in every line of it, such as `AJ_4mZ…`) into *Call id*
   above.
2. **Trace** of a call: put `trace_id` of the same lines into *Trace id*. It is the first 16 bytes
   of the call id's SHA-256, in hexadecimal: `printf %s AJ_4mZ… | sha256sum | cut -c1-32`.
3. From a **slow turn**: a dot in *Response time* has the id. Where the data source of metrics knows
   it as an exemplar's link, a click leads to the trace.
4. The **pod** is in the lines too. Choose it above, and the time of the call: below is how it was
   then.
"""


def board() -> Board:
    """Give it."""
    return Board(
        CALL,
        "callfleet / Single call",
        "One call by its id: what was logged of it, its trace, and how the worker that carried it "
        "was at that time.",
        metrics.CALLS_ACTIVE.full_name,
        (
            Row("The call", (_how(), _trace(), _lines())),
            Row("Its worker at that time: the reply", _reply()),
            Row("Its worker at that time: the sound", _sound()),
            Row("Its worker at that time: the process", _process()),
        ),
        asks_pod=True,
        asks=(("call", "Call id"), ("trace", "Trace id")),
        sources=tuple(Source),
    )


def _how() -> Panel:
    return Panel(
        "How to find a call",
        "Which ids there are, and where they are written.",
        Drawing.TEXT,
        (),
        width=10,
        height=8,
        text=_HOW.strip(),
    )


def _trace() -> Panel:
    return Panel(
        "Trace",
        "The call, its turns and their stages, tools, and connections to the model.",
        Drawing.TRACE,
        (Query("$trace", source=Source.TRACES),),
        width=14,
        height=8,
    )


def _lines() -> Panel:
    written, sent = (_streams(label) for label in ("namespace", "k8s_namespace_name"))
    return Panel(
        "Lines of the call",
        "All that any process wrote about this call, oldest first: collected from standard output, "
        "or sent over OTLP.",
        Drawing.LOGS,
        (
            Query(f"{written} |= `$call` | json | call_id = `$call`", source=Source.LOGS),
            Query(f"{sent} | call_id = `$call`", source=Source.LOGS),
        ),
        width=24,
        height=8,
    )


def _streams(label: str) -> str:
    """Choose Loki's streams. Of none that has to have a label it refuses to look for any."""
    return f'{{{label}=~".+", {label}=~"$namespace"}}'


def _reply() -> tuple[Panel, ...]:
    turns = of(metrics.TURN_RESPONSE_SECONDS, of_pod=True)
    return (
        response(8, of_pod=True),
        stages(8, of_pod=True),
        Panel(
            "Single turns",
            "How many turns took how long. Dots are single turns; each has the ids of its call.",
            Drawing.HEAT,
            (Query(turns.buckets(), "{{le}}", exemplars=True),),
            Unit.SECONDS,
        ),
    )


def _sound() -> tuple[Panel, ...]:
    jitter = of(metrics.RTP_JITTER_SECONDS, of_pod=True)
    concealed = of(metrics.AUDIO_CONCEALED_RATIO, of_pod=True)
    return (
        windows_with_loss("pod", "leg", of_pod=True),
        Panel(
            "Jitter, 95 %",
            "How unevenly packets arrived.",
            Drawing.LINES,
            (Query(jitter.quantile(0.95, "pod", "leg"), f"{_POD} {{{{leg}}}}"),),
            Unit.SECONDS,
        ),
        Panel(
            "Sound that was made up, 95 %",
            "Share of callers' sound that the jitter buffer had to conceal.",
            Drawing.LINES,
            (Query(concealed.quantile(0.95, "pod"), _POD),),
            Unit.SHARE,
        ),
    )


def _process() -> tuple[Panel, ...]:
    blocked = of(metrics.EVENT_LOOP_BLOCKED_SECONDS, of_pod=True)
    calls, slots = (of(one, of_pod=True) for one in (metrics.CALLS_ACTIVE, metrics.CALL_SLOTS))
    model = of(metrics.MODEL_SESSION_EVENTS_TOTAL, of_pod=True)
    dropped = of(metrics.EVENTS_DROPPED_TOTAL, of_pod=True)
    refused = of(metrics.EVENTS_REFUSED_TOTAL, of_pod=True)
    not_sent = of(metrics.TELEMETRY_LOST_TOTAL, of_pod=True)
    return (
        Panel(
            "Other calls beside it",
            "Calls that the worker held, and may hold.",
            Drawing.LINES,
            (
                Query(calls.now("pod"), f"{_POD} calls"),
                Query(slots.now("pod"), f"{_POD} slots"),
            ),
            decimals=0,
        ),
        Panel(
            "Stand-stills",
            "Times that a loop of the worker's calls stood still for 50 ms or more.",
            Drawing.BARS,
            (Query(blocked.increase("pod"), _POD),),
        ),
        Panel(
            "Connections to the model",
            "Of all calls of the worker.",
            Drawing.BARS,
            (Query(f"{model.increase('event')} > 0", "{{event}}"),),
        ),
        Panel(
            "CPU of the worker's parent",
            "Of the process that takes calls and hands them over, in cores. Calls' own processes "
            "are not in it.",
            Drawing.LINES,
            (Query(f"rate({of_pods(Process.CPU_SECONDS)}[{RATE}])", _POD),),
            decimals=3,
        ),
        Panel(
            "Memory of the worker's parent",
            "Resident memory of the same process.",
            Drawing.LINES,
            (Query(of_pods(Process.RESIDENT_BYTES), _POD),),
            Unit.BYTES,
        ),
        Panel(
            "What was not counted",
            "Events that calls dropped because they could not be handed over, and lines that were "
            "no event: figures on all boards are too low then. And what the collector of traces "
            "and logs did not take.",
            Drawing.BARS,
            (
                Query(dropped.increase("pod"), f"{_POD} dropped"),
                Query(refused.increase("pod"), f"{_POD} refused"),
                Query(not_sent.increase("pod", "signal"), f"{_POD} {{{{signal}}}} not sent"),
            ),
        ),
    )
