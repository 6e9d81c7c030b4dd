"""How far the API server's clock is from ours: it dates pods, and we say how old they are."""

import time
from email.utils import parsedate_to_datetime

import structlog

from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.problems import REQUEST_ERRORS

_UNHEEDED_SECONDS = 2.0
"""Dates have whole seconds: less is no difference."""

log = structlog.get_logger("callfleet_operator")


async def clock_skew_seconds(connection: Connection) -> float:
    """Ask the API server for the time; 0 where its clock is as ours, or where it does not say."""
    asked_at = time.time()
    try:
        answer = await connection.http.get("/version")
    except REQUEST_ERRORS:
        return 0.0
    skew = skew_seconds(asked_at, time.time(), answer.headers.get("Date", ""))
    if skew:
        log.warning("the API server's clock is another: its time is taken", ahead_seconds=skew)
    return skew


def skew_seconds(asked_at: float, answered_at: float, date: str) -> float:
    """Say how far a clock is ahead that wrote this date between two instants."""
    try:
        dated = parsedate_to_datetime(date).timestamp() + 0.5
    except (TypeError, ValueError):
        return 0.0
    skew = dated - (asked_at + answered_at) / 2
    return round(skew, 1) if abs(skew) > _UNHEEDED_SECONDS else 0.0
