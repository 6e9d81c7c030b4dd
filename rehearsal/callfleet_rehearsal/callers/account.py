"""A call's record, made after the call from what was noted in it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from callfleet_rehearsal.callers.ear import Concealed, Heard, SoundBegan, SoundEnded
from callfleet_rehearsal.callers.plan import CallPlan, Listening, Voice
from callfleet_rehearsal.callers.speech import marker_turn
from callfleet_rehearsal.evidence import HeardMarker, Party, Segment, TurnKind, TurnRecord
from callfleet_rehearsal.sound.clips import reply
from callfleet_rehearsal.sound.marker import MARKER_SECONDS, NOBODYS_CALLS, UNKNOWN_CALL

HOLE_SECONDS = 0.06
"""A reply may seem longer than it is by this much: what codec and detectors add to its ends."""
_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class TurnNotes:
    """One turn as it happened: when each stretch of its speech began and ended on the wire."""

    turn: int
    kind: TurnKind
    started_ns: int
    pause_seconds: float = 0.0
    began_ns: list[int] = field(default_factory=list)
    ended_ns: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Notes:
    """What a caller notes during its call."""

    turns: list[TurnNotes] = field(default_factory=list)
    markers: list[HeardMarker] = field(default_factory=list)
    began: list[SoundBegan] = field(default_factory=list)
    ended: list[SoundEnded] = field(default_factory=list)
    concealed: list[Concealed] = field(default_factory=list)

    def hear(self, heard: Iterable[Heard]) -> None:
        """Note what the ear heard."""
        for one in heard:
            if isinstance(one, HeardMarker):
                self.markers.append(one)
            elif isinstance(one, SoundBegan):
                self.began.append(one)
            elif isinstance(one, SoundEnded):
                self.ended.append(one)
            else:
                self.concealed.append(one)


@dataclass(frozen=True, slots=True)
class _Sound:
    """A stretch of the agent's sound, with the arrival of its first packet."""

    start_ns: int
    end_ns: int
    arrived_ns: int


@dataclass(frozen=True, slots=True)
class Account:
    """The parts of a call's record that come from what was said and heard."""

    turns: tuple[TurnRecord, ...]
    segments: tuple[Segment, ...]
    greeting_heard_ns: int | None
    concealed_seconds: float
    heard_seconds: float
    strange_markers: int


def account(plan: CallPlan, notes: Notes, listening: Listening, ended_ns: int) -> Account:
    """Work out what happened in a call that ended at ``ended_ns``."""
    sounds = _sounds(notes, ended_ns)
    windows = _windows(notes, ended_ns)
    markers = notes.markers
    if listening is Listening.ENERGY:
        markers = _markers_from_sounds(plan.call, notes, sounds, windows)
    first_turn_ns = notes.turns[0].started_ns if notes.turns else ended_ns
    greetings = [one.start_ns for one in sounds if one.start_ns < first_turn_ns]
    turns = tuple(
        _turn_record(plan, listening, _Told(notes, sounds, markers), window) for window in windows
    )
    return Account(
        turns=turns,
        segments=_segments(notes, sounds, ended_ns),
        greeting_heard_ns=greetings[0] if greetings else None,
        concealed_seconds=_concealed_seconds(notes, turns),
        heard_seconds=sum(one.end_ns - one.start_ns for one in sounds) / _SECOND_NS,
        strange_markers=sum(one.call not in {plan.call, *NOBODYS_CALLS} for one in markers),
    )


def _concealed_seconds(notes: Notes, turns: tuple[TurnRecord, ...]) -> float:
    """Add up what was missing in turns, and before the first of them."""
    first_ns = turns[0].started_ns if turns else None
    greeting = (
        one.seconds for one in notes.concealed if first_ns is None or one.played_ns < first_ns
    )
    return sum(greeting) + sum(turn.concealed_seconds for turn in turns)


@dataclass(frozen=True, slots=True)
class _Told:
    notes: Notes
    sounds: list[_Sound]
    markers: list[HeardMarker]


@dataclass(frozen=True, slots=True)
class _Window:
    """A turn, from its start to the next turn's, which spoke over its reply if it is a barge-in."""

    turn: TurnNotes
    end_ns: int
    following: TurnNotes | None

    @property
    def overtaken_ns(self) -> int | None:
        """When the next turn's speech began."""
        return self.following.began_ns[0] if self.following and self.following.began_ns else None


def _windows(notes: Notes, ended_ns: int) -> list[_Window]:
    windows: list[_Window] = []
    for turn, after in zip_longest(notes.turns, notes.turns[1:]):
        end_ns = after.started_ns if after else ended_ns
        windows.append(_Window(turn, end_ns, after))
    return windows


def _sounds(notes: Notes, ended_ns: int) -> list[_Sound]:
    """Pair beginnings with ends; the last may still be sounding."""
    ends = [one.played_ns for one in notes.ended]
    ends += [max(ended_ns, one.played_ns) for one in notes.began[len(ends) :]]
    return [
        _Sound(begun.played_ns, max(end, begun.played_ns), begun.arrived_ns)
        for begun, end in zip(notes.began, ends, strict=True)
    ]


def _markers_from_sounds(
    call: int, notes: Notes, sounds: list[_Sound], windows: list[_Window]
) -> list[HeardMarker]:
    """Where replies carry no markers, the first sound after a caller's speech is the reply."""
    first_turn_ns = notes.turns[0].started_ns if notes.turns else None
    found = [
        HeardMarker(UNKNOWN_CALL, 0, one.arrived_ns, one.start_ns)
        for one in sounds[:1]
        if first_turn_ns is None or one.start_ns < first_turn_ns
    ]
    for window in windows:
        since_ns = window.turn.ended_ns[-1] if window.turn.ended_ns else window.end_ns
        replies = [one for one in sounds if since_ns <= one.start_ns < window.end_ns]
        number = marker_turn(window.turn.turn)
        found += [HeardMarker(call, number, one.arrived_ns, one.start_ns) for one in replies[:1]]
    return found


def _turn_record(plan: CallPlan, listening: Listening, told: _Told, window: _Window) -> TurnRecord:
    turn = window.turn
    heard = tuple(one for one in told.markers if turn.started_ns <= one.at_ns < window.end_ns)
    own = [one for one in heard if (one.call, one.turn) == (plan.call, marker_turn(turn.turn))]
    overtaken_ns = window.overtaken_ns if turn.kind is TurnKind.BARGE_IN and own else None
    sounded = _reply_seconds(told, own, window)
    expected = _expected_seconds(plan, listening, turn)
    missing = sum(
        one.seconds
        for one in told.notes.concealed
        if turn.started_ns <= one.played_ns < window.end_ns
    )
    return TurnRecord(
        call=plan.call,
        turn=turn.turn,
        kind=turn.kind,
        started_ns=turn.started_ns,
        last_speech_sent_ns=turn.ended_ns[-1] if turn.ended_ns else turn.started_ns,
        heard=heard,
        reply_seconds=sounded,
        expected_reply_seconds=expected,
        concealed_seconds=missing + _hole_seconds(sounded, expected, missing),
        pause_seconds=turn.pause_seconds,
        talked_into_pause=_talked_into_pause(told, own, turn),
        barge_in_onset_ns=overtaken_ns,
        barge_in_silent_ns=_silent_ns(told, overtaken_ns, window) if overtaken_ns else None,
    )


def _reply_seconds(told: _Told, own: list[HeardMarker], window: _Window) -> float:
    if not own:
        return 0.0
    start_ns = own[0].played_at_ns
    later = [one.played_at_ns for one in told.markers if one.played_at_ns > start_ns]
    until_ns = min(later, default=None)
    ends = [
        one.end_ns
        for one in told.sounds
        if one.end_ns > start_ns
        and one.start_ns < window.end_ns
        and (until_ns is None or one.start_ns < until_ns - _SECOND_NS // 20)
    ]
    return (max(ends) - start_ns) / _SECOND_NS if ends else 0.0


def _expected_seconds(plan: CallPlan, listening: Listening, turn: TurnNotes) -> float:
    unknowable = listening is Listening.ENERGY or plan.voice is not Voice.SPEAKS
    if unknowable or turn.kind is TurnKind.BARGE_IN:
        return 0.0
    return MARKER_SECONDS + reply(plan.call, marker_turn(turn.turn)).seconds


def _talked_into_pause(told: _Told, own: list[HeardMarker], turn: TurnNotes) -> bool:
    """Whether the agent began in the caller's pause, or before the caller had ended."""
    if len(turn.ended_ns) < 2:  # noqa: PLR2004 - a pause is between two parts
        return False
    paused_ns, ended_ns = turn.ended_ns[0], turn.ended_ns[-1]
    sounded = any(paused_ns < one.start_ns < ended_ns for one in told.sounds)
    return sounded or any(one.played_at_ns < ended_ns for one in own)


def _hole_seconds(sounded: float, expected: float, concealed: float) -> float:
    """How much longer than itself a reply was: silence in its middle that nobody lost."""
    hole = sounded - expected - concealed
    return hole if expected > 0 and hole > HOLE_SECONDS else 0.0


def _silent_ns(told: _Told, onset_ns: int, window: _Window) -> int | None:
    """When the sound that was spoken over fell silent; None where it outlasted the caller."""
    spoken = window.following.ended_ns if window.following else []
    until_ns = spoken[-1] if spoken else None
    ends = [one.end_ns for one in told.sounds if until_ns is None or one.start_ns < until_ns]
    silent_ns = max([onset_ns, *ends[-1:]])
    return None if until_ns is not None and silent_ns > until_ns else silent_ns


def _segments(notes: Notes, sounds: list[_Sound], ended_ns: int) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    for turn in notes.turns:
        ends = [*turn.ended_ns, *[ended_ns] * (len(turn.began_ns) - len(turn.ended_ns))]
        for begun_ns, end_ns in zip(turn.began_ns, ends, strict=False):
            segments.append(Segment(Party.CALLER, begun_ns, end_ns, turn.turn))
    for sound in sounds:
        begun = [one.turn for one in notes.turns if one.started_ns <= sound.start_ns]
        segments.append(
            Segment(Party.AGENT, sound.start_ns, sound.end_ns, begun[-1] if begun else 0)
        )
    return tuple(sorted(segments, key=lambda one: one.start_ns))
