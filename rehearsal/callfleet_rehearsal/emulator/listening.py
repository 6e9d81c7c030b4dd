"""Find the caller's turns in what is heard: when they begin and when they end. Pure.

Silence is counted in sound received, as the real API does, never on a clock: a client that stops
sending has not ended its turn (it must say audioStreamEnd). Samples are at 16 kHz.
"""

from dataclasses import dataclass, replace

from callfleet_rehearsal.sound.marker import Marker

LISTEN_RATE = 16_000


@dataclass(frozen=True, slots=True)
class ListenRules:
    """The settings that decide where a turn begins and ends."""

    automatic: bool
    prefix_seconds: float
    silence_seconds: float
    complete_silence_seconds: float


@dataclass(frozen=True, slots=True)
class HeardSound:
    """What the detector says after a slice of sound.

    ``position`` is the number of samples heard so far; ``last_speech`` the number up to the end of
    the latest speech, which arrived at ``last_speech_ns``; ``onset`` where speech began in this
    slice, if it did.
    """

    position: int
    last_speech: int
    last_speech_ns: int
    onset: int | None


@dataclass(frozen=True, slots=True)
class Listening:
    """What is known of the caller's current utterance."""

    speaking: bool = False
    onset: int | None = None
    last_speech: int = 0
    last_speech_ns: int = 0
    marker: Marker | None = None


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Start of speech is certain."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller's turn is over."""

    last_speech_ns: int
    silence_seconds: float
    marker: Marker | None
    spoken_seconds: float


Found = SpeechBegan | SpeechEnded


def hear(
    state: Listening, heard: HeardSound, rules: ListenRules
) -> tuple[Listening, tuple[Found, ...]]:
    """Take in one slice of sound."""
    if heard.last_speech > state.last_speech:
        onset = state.onset
        if onset is None:
            onset = state.last_speech if heard.onset is None else heard.onset
        spoken = (heard.last_speech - onset) / LISTEN_RATE
        begins = rules.automatic and not state.speaking and spoken >= rules.prefix_seconds
        known = Listening(
            speaking=state.speaking or begins,
            onset=onset,
            last_speech=heard.last_speech,
            last_speech_ns=heard.last_speech_ns,
            marker=state.marker,
        )
        return known, (SpeechBegan(),) if begins else ()
    if state.onset is None or not rules.automatic:
        return state, ()
    silence = (heard.position - state.last_speech) / LISTEN_RATE
    if silence < needed_silence_seconds(state.marker, rules):
        return state, ()
    found = (_ended(state, silence),) if state.speaking else ()
    return _rest(state), found


def needed_silence_seconds(marker: Marker | None, rules: ListenRules) -> float:
    """How long the model waits: what sounds complete ends soon, anything else as configured."""
    if marker is not None and marker.complete:
        return min(rules.complete_silence_seconds, rules.silence_seconds)
    return rules.silence_seconds


def note_marker(state: Listening, marker: Marker) -> Listening:
    """Remember the marker of the current utterance; a later one replaces it."""
    return replace(state, marker=marker)


def begin(state: Listening) -> tuple[Listening, tuple[Found, ...]]:
    """Begin a turn because the client says so (activityStart)."""
    if state.speaking:
        return state, ()
    return replace(state, speaking=True), (SpeechBegan(),)


def end(state: Listening, at_ns: int) -> tuple[Listening, tuple[Found, ...]]:
    """End the turn because the client says so (activityEnd, audioStreamEnd)."""
    if not state.speaking:
        return _rest(state), ()
    if state.onset is None:
        state = replace(state, last_speech_ns=at_ns)
    return _rest(state), (_ended(state, 0.0),)


def _rest(state: Listening) -> Listening:
    return Listening(last_speech=state.last_speech)


def _ended(state: Listening, silence: float) -> SpeechEnded:
    spoken = 0.0 if state.onset is None else (state.last_speech - state.onset) / LISTEN_RATE
    return SpeechEnded(state.last_speech_ns, round(silence, 4), state.marker, round(spoken, 4))
