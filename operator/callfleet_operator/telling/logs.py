"""Log lines of the operator."""

import logging
from typing import TextIO

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
