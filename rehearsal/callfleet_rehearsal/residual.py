"""Hold what the worker computed inside against what callers heard outside. Pure.

Nothing is calibrated: the inside interval, plus the agent's jitter buffer, plus the round trips
of both legs, plus what lies between a packet's arrival and its last word by construction, should
be the outside interval up to the arrival at the caller. The rest is the residual, and more than
20 ms of it is a bug to find.
"""

from collections.abc import Iterable, Sequence

from callfleet_contract.events import TurnMeasured
from callfleet_rehearsal.evidence import CallRecord, HeardMarker, ModelTurn, TurnRecord
from callfleet_rehearsal.measuring import ModelLog, by_call_and_turn, reply_to
from callfleet_rehearsal.verdict import Residual, ResidualTurn, spread_of

_IN_PACKET_SECONDS = 0.010
"""The last word lies anywhere in its packet of 20 ms, which the worker hears from its start; the
jitter buffer's statistic is of whole packets."""
_CODEC_LOOK_AHEAD_SECONDS = 0.0065
"""Opus holds sound back by 2.5 ms of overlap and 4 ms of look-ahead (RFC 6716, 2; libopus)."""
BEFORE_HEARD_SECONDS = _IN_PACKET_SECONDS + _CODEC_LOOK_AHEAD_SECONDS
"""Between a packet's arrival at the worker and its last word, the jitter buffer left out."""
_NEAREST_NS = 1_000_000_000
"""A reply that the worker played more than this away from its arrival is another reply."""


def residual_of(
    calls: Iterable[CallRecord],
    model_turns: Iterable[ModelTurn],
    inside_turns: Iterable[TurnMeasured],
) -> Residual:
    """Match each heard reply with the worker's, by room and nearest time, and compare."""
    log = by_call_and_turn(model_turns)
    rooms: dict[str, list[TurnMeasured]] = {}
    for turn in inside_turns:
        if turn.first_played_ns > 0 and turn.speech_end_ns > 0:
            rooms.setdefault(turn.room, []).append(turn)
    turns: list[ResidualTurn] = []
    unmatched = 0
    for call in calls:
        left = rooms.get(call.room, [])
        for record in call.turns:
            reply = reply_to(record)
            if reply is None:
                continue
            inside = _nearest(left, reply.at_ns)
            if inside is None:
                unmatched += 1
                continue
            left.remove(inside)
            turns.append(_compare(call, record, reply, inside, log))
    return _summed(tuple(turns), unmatched)


def _nearest(left: Sequence[TurnMeasured], at_ns: int) -> TurnMeasured | None:
    near = [turn for turn in left if abs(turn.first_played_ns - at_ns) <= _NEAREST_NS]
    return min(near, key=lambda turn: abs(turn.first_played_ns - at_ns), default=None)


def _compare(
    call: CallRecord,
    record: TurnRecord,
    reply: HeardMarker,
    inside: TurnMeasured,
    log: ModelLog,
) -> ResidualTurn:
    one_way = (inside.agent_rtt_seconds + call.rtt_seconds) / 2
    heard_late = inside.jitter_buffer_seconds + BEFORE_HEARD_SECONDS
    up = inside.uplink_seconds + heard_late + one_way
    down = inside.playout_seconds + one_way
    told = [
        entry
        for entry in log.get((record.call, record.turn), ())
        if entry.first_audio_sent_ns <= reply.at_ns
    ]
    uplink = model = downlink = None
    if told:
        entry = told[-1]
        uplink = (entry.last_speech_received_ns - record.last_speech_sent_ns) / 1e9 - up
        took = (entry.first_audio_sent_ns - entry.last_speech_received_ns) / 1e9
        model = took - inside.model_seconds
        downlink = (reply.at_ns - entry.first_audio_sent_ns) / 1e9 - down
    return ResidualTurn(
        call=record.call,
        turn=record.turn,
        outside_seconds=(reply.at_ns - record.last_speech_sent_ns) / 1e9,
        inside_seconds=up + inside.model_seconds + down,
        uplink_seconds=uplink,
        model_seconds=model,
        downlink_seconds=downlink,
    )


def _summed(turns: tuple[ResidualTurn, ...], unmatched: int) -> Residual:
    return Residual(
        turns=turns,
        unmatched=unmatched,
        total=spread_of(turn.total_seconds for turn in turns),
        uplink=spread_of(t.uplink_seconds for t in turns if t.uplink_seconds is not None),
        model=spread_of(t.model_seconds for t in turns if t.model_seconds is not None),
        downlink=spread_of(t.downlink_seconds for t in turns if t.downlink_seconds is not None),
    )
