"""Have log lines written as a program writes them, and leave logging as it was found."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from callfleet_service.kinds import LogFormat, LogLevel, Section
from callfleet_service.logs import Style, write_logs

PLAIN = Style(ours=("callfleet",), quiet={})


class Chosen(Section):
    """How lines are written."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.JSON


@contextmanager
def writing(style: Style = PLAIN) -> Iterator[io.StringIO]:
    """Write lines of JSON into what is given, while the block runs."""
    root = logging.getLogger()
    before, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    write_logs(Chosen(), style, stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook = hooks
        root.handlers[:] = before
        root.setLevel(level)
