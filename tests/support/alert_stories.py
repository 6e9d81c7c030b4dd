"""For each alert: what makes it fire, what looks alike and is well, and what is too little to say.

Counters are of one fleet in a minute. ``few`` is None where an alert does not count events.
"""

from dataclasses import dataclass

from promtool import Course, Grows, Stays, labelled

LIVEKIT = '{node_id="ND_1"}'
OPERATOR = {"pod": "operator-1", "namespace": "voice"}


@dataclass(frozen=True)
class Story:
    """One alert's: it fires within ``minutes`` of ``bad``."""

    bad: Course
    well: Course
    few: Course | None = None
    minutes: int = 10


def worker(
    calls: float = 0, slots: float = 10, accepting: float = 1, pod: str = "support-1"
) -> Course:
    """A worker that is scraped, with so many calls."""
    return {
        labelled("callfleet_calls_active", pod=pod): Stays(calls),
        labelled("callfleet_call_slots", pod=pod): Stays(slots),
        labelled("callfleet_accepting", pod=pod): Stays(accepting),
    }


def rooms(participants: float, open_rooms: float) -> Course:
    """What LiveKit tells."""
    return {
        f"livekit_participant_total{LIVEKIT}": Stays(participants),
        f"livekit_room_total{LIVEKIT}": Stays(open_rooms),
    }


def counts(name: str, a_minute: float, **labels: str) -> Course:
    return {labelled(name, **labels): Grows(a_minute)}


def one_way(seconds: float) -> Course:
    return counts("callfleet_one_way_audio_seconds_total", seconds, direction="from_caller")


def fleet(name: str, value: float, **labels: str) -> Course:
    """A gauge of the operator."""
    return {labelled(name, **OPERATOR, **labels): Stays(value)}


def ended(well: float, no_model: float) -> Course:
    return counts("callfleet_calls_total", well, outcome="completed", reason="caller_hung_up") | (
        counts("callfleet_calls_total", no_model, outcome="failed", reason="model_unavailable")
    )


def tokens(known: float, unknown: float) -> Course:
    return counts("callfleet_tokens_total", known, modality="audio") | counts(
        "callfleet_tokens_total", unknown, modality="unknown"
    )


def spent(dollars: float, seconds: float) -> Course:
    return counts("callfleet_cost_usd_total", dollars) | counts(
        "callfleet_speech_seconds_total", seconds, party="user"
    )


def stalls(long: float, short: float, pod: str = "support-1") -> Course:
    name = "callfleet_event_loop_blocked_seconds"
    return counts(f"{name}_count", long + short, pod=pod) | counts(
        f"{name}_bucket", short, le="0.25", pod=pod
    )


def indicators() -> Course:
    names = (
        "turn_response_seconds_count",
        "fleet_overhead_seconds_count",
        "rtp_window_loss_ratio_count",
        "calls_total",
        "barge_in_stop_seconds_count",
    )
    return {labelled(f"callfleet_{name}"): Stays(0) for name in names}


def without(course: Course, name: str) -> Course:
    return {series: what for series, what in course.items() if not series.startswith(f"{name}{{")}


def scraped(up: float, job: str = "callfleet-worker") -> Course:
    return {labelled("up", job=job, instance="10.0.0.7:8081"): Stays(up)}


STORIES: dict[str, Story] = {
    "CallfleetNoCapacity": Story(
        bad=worker(calls=10) | rooms(participants=21, open_rooms=11),
        well=worker(calls=10) | rooms(participants=20, open_rooms=10),
        minutes=2,
    ),
    "CallfleetOneWayAudio": Story(
        bad=worker(calls=10) | one_way(60),
        well=worker(calls=10) | one_way(0),
        few=worker(calls=10) | one_way(15),
        minutes=2,
    ),
    "CallfleetModelConnectFailing": Story(
        bad=ended(well=5, no_model=5),
        well=ended(well=20, no_model=1),
        few=ended(well=0, no_model=0.4),
        minutes=3,
    ),
    "CallfleetCallsEndedByInfrastructure": Story(
        bad=counts("callfleet_calls_ended_by_infrastructure_total", 1),
        well=counts("callfleet_calls_ended_by_infrastructure_total", 0),
        minutes=2,
    ),
    "CallfleetOrphanedRooms": Story(
        bad=worker(calls=1) | rooms(participants=3, open_rooms=2),
        well=worker(calls=1) | rooms(participants=2, open_rooms=2),
        minutes=4,
    ),
    "CallfleetActiveCallsMismatch": Story(
        bad=worker(calls=2) | rooms(participants=2, open_rooms=1),
        well=worker(calls=2) | rooms(participants=4, open_rooms=3),
        minutes=4,
    ),
    "CallfleetTokenUnattributedHigh": Story(
        bad=tokens(known=800, unknown=200),
        well=tokens(known=950, unknown=50),
        few=tokens(known=0, unknown=10),
    ),
    "CallfleetCostPerMinuteHigh": Story(
        bad=spent(dollars=1.2, seconds=600),
        well=spent(dollars=0.5, seconds=600),
        few=spent(dollars=0.01, seconds=1),
    ),
    "CallfleetLoopBlocked": Story(
        bad=stalls(long=2, short=0),
        well=stalls(0.1, 10) | stalls(0.2, 0, "support-2") | stalls(0.2, 0, "support-3"),
        few=stalls(long=0.2, short=0),
    ),
    "CallfleetTargetDown": Story(bad=scraped(0), well=scraped(1) | scraped(0, "node"), minutes=3),
    "CallfleetTelemetryLost": Story(
        bad=counts("callfleet_telemetry_lost_total", 5, signal="traces"),
        well=counts("callfleet_telemetry_lost_total", 0, signal="traces"),
    ),
    "CallfleetReconcileErrors": Story(
        bad=counts("callfleet_reconcile_errors_total", 2),
        well=counts("callfleet_reconcile_errors_total", 0),
        few=counts("callfleet_reconcile_errors_total", 0.2),
    ),
    "CallfleetOperatorAbsent": Story(
        bad={'callfleet_operator_leading{pod="operator-1"}': Stays(0)},
        well={
            'callfleet_operator_leading{pod="operator-1"}': Stays(0),
            'callfleet_operator_leading{pod="operator-2"}': Stays(1),
        },
        minutes=3,
    ),
    "CallfleetFleetDegraded": Story(
        bad=fleet("callfleet_fleet_degraded", 1),
        well=fleet("callfleet_fleet_degraded", 0),
        minutes=4,
    ),
    "CallfleetSliAbsent": Story(
        bad=worker() | without(indicators(), "callfleet_calls_total"),
        well=worker() | indicators(),
    ),
}
