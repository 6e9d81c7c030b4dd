"""The timeline of each call: who spoke when, and what went wrong."""

from callfleet_rehearsal.evidence import CallEnd, CallRecord, Party
from callfleet_rehearsal.report.drawing import Axis, dot, line, picture, rect, text, ticks
from callfleet_rehearsal.verdict import FaultKind, ReplyFault

_WIDTH = 1000.0
_LEFT, _RIGHT = 70.0, 990.0
_LANE, _CALL = 13.0, 40.0


def timelines(calls: tuple[CallRecord, ...], faults: tuple[ReplyFault, ...]) -> str:
    """Draw two lanes for each call, the caller's above the agent's, on one clock."""
    begin = min(call.join_started_ns for call in calls)
    end = max(call.ended_ns for call in calls)
    axis = Axis(0, (end - begin) / 1e9, _LEFT, _RIGHT)
    height = len(calls) * _CALL + 30
    marks = []
    for value in ticks(axis.low, axis.high, 8):
        x = axis.at(value)
        marks.append(line(x, 0, x, height - 26, "grid"))
        marks.append(text(x, height - 8, f"{value:g} s", "small middle"))
    for index, call in enumerate(calls):
        own = tuple(fault for fault in faults if fault.call == call.call)
        marks += _call(call, own, index * _CALL + 4, Clock(begin, axis))
    return picture(_WIDTH, height, marks, "Who spoke when, call by call")


class Clock:
    """Places instants on the timeline."""

    def __init__(self, begin_ns: int, axis: Axis) -> None:
        self._begin_ns = begin_ns
        self._axis = axis

    def at(self, instant_ns: int) -> float:
        """Where an instant is."""
        return self._axis.at(self.seconds(instant_ns))

    def seconds(self, instant_ns: int) -> float:
        """How far into the rehearsal an instant is."""
        return (instant_ns - self._begin_ns) / 1e9


def _call(call: CallRecord, faults: tuple[ReplyFault, ...], y: float, clock: Clock) -> list[str]:
    lost = call.end is not CallEnd.HUNG_UP
    marks = [text(_LEFT - 12, y + 18, f"call {call.call}", "end name" + (" bad" if lost else ""))]
    start = call.joined_ns or call.join_started_ns
    for lane in (0, 1):
        middle = y + lane * (_LANE + 2) + _LANE / 2
        marks.append(line(clock.at(start), middle, clock.at(call.ended_ns), middle, "lane"))
    for segment in call.segments:
        lane = 0 if segment.party is Party.CALLER else 1
        x, to = clock.at(segment.start_ns), clock.at(segment.end_ns)
        seconds = (segment.end_ns - segment.start_ns) / 1e9
        tip = (
            f"call {call.call}, turn {segment.turn}: {segment.party} speaks {seconds:.2f} s, "
            f"from {clock.seconds(segment.start_ns):.2f} s"
        )
        top = y + lane * (_LANE + 2)
        marks.append(rect((x, top), (to - x, _LANE), f"party-{segment.party}", tip))
    marks += _onsets(call, y, clock)
    marks += _faults(call, faults, y, clock)
    if lost:
        tip = f"call {call.call}: {call.end.replace('_', ' ')} {call.detail}".strip()
        marks.append(dot(clock.at(call.ended_ns), y + _LANE, 6, look="fault", tip=tip))
    return marks


def _onsets(call: CallRecord, y: float, clock: Clock) -> list[str]:
    marks = []
    for turn in call.turns:
        if turn.barge_in_onset_ns is not None:
            x = clock.at(turn.barge_in_onset_ns)
            marks.append(line(x, y - 3, x, y + 2 * _LANE + 5, "barge"))
        if turn.talked_into_pause:
            x = clock.at(turn.last_speech_sent_ns)
            tip = f"call {call.call}, turn {turn.turn}: the agent talked into a pause"
            marks.append(dot(x, y + _LANE, 5, look="fault", tip=tip))
    return marks


def _faults(call: CallRecord, faults: tuple[ReplyFault, ...], y: float, clock: Clock) -> list[str]:
    ends = {turn.turn: turn.last_speech_sent_ns for turn in call.turns}
    marks = []
    for fault in faults:
        alarm = "fault alarm" if fault.kind is FaultKind.CROSSED else "fault"
        x = clock.at(ends.get(fault.turn, call.ended_ns))
        tip = f"call {fault.call}, turn {fault.turn}: {fault.kind}: {fault.detail}"
        marks.append(dot(x, y + _LANE, 5, look=alarm, tip=tip))
    return marks
