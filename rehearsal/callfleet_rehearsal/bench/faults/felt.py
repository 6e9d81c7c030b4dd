"""What the others felt of a fault in one call, and what became of that call. Pure.

All instants are monotonic nanoseconds, all lengths seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from callfleet_rehearsal.bench.faults.kinds import Mode
from callfleet_rehearsal.evidence import CallEnd, CallRecord, Party, TurnRecord
from callfleet_rehearsal.measuring import by_call_and_turn, measure, reply_to
from callfleet_rehearsal.verdict import Evidence, percentile

DURING_SECONDS = 8.0
"""So long after the blow a turn counts as struck with it."""
PATIENCE_SECONDS = 8.0
"""So long a caller waits for a reply."""
SLOW_SECONDS = 0.25
"""A reply that the fleet makes later than this is not as it was, unless all were."""
SLOW_TIMES = 3.0
ON_ITS_WAY_SECONDS = 0.1
"""Sound that had left when the blow fell is over by then."""
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Felt:
    """Some turns of the neighbours: what the fleet added to each, and what was not heard."""

    turns: int = 0
    lost_turns: int = 0
    added: tuple[float, ...] = ()
    gap_seconds: float = 0.0

    def added_at(self, percent: float) -> float | None:
        """Give a percentile of what was added; None where nothing was measured."""
        return percentile(self.added, percent)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All calls but the struck one.

    ``cut_off`` are those whose process died, whether or not another agent came; ``ended`` those
    that ended otherwise than by their callers' hanging up. ``normal_again_seconds`` is from the
    blow to the last turn that was not as before; a call that was once as before is so for good.
    """

    calls: int
    before: Felt
    during: Felt
    after: Felt
    lost_packets: int
    cut_off: int
    ended: int
    normal_again_seconds: float


@dataclass(frozen=True, slots=True)
class Struck:
    """The call that was struck. ``ends`` are outcome and reason of each agent that it had."""

    end: CallEnd
    ends: tuple[str, ...]
    heard_again_seconds: float | None
    turns_after: int
    answered_after: int


@dataclass(frozen=True, slots=True)
class Blow:
    """Which call was struck, and when."""

    fault: str
    mode: Mode
    round: int
    call: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Result:
    """One fault in one mode, once."""

    blow: Blow
    neighbours: Neighbours
    struck: Struck
    machine_busy_ratio: float
    machine_other_ratio: float

    @classmethod
    def of(cls, blow: Blow, evidence: Evidence, ends: Sequence[tuple[str, str]]) -> Self:
        """Take what counts from the evidence.

        Args:
            blow: What was done, and when.
            evidence: What callers and model saw.
            ends: Room and ``outcome/reason`` of each call that the worker counted, in order.

        """
        machine = evidence.machine
        return cls(
            blow,
            _neighbours(blow, evidence, ends),
            _struck(blow, evidence.calls, ends),
            machine.busy_ratio if machine else 0.0,
            (machine.other_cpu_ratio or 0.0) if machine else 0.0,
        )


def _neighbours(blow: Blow, evidence: Evidence, ends: Sequence[tuple[str, str]]) -> Neighbours:
    calls = [call for call in evidence.calls if call.call != blow.call]
    rooms = {call.room for call in calls}
    added = {
        (turn.call, turn.turn): turn.fleet_added_seconds
        for turn in measure(calls, by_call_and_turn(evidence.model_turns))
    }
    windows: tuple[list[TurnRecord], ...] = ([], [], [])
    for call in calls:
        for turn in call.turns:
            windows[window_of(turn, blow.at_ns)].append(turn)
    before, during, after = (_felt(turns, added) for turns in windows)
    return Neighbours(
        calls=len(calls),
        before=before,
        during=during,
        after=after,
        lost_packets=sum(call.packets_received_lost for call in calls),
        cut_off=sum(room in rooms and end.endswith("process_died") for room, end in ends),
        ended=sum(call.end is not CallEnd.HUNG_UP for call in calls),
        normal_again_seconds=_normal_again(calls, added, before, blow.at_ns),
    )


def window_of(turn: TurnRecord, struck_ns: int) -> int:
    """Say whether a turn was before (0), struck with (1) or after (2) a blow.

    Struck is a turn whose reply was still waited for when the blow fell, or that was spoken soon
    after it.
    """
    if turn.last_speech_sent_ns >= struck_ns + DURING_SECONDS * NS:
        return 2
    return 1 if _answered_ns(turn) > struck_ns else 0


def _answered_ns(turn: TurnRecord) -> float:
    reply = reply_to(turn)
    return reply.at_ns if reply else turn.last_speech_sent_ns + PATIENCE_SECONDS * NS


Added = dict[tuple[int, int], float | None]


def _felt(turns: Iterable[TurnRecord], added: Added) -> Felt:
    found = list(turns)
    known = (added.get((turn.call, turn.turn)) for turn in found)
    return Felt(
        turns=len(found),
        lost_turns=sum(reply_to(turn) is None for turn in found),
        added=tuple(sorted(seconds for seconds in known if seconds is not None)),
        gap_seconds=sum(turn.concealed_seconds for turn in found),
    )


def _normal_again(calls: Iterable[CallRecord], added: Added, before: Felt, struck_ns: int) -> float:
    usual = median(before.added) if before.added else 0.0
    slow = max(SLOW_SECONDS, SLOW_TIMES * usual)
    last_ns = float(struck_ns)
    for call in calls:
        for number, turn in enumerate(call.turns):
            seconds = added.get((turn.call, turn.turn))
            is_lost = reply_to(turn) is None
            window = window_of(turn, struck_ns)
            if window and (is_lost or (seconds or 0.0) > slow):
                following = call.turns[number + 1 : number + 2]
                over_ns = following[0].started_ns if following else call.ended_ns
                last_ns = max(last_ns, over_ns if is_lost else _answered_ns(turn))
            elif window == 2:  # noqa: PLR2004 - after
                break
    return (last_ns - struck_ns) / NS


def _struck(blow: Blow, calls: Iterable[CallRecord], ends: Sequence[tuple[str, str]]) -> Struck:
    (call,) = (one for one in calls if one.call == blow.call)
    over_ns = blow.at_ns + ON_ITS_WAY_SECONDS * NS
    begun = [
        one.start_ns for one in call.segments if one.party is Party.AGENT and one.start_ns > over_ns
    ]
    later = [turn for turn in call.turns if turn.last_speech_sent_ns > blow.at_ns]
    return Struck(
        end=call.end,
        ends=tuple(end for room, end in ends if room == call.room),
        heard_again_seconds=(min(begun) - blow.at_ns) / NS if begun else None,
        turns_after=len(later),
        answered_after=sum(reply_to(turn) is not None for turn in later),
    )
