"""Know which calls are open, and say that a call was dropped when its process died. Pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from callfleet_contract.events import CallEnded, CallEvent, CallStarted, EventsDropped
from callfleet_contract.outcomes import CUT_BY_INFRASTRUCTURE, CallOutcome, CallReason

# Calls whose end was told: kept so that nothing is told twice. Bounded; late events come early.
_REMEMBERED_ENDS = 1000


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of all calls so far: accepted = ended + given back + those that are open."""

    accepted: int = 0
    given_back: int = 0
    ended: int = 0
    cut: int = 0
    """Calls that ended because the worker, or a process of it, did."""
    call_seconds: float = 0.0
    """Length of all ended calls."""


@dataclass(slots=True)
class _OpenCall:
    room: str
    since_ns: int
    has_spoken: bool = False


@dataclass(slots=True)
class Ledger:
    """The open calls, from the moment that their jobs are accepted."""

    _open: dict[str, _OpenCall] = field(default_factory=dict)
    _ended: dict[str, None] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)

    @property
    def active(self) -> int:
        """Calls that are open now."""
        return len(self._open)

    @property
    def open(self) -> AbstractSet[str]:
        """Which calls are open now."""
        return self._open.keys()

    def accept(self, call_id: str, room: str, now_ns: int) -> None:
        """Note a call whose process has yet to speak."""
        if call_id not in self._ended and call_id not in self._open:
            self._begin(call_id, _OpenCall(room, now_ns))

    def forget(self, call_id: str) -> None:
        """Take back an accepted call that was given to another worker."""
        call = self._open.get(call_id)
        if call is not None and not call.has_spoken:
            del self._open[call_id]
            self.totals = replace(self.totals, given_back=self.totals.given_back + 1)

    def take(self, event: CallEvent) -> bool:
        """Note what a call says. False: its end was told before, so this must not count again."""
        if event.call_id in self._ended:
            return isinstance(event, EventsDropped)
        if isinstance(event, CallStarted):
            self._begin(event.call_id, _OpenCall(event.room, event.at_ns, has_spoken=True))
        elif isinstance(event, CallEnded):
            self._end(event)
        elif event.call_id in self._open:
            self._open[event.call_id].has_spoken = True
        return True

    def line_lost(self, call_ids: set[str], now_ns: int) -> tuple[CallEnded, ...]:
        """Say what became of the calls whose process has hung up: those still open were dropped."""
        return tuple(self._died(call, now_ns) for call in sorted(call_ids) if call in self._open)

    def never_spoke(
        self, held: set[str], grace_seconds: float, now_ns: int
    ) -> tuple[CallEnded, ...]:
        """Find accepted calls that no process holds any more and that never said a word."""
        oldest_ns = now_ns - int(grace_seconds * 1e9)
        silent = [
            call_id
            for call_id, call in self._open.items()
            if not call.has_spoken and call_id not in held and call.since_ns < oldest_ns
        ]
        return tuple(self._died(call_id, now_ns) for call_id in silent)

    def _died(self, call_id: str, now_ns: int) -> CallEnded:
        call = self._open[call_id]
        seconds = max(0.0, (now_ns - call.since_ns) / 1e9)
        return CallEnded(call_id, call.room, CallOutcome.DROPPED, CallReason.PROCESS_DIED, seconds)

    def _begin(self, call_id: str, call: _OpenCall) -> None:
        if call_id not in self._open:
            self.totals = replace(self.totals, accepted=self.totals.accepted + 1)
        self._open[call_id] = call

    def _end(self, event: CallEnded) -> None:
        # A call of which nothing was heard but its end was accepted, too.
        self._begin(event.call_id, _OpenCall(event.room, 0))
        del self._open[event.call_id]
        self._remember(event.call_id)
        self.totals = replace(
            self.totals,
            ended=self.totals.ended + 1,
            cut=self.totals.cut + (event.reason in CUT_BY_INFRASTRUCTURE),
            call_seconds=self.totals.call_seconds + max(0.0, event.duration_seconds),
        )

    def _remember(self, call_id: str) -> None:
        self._ended[call_id] = None
        while len(self._ended) > _REMEMBERED_ENDS:
            del self._ended[next(iter(self._ended))]
