"""One line on standard output for each record, of our own loggers and of those of the libraries."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from callfleet_service.kinds import LogFormat, LogLevel

_STAMPS: tuple[Processor, ...] = (
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
    def format(self) -> LogFormat:
        """For machines or for people."""


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


def write_logs(settings: LogChoice, style: Style, stream: TextIO | None = None) -> None:
    """Set up logging: every record of every logger becomes one line."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if settings.format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_STAMPS, *style.received],
            processors=[
                *style.whole,
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *style.told,
                _first_things_first,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    set_levels(settings, style)
    for name, least in style.quiet.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    use([*_STAMPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter])


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


def _first_things_first(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Begin each line with when, how bad and what."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}
