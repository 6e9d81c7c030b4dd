"""What callers say, rendered and encoded before they call. No clock, no network."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from callfleet_rehearsal.callers.opus import (
    ENCODER_DELAY_SAMPLES,
    PACKET_SAMPLES,
    RATE,
    WIDE_BAND_HZ,
    Encoder,
    Samples,
)
from callfleet_rehearsal.sound.clips import question, split_question
from callfleet_rehearsal.sound.marker import MAX_TURN, Marker, Speaker, render

_LEAD_PACKETS = 5
_TAIL_PACKETS = 5
_SETTLED_PACKETS = 10
_RING_SAMPLES = 32
"""Room for the codec's ringing after the last sample, in the last sample's own packet."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech in an utterance: its first and last packets."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """Encoded speech, with silence around it, and where in it the speech is.

    ``samples`` is the same sound before encoding, for a caller that mixes something into it.
    """

    payloads: tuple[bytes, ...]
    spans: tuple[Span, ...]
    samples: Samples

    @property
    def pause_seconds(self) -> float:
        """How long the pause is after the first part, 0 where there is none."""
        if len(self.spans) < 2:  # noqa: PLR2004 - a pause is between two parts
            return 0.0
        return (self.spans[1].first - self.spans[0].last - 1) * PACKET_SAMPLES / RATE


def marker_turn(turn: int) -> int:
    """Turn numbers of markers end at 63: a longer call starts again from 1."""
    return (turn - 1) % MAX_TURN + 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Which turn of which call speaks which clip. Only an emulator is to hear markers."""

    call: int
    turn: int
    clip: int = 0
    marked: bool = True

    def marker(self, *, complete: bool = True, wants_tool: bool = False) -> Samples:
        """Make the sound that says whose this is."""
        if not self.marked:
            return np.zeros(0, dtype=np.int16)
        marker = Marker(self.call, marker_turn(self.turn), complete, wants_tool)
        return render(marker, Speaker.CALLER, RATE)


def plain(choice: Choice, *, wants_tool: bool = False) -> tuple[Samples, ...]:
    """Render a whole sentence."""
    marker = choice.marker(wants_tool=wants_tool)
    return (np.concatenate([marker, question(choice.clip).samples]),)


def paused(choice: Choice, pause_seconds: float) -> tuple[Samples, ...]:
    """Render a sentence with a pause in its middle: speech, silence, speech."""
    first, second = split_question(choice.clip)
    begun = np.concatenate([choice.marker(complete=False), first.samples])
    ended = np.concatenate([choice.marker(), second.samples])
    return (begun, np.zeros(round(pause_seconds * RATE), dtype=np.int16), ended)


def blip(clip: int = 0) -> tuple[Samples, ...]:
    """Take 100 ms out of a sentence: too little to be one."""
    return (question(clip).samples[2000 : 2000 + RATE // 10],)


def endless(choice: Choice, seconds: float = 60.0) -> tuple[Samples, ...]:
    """Render speech that goes on and on, its pauses too short to end a turn."""
    pieces: list[Samples] = [choice.marker(complete=False)]
    number = choice.clip
    while sum(map(len, pieces)) < seconds * RATE:
        pieces.append(question(number).samples)
        number += 1
    return (np.concatenate(pieces),)


def hiss(seconds: float, seed: int, amplitude: float = 800.0) -> Samples:
    """Make noise as of a bad line, around -32 dBFS."""
    noise = np.random.default_rng(seed).normal(0.0, amplitude, round(seconds * RATE))
    return np.clip(noise, -32768, 32767).astype(np.int16)


def utter(parts: Iterable[Samples], band_hz: int = WIDE_BAND_HZ) -> Utterance:
    """Encode speech and pauses, which take turns, so that the last sample ends its packet."""
    pieces = list(parts)
    length = sum(map(len, pieces))
    lead = _LEAD_PACKETS * PACKET_SAMPLES
    lead += -(lead + length + ENCODER_DELAY_SAMPLES + _RING_SAMPLES) % PACKET_SAMPLES
    end = lead + length + ENCODER_DELAY_SAMPLES + _RING_SAMPLES
    total = end + _TAIL_PACKETS * PACKET_SAMPLES
    silence = np.zeros(total - lead - length, dtype=np.int16)
    samples = np.concatenate([np.zeros(lead, dtype=np.int16), *pieces, silence])
    spans: list[Span] = []
    position = lead + ENCODER_DELAY_SAMPLES
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            last = (position + len(piece) - 1) // PACKET_SAMPLES
            spans.append(Span(position // PACKET_SAMPLES, last))
        position += len(piece)
    return Utterance(tuple(Encoder(band_hz).encode(samples)), tuple(spans), samples)


def between(noise: Samples | None = None) -> tuple[bytes, ...]:
    """Encode what a microphone sends between utterances, as a loop: silence, or noise."""
    if noise is not None:
        return tuple(Encoder().encode(noise))
    silence = np.zeros(2 * _SETTLED_PACKETS * PACKET_SAMPLES, dtype=np.int16)
    return tuple(Encoder().encode(silence)[_SETTLED_PACKETS:])
