"""Measure answered turns, and find faults in replies, from what callers heard. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from callfleet_rehearsal.evidence import (
    CallEnd,
    CallRecord,
    HeardMarker,
    ModelTurn,
    Party,
    TurnKind,
    TurnRecord,
)
from callfleet_rehearsal.sound.marker import NOBODYS_CALLS, UNMARKED_CALL
from callfleet_rehearsal.verdict import FaultKind, MeasuredTurn, ReplyFault

CUT_SECONDS = 0.25
"""How much shorter than it should be a reply must sound to count as cut."""

ModelLog = Mapping[tuple[int, int], Sequence[ModelTurn]]


def by_call_and_turn(model_turns: Iterable[ModelTurn]) -> ModelLog:
    """Sort the model's log by whose turn it was; each turn's entries in order of time."""
    log: dict[tuple[int, int], list[ModelTurn]] = {}
    for entry in sorted(model_turns, key=lambda turn: turn.first_audio_sent_ns):
        log.setdefault((entry.call, entry.turn), []).append(entry)
    return log


def reply_to(record: TurnRecord) -> HeardMarker | None:
    """The first marker of this turn's own reply that was heard after the caller's last word."""
    for heard in record.heard:
        own = (heard.call, heard.turn) == (record.call, record.turn)
        if own and heard.played_at_ns >= record.last_speech_sent_ns:
            return heard
    return None


def measure(calls: Iterable[CallRecord], log: ModelLog) -> tuple[MeasuredTurn, ...]:
    """Measure every turn that was answered after the caller had finished."""
    turns = [turn for call in calls for turn in call.turns]
    measured = (_measure_turn(turn, log) for turn in turns)
    return tuple(turn for turn in measured if turn is not None)


def _measure_turn(record: TurnRecord, log: ModelLog) -> MeasuredTurn | None:
    reply = reply_to(record)
    if reply is None:
        return None
    told = log.get((record.call, record.turn), ())
    before = [entry for entry in told if entry.first_audio_sent_ns <= reply.at_ns]
    entry = before[-1] if before else None
    tool = entry.tool_seconds if entry else 0.0
    own: dict[str, float | None] = {}
    if entry:
        silence = entry.silence_seconds
        own = {
            "uplink_seconds": _seconds(record.last_speech_sent_ns, entry.last_speech_received_ns),
            "silence_seconds": silence,
            "thinking_seconds": entry.took_seconds - silence,
            "downlink_seconds": _seconds(entry.first_audio_sent_ns, reply.at_ns),
        }
    return MeasuredTurn(
        call=record.call,
        turn=record.turn,
        kind=record.kind,
        voice_to_voice_seconds=_seconds(record.last_speech_sent_ns, reply.played_at_ns) - tool,
        arrival_seconds=_seconds(record.last_speech_sent_ns, reply.at_ns) - tool,
        ear_seconds=_seconds(reply.at_ns, reply.played_at_ns),
        tool_seconds=tool,
        **own,
    )


def faults_of(call: CallRecord) -> tuple[ReplyFault, ...]:
    """Say what was wrong with the replies that one caller heard."""
    faults: list[ReplyFault] = []
    for record in call.turns:
        cut_off = call.end is not CallEnd.HUNG_UP and record is call.turns[-1]
        faults += _faults_of_turn(record, cut_off=cut_off)
        if not record.heard and not cut_off:
            faults.append(_no_reply(call, record))
    crossed = sum(1 for fault in faults if fault.kind is FaultKind.CROSSED)
    for _ in range(call.strange_markers - crossed):
        detail = "another call's reply, between this call's turns"
        faults.append(ReplyFault(call.call, 0, FaultKind.CROSSED, detail))
    return tuple(faults)


def _faults_of_turn(record: TurnRecord, *, cut_off: bool) -> list[ReplyFault]:
    """One fault for each strange reply; for the own one, at most one of each kind.

    ``cut_off``: the call was lost in this turn, which counts as a lost call and not once more.
    """
    kinds: list[tuple[FaultKind, str]] = []
    own = 0
    for heard in record.heard:
        if heard.call == UNMARKED_CALL:
            kinds.append((FaultKind.WRONG_TURN, "the model did not recognise what was said"))
        elif heard.call not in {record.call, *NOBODYS_CALLS}:
            kinds.append((FaultKind.CROSSED, f"call {heard.call}'s reply to turn {heard.turn}"))
        elif heard.call == record.call and heard.turn == record.turn:
            own += 1
        else:
            kinds.append((FaultKind.WRONG_TURN, f"the reply to turn {heard.turn}"))
    if own and not cut_off:
        kinds += _faults_of_own_reply(record, own)
    return [ReplyFault(record.call, record.turn, kind, detail) for kind, detail in kinds]


def _no_reply(call: CallRecord, record: TurnRecord) -> ReplyFault:
    """Tell a reply that was not there from one that nobody knew for one: by what sounded."""
    begun = [
        one.start_ns
        for one in call.segments
        if one.party is Party.AGENT and one.turn == record.turn
    ]
    kind, detail = FaultKind.MISSING, "no reply was heard"
    if any(start_ns >= record.last_speech_sent_ns for start_ns in begun):
        kind, detail = FaultKind.UNRECOGNISED, "a reply was heard, but no marker was found in it"
    elif begun:
        detail = "the agent was heard before the caller had finished, and no reply after that"
    return ReplyFault(record.call, record.turn, kind, detail)


def _faults_of_own_reply(record: TurnRecord, times: int) -> list[tuple[FaultKind, str]]:
    # A reply that began in the caller's pause is counted there, its second try included.
    if record.talked_into_pause:
        return []
    kinds = [(FaultKind.DOUBLED, "the reply was heard again")] * (times - 1)
    if reply_to(record) is None:
        kinds.append((FaultKind.EARLY, "the reply began before the caller had finished"))
    barged_in = record.kind is TurnKind.BARGE_IN or record.barge_in_onset_ns is not None
    short = record.expected_reply_seconds - record.reply_seconds
    if not barged_in and record.expected_reply_seconds > 0 and short > CUT_SECONDS:
        kinds.append((FaultKind.CUT, f"the reply lacked {short:.2f} s"))
    if record.barge_in_onset_ns is not None and record.barge_in_silent_ns is None:
        kinds.append((FaultKind.NOT_STOPPED, "the agent talked on over its caller"))
    return kinds


def _seconds(start_ns: int, end_ns: int) -> float:
    return (end_ns - start_ns) / 1e9
