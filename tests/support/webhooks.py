"""Receive what Alertmanager sends to a webhook, and note when it came."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FIRING, RESOLVED = "firing", "resolved"


@dataclass(frozen=True)
class Notification:
    """One alert that somebody was told of, and when by ``time.monotonic``."""

    arrived: float
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def alert(self) -> str:
        return self.labels["alertname"]


class Receiver:
    """All notifications so far, as they came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._told: list[Notification] = []
        self._changed = threading.Condition()

    def take(self, message: dict[str, Any]) -> None:
        """Take a message, which tells of all the alerts of one group."""
        now = time.monotonic()
        with self._changed:
            self._told += [
                Notification(now, each["status"], each["labels"], each["annotations"])
                for each in message["alerts"]
            ]
            self._changed.notify_all()

    def told(self) -> list[Notification]:
        with self._changed:
            return list(self._told)

    def wait_for(
        self,
        alert: str,
        seconds: float,
        *,
        status: str = FIRING,
        since: float = 0.0,
        **labels: str,
    ) -> Notification:
        """Wait until somebody is told of an alert, after an instant; give the first time.

        Raises:
            AssertionError: nobody is told; it says of what else somebody was.

        """

        def found() -> Notification | None:
            wanted = (alert, status)
            return next(
                (
                    each
                    for each in self._told
                    if (each.alert, each.status) == wanted
                    and each.arrived >= since
                    and labels.items() <= each.labels.items()
                ),
                None,
            )

        with self._changed:
            came = self._changed.wait_for(found, seconds)
            others = sorted(
                {
                    " ".join([each.alert, each.labels.get("fleet", ""), each.status])
                    for each in self._told
                }
            )
        what = " ".join([alert, *labels.values()])
        assert came, f"nobody was told within {seconds:g} s that {what} is {status}, but: {others}"
        return came


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
