"""A rehearsal that never was: ten calls with every figure known, and ways to spoil it."""

from collections.abc import Callable
from dataclasses import replace

from callfleet_contract.events import TurnMeasured
from callfleet_contract.outcomes import TurnEnd
from callfleet_rehearsal.evidence import (
    CallEnd,
    CallRecord,
    HeardMarker,
    MachineState,
    ModelTurn,
    Party,
    ProcessCost,
    Segment,
    TurnKind,
    TurnRecord,
)
from callfleet_rehearsal.verdict import Evidence

MS = 1_000_000
UPLINK_MS, SILENCE_MS, THINKING_MS, DOWNLINK_MS, EAR_MS = 60, 200, 100, 30, 20
TOOL_MS = 400
KINDS = (
    TurnKind.PLAIN,
    TurnKind.PAUSE,
    TurnKind.BARGE_IN,
    TurnKind.PLAIN,
    TurnKind.TOOL,
    TurnKind.PLAIN,
)
JITTER_BUFFER_MS, AGENT_RTT_MS, CALLER_RTT_MS = 25, 2, 1
IN_PACKET_MS, CODEC_NS = 10, 6_500_000
CALM = MachineState(
    cores=2,
    seconds=60.0,
    busy_ratio=0.62,
    other_cpu_ratio=0.01,
    steal_ratio=0.0,
    load_1m=1.9,
    cpu_pressure_ratio=0.3,
    send_late_p95_seconds=0.002,
)


def rehearsal(calls: int = 10, turns: int = 6) -> Evidence:
    """Make evidence in which every objective is met; turns differ by a few milliseconds."""
    made = [_call(number, turns) for number in range(calls)]
    return Evidence(
        calls=tuple(call for call, _, _ in made),
        model_turns=tuple(turn for _, told, _ in made for turn in told),
        inside_turns=tuple(turn for _, _, inside in made for turn in inside),
        costs=(
            ProcessCost("worker calls", calls, 51.0, 900_000_000),
            ProcessCost("worker parent", 1, 2.2, 190_000_000),
            ProcessCost("livekit-server", 1, 9.1, 80_000_000),
            ProcessCost("emulator", 1, 6.3, 120_000_000),
            ProcessCost("callers", 1, 7.4, 110_000_000),
            ProcessCost("rehearsal", 1, 0.6, 60_000_000),
        ),
        machine=CALM,
    )


def _call(number: int, count: int) -> tuple[CallRecord, list[ModelTurn], list[TurnMeasured]]:
    now = number * 300 * MS + 1_000 * MS
    join, joined = now, now + 80 * MS
    greeting = joined + 700 * MS
    segments = [Segment(Party.AGENT, greeting, greeting + 1800 * MS, 0)]
    now = greeting + 2_300 * MS
    turns: list[TurnRecord] = []
    told: list[ModelTurn] = []
    inside: list[TurnMeasured] = []
    for turn in range(1, count + 1):
        kind = KINDS[(turn - 1) % len(KINDS)]
        vary = ((number * 7 + turn * 5) % 13 - 6) * MS
        record, entry, measured = _turn(number, turn, kind, now, vary)
        turns.append(record)
        told.append(entry)
        inside.append(measured)
        segments += _segments(record)
        now = segments[-1].end_ns + 500 * MS
        if record.barge_in_onset_ns is not None:
            now = record.barge_in_onset_ns
    ended = max(segment.end_ns for segment in segments) + 600 * MS
    packets = (ended - joined) // (20 * MS)
    call = CallRecord(
        call=number,
        room=f"rehearsal-made-{number:03d}",
        end=CallEnd.HUNG_UP,
        join_started_ns=join,
        joined_ns=joined,
        greeting_heard_ns=greeting,
        ended_ns=ended,
        turns=tuple(turns),
        segments=tuple(segments),
        packets_sent=packets,
        packets_sent_lost=0,
        packets_received=packets,
        packets_received_lost=0,
        concealed_seconds=0.0,
        heard_seconds=packets * 0.02,
        jitter_seconds=0.003,
        rtt_seconds=CALLER_RTT_MS / 1e3,
        send_late_p95_seconds=0.002,
        strange_markers=0,
    )
    return call, told, inside


def _turn(
    call: int, turn: int, kind: TurnKind, start: int, vary: int
) -> tuple[TurnRecord, ModelTurn, TurnMeasured]:
    spoken = 2_000 * MS if kind is not TurnKind.PAUSE else 3_000 * MS
    tool = TOOL_MS * MS if kind is TurnKind.TOOL else 0
    sent = start + spoken
    received = sent + UPLINK_MS * MS + vary
    turn_over = received + SILENCE_MS * MS
    first_audio = turn_over + THINKING_MS * MS + tool
    arrived = first_audio + DOWNLINK_MS * MS
    played = arrived + EAR_MS * MS
    barged = kind is TurnKind.BARGE_IN
    onset = played + 900 * MS if barged else None
    record = TurnRecord(
        call=call,
        turn=turn,
        kind=kind,
        started_ns=start,
        last_speech_sent_ns=sent,
        heard=(HeardMarker(call, turn, arrived, played),),
        reply_seconds=1.1 if barged else 2.4,
        expected_reply_seconds=2.4,
        pause_seconds=0.5 if kind is TurnKind.PAUSE else 0.0,
        barge_in_onset_ns=onset,
        barge_in_silent_ns=None if onset is None else onset + 200 * MS + vary,
    )
    entry = ModelTurn(call, turn, received, turn_over, first_audio, tool / 1e9)
    one_way = (AGENT_RTT_MS + CALLER_RTT_MS) * MS // 2
    speech_end = sent + (JITTER_BUFFER_MS + IN_PACKET_MS) * MS + CODEC_NS + one_way
    measured = TurnMeasured(
        call_id=f"job-{call}",
        room=f"rehearsal-made-{call:03d}",
        turn=turn,
        end=TurnEnd.INTERRUPTED if barged else TurnEnd.COMPLETED,
        speech_end_ns=speech_end,
        model_sent_ns=received,
        first_model_audio_ns=first_audio,
        first_played_ns=arrived - one_way,
        tool_seconds=tool / 1e9,
        jitter_buffer_seconds=JITTER_BUFFER_MS / 1e3,
        agent_rtt_seconds=AGENT_RTT_MS / 1e3,
        heard_seconds=2.0,
        played_seconds=2.4,
        calls_active=10,
    )
    return record, entry, measured


def _segments(record: TurnRecord) -> list[Segment]:
    played = record.heard[0].played_at_ns
    end = played + round(record.reply_seconds * 1e9)
    said = [Segment(Party.CALLER, record.started_ns, record.last_speech_sent_ns, record.turn)]
    if record.kind is TurnKind.PAUSE:
        middle = record.started_ns + 1_200 * MS
        said = [
            Segment(Party.CALLER, record.started_ns, middle, record.turn),
            Segment(Party.CALLER, middle + 500 * MS, record.last_speech_sent_ns, record.turn),
        ]
    return [*said, Segment(Party.AGENT, played, end, record.turn)]


def change_call(
    evidence: Evidence, number: int, change: Callable[[CallRecord], CallRecord]
) -> Evidence:
    """Give the same evidence with one call changed."""
    calls = tuple(change(call) if call.call == number else call for call in evidence.calls)
    return replace(evidence, calls=calls)


def change_turn(
    evidence: Evidence, call: int, turn: int, change: Callable[[TurnRecord], TurnRecord]
) -> Evidence:
    """Give the same evidence with one turn changed."""

    def change_one(record: CallRecord) -> CallRecord:
        turns = tuple(change(t) if t.turn == turn else t for t in record.turns)
        return replace(record, turns=turns)

    return change_call(evidence, call, change_one)


def change_turns(evidence: Evidence, change: Callable[[TurnRecord], TurnRecord]) -> Evidence:
    """Give the same evidence with every turn changed."""
    calls = tuple(
        replace(call, turns=tuple(change(turn) for turn in call.turns)) for call in evidence.calls
    )
    return replace(evidence, calls=calls)


def hear_later(record: TurnRecord, late_ns: int) -> TurnRecord:
    """Let a turn's reply be heard later, its arrival and its playing alike."""
    heard = tuple(
        replace(m, at_ns=m.at_ns + late_ns, played_at_ns=m.played_at_ns + late_ns)
        for m in record.heard
    )
    return replace(record, heard=heard)
