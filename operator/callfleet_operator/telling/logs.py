"""Log lines of the operator."""

import logging
import secrets
from typing import TextIO

import structlog

from callfleet_operator.objects.seen import Key
from callfleet_operator.settings import LogSettings
from callfleet_service import logs

_STYLE = logs.Style(
    ours=("callfleet_operator",),
    quiet={
        "kopf": logging.WARNING,
        "httpx2": logging.WARNING,
        "httpcore2": logging.WARNING,
        "asyncio": logging.WARNING,
        "aiohttp": logging.WARNING,
    },
)


def write_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set up logging: every record of every logger becomes one line."""
    logs.write_logs(settings, _STYLE, stream)


def begin_tick(fleet: Key) -> str:
    """Have all lines from now on, in this context, name the fleet and one tick of it.

    Returns the id of the tick's trace.
    """
    trace_id = secrets.token_hex(16)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(fleet=str(fleet), trace_id=trace_id)
    return trace_id
