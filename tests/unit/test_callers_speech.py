"""What callers say, how it is encoded, sent, heard and spoilt."""

import numpy as np
import pytest

from callfleet_rehearsal.callers import speech
from callfleet_rehearsal.callers.ear import Concealed, Ear, SoundBegan, SoundEnded
from callfleet_rehearsal.callers.earfaults import Spoiler
from callfleet_rehearsal.callers.mouth import EchoingMouth, RecordedMouth, Spoken
from callfleet_rehearsal.callers.opus import (
    NARROW_BAND_HZ,
    PACKET_SAMPLES,
    RATE,
    WIDE_BAND_HZ,
    Decoder,
    Samples,
    Thinner,
)
from callfleet_rehearsal.callers.plan import EarFaults
from callfleet_rehearsal.callers.rtp import RtpPacket
from callfleet_rehearsal.callers.speech import Choice, Utterance, utter
from callfleet_rehearsal.evidence import HeardMarker
from callfleet_rehearsal.sound.clips import reply
from callfleet_rehearsal.sound.marker import Marker, MarkerFinder, Speaker, render

PACKET_NS = 20_000_000
BASE_NS = 7_000_000_000
SILENCE = speech.between()


def decoded(payloads: tuple[bytes, ...]) -> Samples:
    decoder, thinner = Decoder(), Thinner()
    return np.concatenate([thinner.thin(decoder.decode(payload)) for payload in payloads])


def loud(sound: Samples) -> bool:
    return int(np.abs(sound.astype(np.int32)).max()) > 300


@pytest.mark.parametrize("band_hz", [WIDE_BAND_HZ, NARROW_BAND_HZ])
def test_speech_ends_in_its_last_packet_and_begins_in_its_first(band_hz: int) -> None:
    utterance = utter(speech.plain(Choice(3, 1, clip=5)), band_hz)
    sound = decoded(utterance.payloads)
    (span,) = utterance.spans
    assert not loud(sound[: span.first * PACKET_SAMPLES])
    assert loud(sound[span.first * PACKET_SAMPLES : (span.first + 1) * PACKET_SAMPLES])
    assert loud(sound[span.last * PACKET_SAMPLES : (span.last + 1) * PACKET_SAMPLES])
    # The thinner is half a millisecond late; the codec rings a little.
    after = sound[(span.last + 1) * PACKET_SAMPLES + 32 :]
    assert int(np.abs(after.astype(np.int32)).max()) < 600


@pytest.mark.parametrize("seconds", [0.3, 0.47, 0.7])
def test_a_pause_in_mid_sentence_is_as_long_as_it_is_to_be(seconds: float) -> None:
    utterance = utter(speech.paused(Choice(3, 1, clip=5), seconds))
    assert utterance.pause_seconds == pytest.approx(seconds, abs=0.03)
    found = MarkerFinder(Speaker.CALLER, RATE).feed(decoded(utterance.payloads))
    assert [one.marker.complete for one in found] == [False, True]
    assert {(one.marker.call, one.marker.turn) for one in found} == {(3, 1)}


def test_a_real_model_is_spoken_to_without_markers() -> None:
    utterance = utter(speech.plain(Choice(3, 1, clip=5, marked=False)))
    assert MarkerFinder(Speaker.CALLER, RATE).feed(decoded(utterance.payloads)) == []


def test_markers_of_long_calls_start_again_from_one() -> None:
    assert [speech.marker_turn(turn) for turn in (1, 63, 64, 126, 127)] == [1, 63, 1, 63, 1]


def test_a_recorded_mouth_says_all_of_an_utterance_and_then_is_silent() -> None:
    mouth = RecordedMouth(SILENCE)
    utterance = utter(speech.plain(Choice(1, 1)))
    assert mouth.next().payload in SILENCE
    mouth.say(utterance)
    said = [mouth.next() for _ in range(len(utterance.payloads) - utterance.spans[0].first + 1)]
    assert [one.begins for one in said].index(True) == 1
    assert sum(one.last_of_all for one in said) == 1
    after = mouth.next()
    assert after == Spoken(after.payload)
    assert after.payload in SILENCE


def test_an_echoing_mouth_sends_what_it_hears_quieter_and_later() -> None:
    mouth = EchoingMouth()
    tone = (8000 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.int16)
    payloads = []
    for start in range(0, RATE, PACKET_SAMPLES):
        mouth.hear(tone[start : start + PACKET_SAMPLES])
        payloads.append(mouth.next().payload)
    sound = decoded(tuple(payloads))
    onset = int(np.argmax(np.abs(sound.astype(np.int32)) > 300)) / RATE
    assert 0.08 <= onset <= 0.11
    level = np.sqrt(np.mean(sound[RATE // 2 :].astype(float) ** 2))
    assert level == pytest.approx(8000 / np.sqrt(2) / 4, rel=0.15)


def test_an_echo_keeps_its_delay_across_silences_and_bursts() -> None:
    mouth = EchoingMouth()
    tone = (8000 * np.sin(np.arange(PACKET_SAMPLES) * 2 * np.pi * 500 / RATE)).astype(np.int16)
    quiet = np.zeros(PACKET_SAMPLES, dtype=np.int16)
    for _ in range(20):
        mouth.hear(np.tile(quiet, 3))  # A gap that the ear fills in at once.
        mouth.next()
    for _ in range(20):
        mouth.next()  # Nothing comes at all.
    payloads = []
    for _ in range(25):
        mouth.hear(tone)
        payloads.append(mouth.next().payload)
    sound = decoded(tuple(payloads))
    onset = int(np.argmax(np.abs(sound.astype(np.int32)) > 300)) / RATE
    assert 0.08 <= onset <= 0.13


class Stream:
    """An agent's packets as they arrive, 5 ms after they were sent."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[RtpPacket, int]] = []
        self._silent = 0

    def send(self, payload: bytes) -> int:
        number = len(self.arrivals)
        at_ns = BASE_NS + number * PACKET_NS + 5_000_000
        self.arrivals.append((RtpPacket(111, number, number * 960, 9, payload), at_ns))
        return at_ns

    def be_silent(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self._silent += 1
            self.send(SILENCE[self._silent % len(SILENCE)])

    def say(self, utterance: Utterance) -> tuple[int, int]:
        """Send an utterance; give the arrivals of its first and its last speech."""
        at = [self.send(payload) for payload in utterance.payloads]
        return at[utterance.spans[0].first], at[utterance.spans[0].last]


def agent_says(call: int, turn: int) -> Utterance:
    sound = np.concatenate(
        [render(Marker(call, turn), Speaker.AGENT, RATE), reply(call, turn).samples]
    )
    return utter([sound])


def listen(arrivals: list[tuple[RtpPacket, int]], ear: Ear | None = None) -> list[object]:
    ear = ear or Ear()
    waiting = sorted(arrivals, key=lambda one: one[1])
    heard: list[object] = []
    for now_ns in range(BASE_NS, waiting[-1][1] + 2_000_000_000, 200_000_000):
        while waiting and waiting[0][1] <= now_ns:
            ear.arrive(*waiting.pop(0))
        heard += ear.listen(now_ns)
    return heard


def only(kind: type, heard: list[object]) -> list[object]:
    return [one for one in heard if isinstance(one, kind)]


def said_once() -> tuple[Stream, int, int]:
    stream = Stream()
    stream.be_silent(1.0)
    first_ns, last_ns = stream.say(agent_says(6, 2))
    stream.be_silent(1.0)
    return stream, first_ns, last_ns


def test_an_ear_knows_when_a_reply_arrived_and_when_it_was_played() -> None:
    stream, first_ns, last_ns = said_once()
    ear = Ear()
    heard = listen(stream.arrivals, ear)
    (marker,) = only(HeardMarker, heard)
    assert isinstance(marker, HeardMarker)
    assert (marker.call, marker.turn, marker.at_ns) == (6, 2, first_ns)
    assert 20_000_000 <= marker.played_at_ns - first_ns <= 60_000_000
    (began,) = only(SoundBegan, heard)
    (ended,) = only(SoundEnded, heard)
    assert isinstance(began, SoundBegan)
    assert isinstance(ended, SoundEnded)
    assert abs(began.played_ns - marker.played_at_ns) < 10_000_000
    assert 20_000_000 <= ended.played_ns - last_ns <= 60_000_000
    assert only(Concealed, heard) == []
    assert ear.reception.packets_lost == 0


def test_lost_speech_is_concealed_but_lost_silence_is_not_missed() -> None:
    stream, first_ns, _ = said_once()
    speech_packet = next(i for i, (_, at) in enumerate(stream.arrivals) if at == first_ns) + 40
    kept = [one for i, one in enumerate(stream.arrivals) if i not in {10, 20, 30, speech_packet}]
    ear = Ear()
    concealed = [one for one in listen(kept, ear) if isinstance(one, Concealed)]
    assert [one.seconds for one in concealed] == [0.02]
    assert ear.reception.packets_lost == 4


def test_a_sender_that_stops_sending_has_stopped_speaking() -> None:
    stream = Stream()
    stream.be_silent(1.0)
    stream.say(agent_says(6, 2))
    speaking = stream.arrivals[:-40]
    assert len(only(SoundEnded, listen(speaking))) == 1


def spoilt(faults: EarFaults, *, heard_after_packets: int = 80) -> list[tuple[RtpPacket, int]]:
    stream, first_ns, _ = said_once()
    spoiler = Spoiler(faults, SILENCE[0], seed=3)
    arrivals: list[tuple[RtpPacket, int]] = []
    for number, (packet, at_ns) in enumerate(stream.arrivals):
        if number == heard_after_packets:
            spoiler.reply_began(first_ns)
        if number == len(stream.arrivals) - 20:
            spoiler.caller_speaks()
        arrivals += spoiler.spoil(packet, at_ns)
    return arrivals


def test_an_ear_without_faults_hears_what_was_sent() -> None:
    assert spoilt(EarFaults()) == said_once()[0].arrivals


def test_delay_moves_every_arrival() -> None:
    sent = said_once()[0].arrivals
    late = spoilt(EarFaults(delay_seconds=0.1))
    assert [b[1] - a[1] for a, b in zip(sent, late, strict=True)] == [100_000_000] * len(sent)


def test_silence_put_into_a_reply_makes_it_longer_and_nothing_lost() -> None:
    arrivals = spoilt(EarFaults(silence_seconds=0.2))
    ear = Ear()
    heard = listen(arrivals, ear)
    usual = listen(said_once()[0].arrivals)

    def length(of: list[object]) -> int:
        starts = [one.played_ns for one in of if isinstance(one, SoundBegan)]
        ends = [one.played_ns for one in of if isinstance(one, SoundEnded)]
        return ends[-1] - starts[0]

    assert length(heard) - length(usual) == pytest.approx(200_000_000, abs=25_000_000)
    assert ear.reception.packets_lost == 0
    numbers = [packet.sequence for packet, _ in arrivals]
    assert numbers == list(range(len(numbers)))


def test_a_cut_reply_is_silent_from_there_on() -> None:
    heard = listen(spoilt(EarFaults(cut_after_seconds=1.2)))
    starts = [one.played_ns for one in heard if isinstance(one, SoundBegan)]
    ends = [one.played_ns for one in heard if isinstance(one, SoundEnded)]
    assert ends[-1] - starts[0] == pytest.approx(1_200_000_000, abs=60_000_000)


def test_drops_are_seeded_and_about_as_many_as_asked_for() -> None:
    kept = spoilt(EarFaults(drop_ratio=0.1))
    assert kept == spoilt(EarFaults(drop_ratio=0.1))
    assert 0.03 < 1 - len(kept) / len(said_once()[0].arrivals) < 0.2
