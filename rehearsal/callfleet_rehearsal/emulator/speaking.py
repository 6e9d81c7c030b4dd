"""Pace a reply: which piece of audio leaves when. Pure."""

from dataclasses import dataclass, replace

from callfleet_rehearsal.emulator.speech import CHUNK_SECONDS, Speech


@dataclass(frozen=True, slots=True)
class Speaking:
    """A reply on its way: ``sent`` pieces are out, the next is due at ``due_ns``."""

    speech: Speech
    started_ns: int
    due_ns: int
    speed: float
    sent: int = 0

    @property
    def done(self) -> bool:
        """Whether all is sent."""
        return self.sent >= len(self.speech.chunks)

    @property
    def next_chunk(self) -> bytes:
        """The piece that is due next."""
        return self.speech.chunks[self.sent]

    @property
    def sent_seconds(self) -> float:
        """How much sound is out."""
        return min(self.sent * CHUNK_SECONDS, self.speech.seconds)

    def played_ns(self, playback_speed: float) -> int:
        """When a client that plays at once has played everything."""
        return self.started_ns + round(self.speech.seconds / playback_speed * 1e9)

    @property
    def is_halfway(self) -> bool:
        """Whether the next piece is the middle one."""
        return self.sent == len(self.speech.chunks) // 2


def start(speech: Speech, now_ns: int, speed: float) -> Speaking:
    """Begin: the first piece is due at once."""
    return Speaking(speech, now_ns, now_ns, speed)


def advance(speaking: Speaking, gap_seconds: float) -> Speaking:
    """One more piece is out. Late pieces do not delay those after them."""
    step = CHUNK_SECONDS / speaking.speed + gap_seconds
    return replace(speaking, sent=speaking.sent + 1, due_ns=speaking.due_ns + round(step * 1e9))
