"""Notice when the event loop of calls stands still, and name the code that holds it up.

Each loop compares when a timer was due with when it came, at the cost of ten timers a second. Who
held it up can be seen only while it is held, and only from outside: one thread for each loop looks
at it ten times a second. What it tells are files, lines and functions, never what they hold. All
is told once, by one of the calls on the loop.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from sys import _current_frames

import structlog

from callfleet_contract.events import CallEvent, LoopBlocked, LoopHeld
from callfleet_worker.breakage import place_of_stack
from callfleet_worker.bridge.standstill import BEAT_SECONDS, LOOK_SECONDS, News, Standstill
from callfleet_worker.running import ToolRun, run_in

BLOCKED_SECONDS = 0.05
UNKNOWN_PLACE = "unknown"

_log = structlog.get_logger(__name__)


class LoopWatch:
    """One call's part in watching the loop that it runs on."""

    def __init__(self, call_id: str, emit: Callable[[CallEvent], None]) -> None:
        self.call_id, self.emit = call_id, emit
        self._loop = asyncio.get_running_loop()
        self._watchdog: _Watchdog | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._watchdog = _watchdog_of(self._loop)
        self._watchdog.join(self)

    def stop(self) -> None:
        """Watch no more."""
        if self._watchdog is not None:
            self._watchdog.leave(self)
            self._watchdog = None


@dataclass(frozen=True, slots=True)
class _Holder:
    """What holds a loop up: where it is, and the tool that runs there, if it is one."""

    at: str
    run: ToolRun | None

    def facts(self) -> dict[str, str]:
        """Give what is logged of it."""
        named = {"call_id": self.run.call_id, "tool": self.run.tool} if self.run else {}
        return {"at": self.at, **named}


@dataclass(slots=True, eq=False)
class _Watchdog:
    """The timer on one loop and the thread beside it, while there are calls on it."""

    loop: asyncio.AbstractEventLoop
    thread_id: int = field(default_factory=threading.get_ident)
    _kernel_id: int = field(default_factory=threading.get_native_id)
    _beat_at: float = field(default_factory=time.monotonic)
    _watches: tuple[LoopWatch, ...] = ()
    _timer: asyncio.TimerHandle | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def join(self, watch: LoopWatch) -> None:
        """Watch for one call more."""
        self._watches = (*self._watches, watch)
        if len(self._watches) == 1:
            self._beat_in_time()
            threading.Thread(target=self._look_on, name="loop watchdog", daemon=True).start()

    def leave(self, watch: LoopWatch) -> None:
        """Watch for one call less; after the last the thread ends by itself."""
        self._watches = tuple(one for one in self._watches if one is not watch)
        if not self._watches:
            if self._timer is not None:
                self._timer.cancel()
            self._ended.set()
            del _watchdogs[self.loop]

    def _beat_in_time(self) -> None:
        """Note that the loop goes on, and have it done again."""
        self._beat_at = time.monotonic()
        due = self.loop.time() + BEAT_SECONDS
        self._timer = self.loop.call_at(due, self._beat, due)

    def _beat(self, due: float) -> None:
        late = self.loop.time() - due
        if late >= BLOCKED_SECONDS:
            first = self._watches[0]
            first.emit(LoopBlocked(first.call_id, late))
        self._beat_in_time()

    def _look_on(self) -> None:
        standstill, holder = Standstill(), _Holder(UNKNOWN_PLACE, None)
        seen_beat_at, waited_before = self._beat_at, waited_seconds(self._kernel_id)
        while not self._ended.wait(LOOK_SECONDS):
            now, beat_at, waited = time.monotonic(), self._beat_at, waited_seconds(self._kernel_id)
            if beat_at != seen_beat_at:
                seen_beat_at, waited_before = beat_at, waited
            since = standstill.held_since
            news = standstill.look(now, beat_at, waited - waited_before)
            if news is News.HELD:
                holder = self._find()
                self._tell(holder)
            elif news is News.GOES_ON and since is not None:
                seconds = round(beat_at - since - BEAT_SECONDS, 2)
                _log.warning("the event loop goes on", seconds=seconds, **holder.facts())

    def _find(self) -> _Holder:
        run = run_in(self.loop)
        frame = _current_frames().get(self.thread_id)
        return _Holder(place_of_stack(frame) if frame else UNKNOWN_PLACE, run)

    def _tell(self, holder: _Holder) -> None:
        """Say it now: a loop that never goes on again ends with its process."""
        _log.warning("the event loop is held up: what blocks belongs in a thread", **holder.facts())
        watches = self._watches
        own = [one for one in watches if holder.run and one.call_id == holder.run.call_id]
        for watch in (own or watches)[:1]:
            tool = holder.run.tool if holder.run else ""
            watch.emit(LoopHeld(watch.call_id, tool))


def waited_seconds(kernel_id: int) -> float:
    """Say for how long a thread of this process has waited for a CPU so far.

    0 where the kernel does not tell.
    """
    try:
        told = Path(f"/proc/self/task/{kernel_id}/schedstat").read_text(encoding="ascii")
        return int(told.split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


_watchdogs: dict[asyncio.AbstractEventLoop, _Watchdog] = {}


def _watchdog_of(loop: asyncio.AbstractEventLoop) -> _Watchdog:
    return _watchdogs.setdefault(loop, _Watchdog(loop))
