"""What a caller's microphone sends next: one payload every 20 ms. No clock, no network."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from callfleet_rehearsal.callers.opus import PACKET_SAMPLES, RATE, Encoder, Samples
from callfleet_rehearsal.callers.speech import Utterance

ECHO_GAIN = 10 ** (-12 / 20)
ECHO_DELAY_SECONDS = 0.08
_DELAY_SAMPLES = round(ECHO_DELAY_SECONDS * RATE)
_MOST_WAITING_SAMPLES = _DELAY_SAMPLES + 2 * PACKET_SAMPLES


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a payload means: the first of a stretch of speech, the last of it, or neither."""

    payload: bytes
    begins: bool = False
    ends: bool = False
    last_of_all: bool = False


class Mouth(Protocol):
    """Something that always has a next payload."""

    def say(self, utterance: Utterance) -> None:
        """Say this next, instead of what is being said."""

    def next(self) -> Spoken:
        """Give the next 20 ms."""


class RecordedMouth:
    """Sends what was encoded before the call, and a loop between utterances."""

    def __init__(self, between: tuple[bytes, ...]) -> None:
        self._between = between
        self._looped = 0
        self._utterance: Utterance | None = None
        self._index = 0

    def say(self, utterance: Utterance) -> None:
        """Say this next, instead of what is being said."""
        self._utterance = utterance
        # The lead is for the encoder's sake; a packet of it lets the decoder settle.
        self._index = max(0, utterance.spans[0].first - 1)

    def next(self) -> Spoken:
        """Give the next 20 ms."""
        utterance = self._utterance
        if utterance is None:
            self._looped += 1
            return Spoken(self._between[self._looped % len(self._between)])
        spoken = _describe(utterance, self._index, utterance.payloads[self._index])
        self._index += 1
        if self._index == len(utterance.payloads):
            self._utterance = None
        return spoken


class EchoingMouth:
    """Sends its speech with what it hears mixed in, as a speakerphone without echo cancelling."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._utterance: Utterance | None = None
        self._index = 0
        self._heard = np.zeros(0, dtype=np.int16)

    def hear(self, samples: Samples) -> None:
        """Take what the ear has just heard.

        The way of an echo keeps its length: what begins after a silence waits for the whole of
        it, and where the ear gives more than time has passed, the oldest is left out.
        """
        if not len(samples):
            return
        before = self._heard if len(self._heard) else np.zeros(_DELAY_SAMPLES, dtype=np.int16)
        self._heard = np.concatenate((before, samples))[-_MOST_WAITING_SAMPLES:]

    def say(self, utterance: Utterance) -> None:
        """Say this next, instead of what is being said."""
        self._utterance = utterance
        self._index = max(0, utterance.spans[0].first - 1)

    def next(self) -> Spoken:
        """Give the next 20 ms."""
        sound = self._echo() * ECHO_GAIN
        utterance = self._utterance
        if utterance is not None:
            start = self._index * PACKET_SAMPLES
            sound = sound + utterance.samples[start : start + PACKET_SAMPLES]
        mixed = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
        payload = self._encoder.encode(mixed)[0]
        if utterance is None:
            return Spoken(payload)
        spoken = _describe(utterance, self._index, payload)
        self._index += 1
        if self._index == len(utterance.payloads):
            self._utterance = None
        return spoken

    def _echo(self) -> Samples:
        now, self._heard = self._heard[:PACKET_SAMPLES], self._heard[PACKET_SAMPLES:]
        return np.pad(now, (0, PACKET_SAMPLES - len(now)))


def _describe(utterance: Utterance, index: int, payload: bytes) -> Spoken:
    return Spoken(
        payload,
        begins=any(span.first == index for span in utterance.spans),
        ends=any(span.last == index for span in utterance.spans),
        last_of_all=utterance.spans[-1].last == index,
    )
