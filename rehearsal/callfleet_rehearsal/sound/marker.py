"""Markers: a short sound at the start of an utterance that says whose it is. Streaming, pure.

A marker is two copies of a chirp with six tones, and is found where either survives, or what is
left of both is enough. A caller's marker names its call and turn; the model's reply carries them
back, so a caller that hears another call's marker, or none, or one twice, has found a fault by ear.
Callers' chirps rise and agents' fall, so that nobody takes its own echo for the other's voice.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from callfleet_rehearsal.sound import code
from callfleet_rehearsal.sound.spotting import Spotter
from callfleet_rehearsal.sound.waveform import COPY_SECONDS, Samples, draw

MARKER_SECONDS = code.COPIES * COPY_SECONDS
UNKNOWN_CALL = 255
"""The call number in a greeting: the model has heard no caller's marker yet."""
UNMARKED_CALL = 254
"""The call number in a reply to a voice whose marker the model did not hear."""
NOBODYS_CALLS = frozenset({UNKNOWN_CALL, UNMARKED_CALL})
"""The call numbers that are no other call's: hearing one is no cross-talk."""
MAX_CALL = 255
MAX_TURN = 63
_COMPLETE, _TOOL = 1, 2


class Speaker(StrEnum):
    """Who sends a marker."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says. Turn 0 is the greeting.

    ``complete``: the sentence ends with this utterance; where not, the model must wait its full
    silence. ``wants_tool``: the model is to call a tool before it replies.
    """

    call: int
    turn: int
    complete: bool = True
    wants_tool: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.call <= MAX_CALL or not 0 <= self.turn <= MAX_TURN:
            message = (
                f"a marker holds call 0 to {MAX_CALL} and turn 0 to {MAX_TURN}, "
                f"not call {self.call} and turn {self.turn}; rehearse fewer calls or turns"
            )
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Found:
    """A marker in a stream; ``start_sample`` counts from the stream's first sample."""

    marker: Marker
    start_sample: int


def _word(marker: Marker) -> int:
    flags = _COMPLETE * marker.complete + _TOOL * marker.wants_tool
    return marker.call << 8 | marker.turn << 2 | flags


def _marker(word: int) -> Marker:
    return Marker(word >> 8, word >> 2 & MAX_TURN, bool(word & _COMPLETE), bool(word & _TOOL))


def render(marker: Marker, speaker: Speaker, rate: int) -> Samples:
    """Make the sound of a marker, ``MARKER_SECONDS`` long, at any rate from 8 kHz."""
    rising = speaker is Speaker.CALLER
    tones = [
        code.encode(_word(marker), code.coset(rising=rising, copy=copy))
        for copy in range(code.COPIES)
    ]
    return np.concatenate([draw(each, rising=rising, rate=rate) for each in tones])


class MarkerFinder:
    """Finds one speaker's markers in a stream of mono samples, however it is cut up.

    A marker is reported at most 0.7 s of sound after its start, mostly within 0.45 s.
    """

    def __init__(self, speaker: Speaker, rate: int) -> None:
        self._spotter = Spotter(rising=speaker is Speaker.CALLER, rate=rate)

    def feed(self, samples: Samples) -> list[Found]:
        """Take the next samples and say which markers have become certain."""
        spotted = self._spotter.feed(np.asarray(samples, dtype=np.int16))
        return [Found(_marker(word), start) for word, start in spotted]

    def finish(self) -> list[Found]:
        """Say which markers the end of the stream still held. Nothing may be fed afterwards."""
        return [Found(_marker(word), start) for word, start in self._spotter.finish()]
