"""What a collector answers over HTTP, read within bounds: of time, and of length.

Requests keeps all that comes, and waits for it as ``intime.py`` says.
"""

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from callfleet_service.otlp.intime import put_in_time

MOST_WORDS = 300
_MOST_BYTES = 65536
"""An answer says how many of a batch were not taken, and why: that is short."""
_AT_ONCE_BYTES = 8192


_NOT_TRIED = "it was not tried: its URL or a header cannot be used, or this program ends"


class OverdueError(requests.RequestException):
    """A batch has had its time."""


class Witness(HTTPAdapter):
    """Sees what the exporter does not tell: the last answer, or why there was none."""

    def __init__(self, ca_file: str | None) -> None:
        """Believe these authorities, whatever other variables requests would heed before them."""
        super().__init__()
        self._verify = ca_file or True
        self.answer: requests.Response | None = None
        self.trouble = ""
        self._until = 0.0

    def begin(self, seconds: float) -> None:
        """Expect a batch, with so long for all its tries: by the steady clock, not the calendar."""
        self.answer, self.trouble = None, _NOT_TRIED
        self._until = time.monotonic() + seconds

    def send(self, request: requests.PreparedRequest, *_: Any, **more: Any) -> requests.Response:
        """Send a request."""
        self.answer = None
        try:
            own = {"stream": True, "timeout": self._left(), "verify": self._verify}
            answer = super().send(request, **{**more, **own})
            answer._content = self._read(answer)  # noqa: SLF001 - where it is looked for
        except Exception as error:
            first = _first_of(error)
            self.trouble = f"{type(first).__name__}: {first}"[:MOST_WORDS]
            raise
        self.answer = answer
        return answer

    def get_connection_with_tls_context(self, *args: Any, **more: Any) -> HTTPConnectionPool:
        """Give the connections to a host."""
        pool = super().get_connection_with_tls_context(*args, **more)
        put_in_time(pool, self._left)
        return pool

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            message = "it did not answer in time"
            raise OverdueError(message)
        return left

    def _read(self, answer: requests.Response) -> bytes:
        """Read its body; of one that is too long nothing is kept, and the connection is not."""
        body = b""
        try:
            while part := answer.raw.read1(_AT_ONCE_BYTES, decode_content=False):
                body += part
                if len(body) > _MOST_BYTES:
                    answer.raw.close()
                    return b""
        except BaseException:
            answer.raw.close()
            raise
        answer.raw.release_conn()
        return body


def _first_of(error: BaseException) -> BaseException:
    """Give what an error began with: the layers around it say the same at length."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error
