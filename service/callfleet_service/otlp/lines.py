"""Make a log record of OpenTelemetry's of a line, in the schema that lines have."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.trace import (
    INVALID_SPAN_ID,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from callfleet_service.otlp.losses import LOGGER

_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_NOT_ATTRIBUTES = ("timestamp", "level", "event", "logger", "trace_id")
_NAMES = {"exception": "exception.stacktrace"}
_NOT_SENT = (LOGGER, "opentelemetry", "urllib3", "grpc")
"""What these say may be of the sending itself: sent, it would be followed by more."""
_PLAIN = (str, bool, int, float)
_TRACE_ID = re.compile(r"[0-9a-f]{32}")


class LineSender:
    """Hands lines to a provider."""

    def __init__(self, provider: LoggerProvider) -> None:
        self._provider = provider

    def send(self, line: Mapping[str, Any]) -> None:
        """Send one line, as it is written elsewhere."""
        name = str(line.get("logger", ""))
        if not name.startswith(_NOT_SENT):
            self._provider.get_logger(name).emit(record_of(line))


def record_of(line: Mapping[str, Any]) -> LogRecord:
    """Make the record: the event is its body, and the facts are its attributes."""
    level = str(line.get("level", "info"))
    told = line.get("timestamp")
    at = datetime.fromisoformat(told).timestamp() if isinstance(told, str) else None
    attributes = {
        _NAMES.get(name, name): value if isinstance(value, _PLAIN) else str(value)
        for name, value in line.items()
        if name not in _NOT_ATTRIBUTES and value is not None
    }
    return LogRecord(
        timestamp=None if at is None else int(max(0.0, at) * 1e9),
        context=_context(line.get("trace_id")),
        severity_text=level.upper(),
        severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
        body=str(line.get("event", "")),
        attributes=attributes,
    )


def _context(trace_id: object) -> Context:
    """Say in which trace it is; which span of it, a line does not know."""
    if not isinstance(trace_id, str) or not _TRACE_ID.fullmatch(trace_id):
        return Context()
    where = SpanContext(
        int(trace_id, 16), INVALID_SPAN_ID, is_remote=False, trace_flags=TraceFlags(1)
    )
    return set_span_in_context(NonRecordingSpan(where), Context())
