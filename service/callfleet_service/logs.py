"""One line on standard output for each record, of our own loggers and of those of the libraries."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from callfleet_service.kinds import LogFormat, LogLevel
from callfleet_service.plain import harmless, plain

FIRST = ("timestamp", "level", "event", "logger", "call_id", "trace_id", "fleet", "pod")
"""What a line begins with, in this order, as far as it has it."""
CRASHES = "callfleet.crashes"
"""Writes what nobody caught, where Python itself would print it over many lines."""
_crashes = logging.getLogger(CRASHES)
_SENDERS = {
    "opentelemetry.exporter": logging.CRITICAL,
    "opentelemetry.sdk._shared_internal": logging.CRITICAL,
    "opentelemetry.util.re": logging.CRITICAL,
}
"""They complain of each batch that a collector does not take; that is told once, elsewhere. The
last one quotes headers that it cannot read: keys are in them."""
_STAMPS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class LogChoice(Protocol):
    """Settings that say what is written, and how."""

    @property
    def level(self) -> LogLevel:
        """The least important line still written."""

    @property
    def format(self) -> LogFormat | None:
        """For machines or for people; None leaves it to where the lines go."""


@dataclass(frozen=True, slots=True)
class Style:
    """What is one program's own about its lines."""

    ours: Sequence[str]
    """Loggers whose lines below info may be written."""
    quiet: Mapping[str, int]
    """Loggers of libraries, and the least important line of each that is written."""
    received: Sequence[Processor] = ()
    """Done to libraries' records as they come."""
    whole: Sequence[Processor] = ()
    """Done to each record while the library's own is still with it, and its exception none yet."""
    told: Sequence[Processor] = ()
    """Done to each record last, when all that a line will say is there."""
    always: Mapping[str, str] = field(default_factory=dict)
    """Facts of every line, unless it says otherwise itself."""


def write_logs(settings: LogChoice, style: Style, stream: TextIO | None = None) -> None:
    """Set up logging: every record of every logger becomes one line, warnings of Python's too."""
    out = stream or sys.stdout
    handler = _Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Stamped last: a library's own facts may be called as ours are.
            foreign_pre_chain=[*style.received, *_STAMPS],
            processors=[
                *style.whole,
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _plain_names,
                *style.told,
                _plainly,
                _first_things_first(style.always),
                _also,
                *rendering(settings.format, out),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    set_levels(settings, style)
    for name, least in {**style.quiet, **_SENDERS}.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    use([*_STAMPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter])
    log_what_nobody_caught()


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; of one that cannot be written, that it cannot.

    Python would quote all of it on standard error, and what callers said with it.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say whose line it was, and no word of it."""
        error = sys.exc_info()[0]
        line = {
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "level": "error",
            "event": "a line could not be written",
            "logger": record.name,
            "at": f"{record.filename}:{record.lineno}",
            "error": error.__name__ if error is not None else "unknown",
        }
        with suppress(Exception):  # where nothing can be written, there is nobody to tell
            self.stream.write(json.dumps(line) + self.terminator)
            self.flush()


def _plain_names(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {str(name): value for name, value in event.items()}


def _plainly(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return plain(event)


def send_also(sink: Callable[[Mapping[str, Any]], None] | None) -> None:
    """Hand each line, before it is written, to somebody else as well; None to nobody any more.

    Called where the line is told, so it must not wait.
    """
    _sinks[:] = [] if sink is None else [sink]


_sinks: list[Callable[[Mapping[str, Any]], None]] = []


def _also(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for sink in _sinks:
        sink(event)
    return event


def rendering(chosen: LogFormat | None, out: TextIO) -> tuple[Processor, ...]:
    """Write lines as chosen, and where nothing is: for people on a terminal, else for machines."""
    is_terminal = out.isatty()
    if chosen is LogFormat.JSON or (chosen is None and not is_terminal):
        return (structlog.processors.JSONRenderer(),)
    console = structlog.dev.ConsoleRenderer(
        colors=is_terminal,
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
    )
    return (_for_people, console)


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say the time of day where the reader is, and leave out what only machines look for."""
    told = datetime.fromisoformat(event["timestamp"])
    event["timestamp"] = told.astimezone().strftime("%H:%M:%S.%f")[:-3]
    event["event"] = str(event["event"]).strip()
    event.pop("trace_id", None)
    return {
        name: harmless(value, keeps_lines=name == "exception") if isinstance(value, str) else value
        for name, value in event.items()
    }


def log_what_nobody_caught() -> None:
    """Have warnings, and errors that end a thread or the program, become records like others."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_broke
    sys.excepthook = _program_broke


def _thread_broke(broken: threading.ExceptHookArgs) -> None:
    if broken.exc_value is None or isinstance(broken.exc_value, SystemExit):
        return
    name = broken.thread.name if broken.thread is not None else "unknown"
    _crashes.error("a thread broke", exc_info=broken.exc_value, extra={"thread_name": name})


def _program_broke(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _crashes.critical("the program broke", exc_info=(kind, error, traceback))


def set_levels(settings: LogChoice, style: Style) -> None:
    """Let only our own loggers debug: libraries then write keys and content."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logging.getLogger().setLevel(max(level, logging.INFO))
    for name in style.ours:
        logging.getLogger(name).setLevel(level)


def use(processors: Sequence[Processor]) -> None:
    """Have structlog's loggers do this to what their level lets pass."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *processors],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _first_things_first(always: Mapping[str, str]) -> Processor:
    def begin(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Begin each line with when, how bad and what, then with whose it is."""
        for key, value in always.items():
            event.setdefault(key, value)
        first = {key: event.pop(key) for key in FIRST if key in event}
        return {**first, **event}

    return begin
