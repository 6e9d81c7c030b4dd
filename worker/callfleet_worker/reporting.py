"""A call's way of telling its worker's parent what happened, without ever waiting for it.

In a job process the sink is there before the call is: ``ctx.proc.userdata["events"]``. Every
``call_id`` in an event is the job's id, by which the parent notices a call that says no more.
"""

import asyncio
import socket
import threading
import time
from collections import deque
from pathlib import Path

from callfleet_contract.event_lines import MOST_BYTES, encode
from callfleet_contract.events import CallEvent, EventsDropped

_WAITING_EVENTS = 1000
_ROOM_BYTES = 64


class EventSink:
    """Sends events over the parent's socket; keeps a bounded number while it is full.

    ``emit`` may be called from any thread and between two audio frames: it takes one system call
    and never blocks. What does not fit is dropped, counted, and the count is sent.
    """

    def __init__(self, path: Path | None, waiting_events: int = _WAITING_EVENTS) -> None:
        """Connect to the parent's socket; ``None`` gives a sink that drops everything."""
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._limit = waiting_events
        self._untold_drops = 0
        self._call_id = ""
        self._socket: socket.socket | None = None
        self.dropped = 0
        if path is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(str(path))
            self._socket.settimeout(0)

    def emit(self, event: CallEvent) -> None:
        """Pass one event on, now or as soon as the parent reads again; never wait."""
        line = encode(event)
        with self._lock:
            self._call_id = event.call_id
            self._send_waiting()
            full = len(self._waiting) >= self._limit or len(line) > MOST_BYTES
            if self._socket is None or full:
                self.dropped += 1
                self._untold_drops += 1
                return
            self._tell_drops()
            self._waiting.append(line)
            self._send_waiting()

    async def time_is_up(self) -> bool:
        """Wait until the parent says that calls have had their time; False where it never will."""
        if self._socket is None:
            return False
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, _ROOM_BYTES) != b""
        except OSError:
            return False

    def flush(self, timeout_seconds: float = 2.0) -> bool:
        """Send what still waits; for a call's end, where waiting hurts nobody. True if all went."""
        ends = time.monotonic() + timeout_seconds
        while True:
            with self._lock:
                self._tell_drops()
                self._send_waiting()
                if self._socket is None or not self._waiting:
                    return not self._waiting and self._socket is not None
            if time.monotonic() >= ends:
                return False
            time.sleep(0.01)

    def close(self) -> None:
        """Flush, then hang up: to the parent, the end of the line."""
        self.flush()
        with self._lock:
            self._hang_up()

    def _tell_drops(self) -> None:
        if self._untold_drops and len(self._waiting) < self._limit:
            self._waiting.append(encode(EventsDropped(self._call_id, self._untold_drops)))
            self._untold_drops = 0

    def _send_waiting(self) -> None:
        while self._waiting and self._socket is not None:
            line = self._waiting[0]
            try:
                sent = self._socket.send(line)
            except BlockingIOError:
                return
            except OSError:
                # The parent is gone, and this process soon is: its own supervision sees to that.
                self._hang_up()
                return
            if sent < len(line):
                self._waiting[0] = line[sent:]
            else:
                self._waiting.popleft()

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.dropped += len(self._waiting)
        self._waiting.clear()
