"""How far the API server's clock is from ours: it dates pods, and we say how old they are."""

import time

import structlog

from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.problems import REQUEST_ERRORS
from callfleet_service.clocks import skew_seconds

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
        log.warning(
            "this operator's clock is not the API server's, whose time is taken: see to the time "
            "service of the node that it is on",
            ahead_seconds=-skew,
        )
    return skew
