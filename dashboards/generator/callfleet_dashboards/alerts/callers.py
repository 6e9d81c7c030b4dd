"""Alerts on what callers suffer now. Pure.

A page needs a caller who suffers, and something that the fleet or its people can mend.
"""

from collections.abc import Iterator

from callfleet_contract import metrics, slos
from callfleet_contract import operator_metrics as operator
from callfleet_contract.outcomes import CallReason
from callfleet_dashboards.alerts.alert import FLEET, NUMBER, PERCENT, Alert, Severity
from callfleet_dashboards.livekit import LiveKit
from callfleet_dashboards.promql import BY, count, increase

ONE_WAY_SECONDS = 20
"""Of a minute. A worker tells of no call sooner than that: see its ``bridge/oneway.py``."""
ONE_WAY_SHARE = slos.CALL_SUCCESS.budget
"""Of all calls' time: with hundreds of callers there is always one whose device is at fault."""
FAILING_SHARE, FAILING_CALLS = 0.25, 3

CALLS_OF_WORKERS = f"(sum({metrics.CALLS_ACTIVE.full_name}) or vector(0))"
CALLS_ANYBODY_KNOWS = (
    f"(sum(max {BY} (sum {BY} ({metrics.CALLS_ACTIVE.full_name}) or "
    f"{operator.FLEET_CALLS.full_name})) or vector(0))"
)
"""Of each fleet as workers or the operator tell, whoever tells of more: calls of a worker that is
too busy to answer Prometheus go on, and their callers wait for nobody."""
AS_SCRAPED = "[30s:15s]"
"""LiveKit and workers are scraped at different instants. What one of them counts least in so long,
held against what the other counts most, is no call that came or went between two scrapes."""
WAITING = (
    f"(min_over_time(sum({LiveKit.PARTICIPANTS}){AS_SCRAPED})\n"
    f"  - 2 * max_over_time({CALLS_ANYBODY_KNOWS}{AS_SCRAPED})\n"
    f"  and on () (min_over_time(sum({LiveKit.ROOMS}){AS_SCRAPED})\n"
    f"  - max_over_time({CALLS_ANYBODY_KNOWS}{AS_SCRAPED}) > 0))"
)
"""Callers whom no agent has joined: in a call there are two. Labels: none.

Nor is there a call for their room: a third one who listens to a call waits for no agent, and in a
room that is left open there is nobody.
"""
UNKNOWN_CALLS = (
    f"(min_over_time({CALLS_OF_WORKERS}{AS_SCRAPED})\n"
    f"  - max_over_time(sum({LiveKit.ROOMS}){AS_SCRAPED}))"
)
"""Calls of workers that have no room. Labels: none."""
FREE_SLOTS = (
    f"(max {BY} ({operator.FLEET_FREE_SLOTS.full_name})\n"
    f"  or sum {BY} (({metrics.CALL_SLOTS.full_name} - {metrics.CALLS_ACTIVE.full_name}) * "
    f"{metrics.ACCEPTING.full_name}))"
)
"""As the operator counts them; without one, as the workers that are scraped do."""


def alerts() -> Iterator[Alert]:
    """Give them."""
    yield _no_capacity()
    yield _one_way()
    yield _model_away()
    yield Alert(
        "CallfleetCallsEndedByInfrastructure",
        Severity.WARNING,
        f"{count(slos.CUT, '5m')} > 0",
        "",
        "Calls were cut off by the death of a worker, its pod or its node.",
        f"{FLEET}{NUMBER} calls were cut off within 5 minutes.",
    )
    yield Alert(
        "CallfleetOrphanedRooms",
        Severity.WARNING,
        f"{WAITING} > 0",
        "2m",
        "Callers are alone in rooms that no agent joins.",
        f"{NUMBER} participants of the LiveKit server have no agent with them, and have not had "
        "one for 2 minutes.",
    )
    yield Alert(
        "CallfleetActiveCallsMismatch",
        Severity.WARNING,
        f"{UNKNOWN_CALLS} > 0",
        "2m",
        "Workers hold calls that LiveKit knows nothing of.",
        f"{NUMBER} calls of workers have no room on the LiveKit server: nobody is in them.",
    )


def _no_capacity() -> Alert:
    full = f"{FREE_SLOTS} <= 0"
    refused = f"{increase(operator.CALLS_BLOCKED_TOTAL, '1m')} > 0"
    return Alert(
        "CallfleetNoCapacity",
        Severity.CRITICAL,
        f"({full})\nand on () ({WAITING} > 0)\nor\n({full})\nand on (namespace, fleet) ({refused})",
        "15s",
        "Callers wait, and no slot is free.",
        f"{FLEET}no slot is free, and callers who have no agent wait or were passed on.",
    )


def _one_way() -> Alert:
    return Alert(
        "CallfleetOneWayAudio",
        Severity.CRITICAL,
        f"{increase(metrics.ONE_WAY_AUDIO_SECONDS_TOTAL, '1m', keep=('direction',))}\n"
        f"> on (namespace, fleet) group_left ()\n"
        f"clamp_min({60 * ONE_WAY_SHARE:g} * sum {BY} "
        f"(avg_over_time({metrics.CALLS_ACTIVE.full_name}[1m])), {ONE_WAY_SECONDS})",
        "",
        "Callers or the agent are not heard.",
        f"{FLEET}{NUMBER} call-seconds of the last minute were one-way "
        "({{ $labels.direction }}): one of the two spoke and the other had no sound of it.",
    )


def _model_away() -> Alert:
    no_model = f"{CallReason.MODEL_UNAVAILABLE}|{CallReason.MODEL_REFUSED_KEY}"
    failed = increase(metrics.CALLS_TOTAL, "5m", f'{{reason=~"{no_model}"}}')
    return Alert(
        "CallfleetModelConnectFailing",
        Severity.CRITICAL,
        f"{failed} / {increase(metrics.CALLS_TOTAL, '5m')} > {FAILING_SHARE:g}\n"
        f"and\n{failed} >= {FAILING_CALLS}",
        "30s",
        "Calls fail because the model cannot be reached.",
        f"{FLEET}{PERCENT} of the calls of 5 minutes ended with an apology for want of a model.",
    )
