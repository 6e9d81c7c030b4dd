"""Tell of the connection to LiveKit once each time that it changes, not at every attempt."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from callfleet_worker.parent.preflight import away, judge_handshake
from callfleet_worker.settings import LivekitSettings

_RETRYING = "failed to connect to livekit, retrying"
_REGISTERED = "registered worker"


class ConnectionWatch(logging.Filter):
    """Sits on the framework's logger: says what is wrong and what to do, in place of each retry."""

    def __init__(self, settings: LivekitSettings, said: str = "") -> None:
        super().__init__()
        self._settings = settings
        self.said = said
        """What was wrong and what to do, the last time that it failed; empty once registered."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let other records pass, reword the first of a row of retries, drop the others."""
        message = record.getMessage()
        if message == _REGISTERED:
            self.said = ""
        if not message.startswith(_RETRYING):
            return True
        sentence = self._sentence(getattr(record, "error", None))
        if sentence == self.said:
            return False
        self.said = sentence
        record.msg, record.args = sentence, None
        for name in ("retry_count", "max_retry", "error"):
            record.__dict__.pop(name, None)
        return True

    def _sentence(self, error: object) -> str:
        if isinstance(error, aiohttp.WSServerHandshakeError):
            return judge_handshake(self._settings, error)[1]
        if isinstance(error, BaseException):
            return away(self._settings, error)
        return f"the connection to LiveKit at {self._settings.url} was lost: trying again"


@contextmanager
def watching(settings: LivekitSettings, said: str) -> Iterator[ConnectionWatch]:
    """Watch the framework's connection while the block runs; ``said`` was told already."""
    watch = ConnectionWatch(settings, said)
    framework = logging.getLogger("livekit.agents")
    framework.addFilter(watch)
    try:
        yield watch
    finally:
        framework.removeFilter(watch)
