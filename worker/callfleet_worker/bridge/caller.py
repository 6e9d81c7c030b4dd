"""Know who of the people in a room is the caller, and hear nobody else.

The first participant of a human kind who is not published on the agent's behalf is the caller,
for the whole call. Only a sound track of theirs is ever subscribed to.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from livekit import rtc

PUBLISH_ON_BEHALF = "lk.publish_on_behalf"
CALLER_KINDS = frozenset(
    {
        rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
        rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
        rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
    }
)
_PREFERENCE = (rtc.TrackSource.SOURCE_MICROPHONE, rtc.TrackSource.SOURCE_UNKNOWN)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Person:
    """What is to be known of a participant to tell whether they call."""

    identity: str
    kind: int
    on_behalf: bool


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """What is to be known of a published track to tell whether it is the caller's voice."""

    sid: str
    is_audio: bool
    source: int


def choose_caller(people: Iterable[Person]) -> Person | None:
    """Take the first who may be a caller."""
    return next((who for who in people if who.kind in CALLER_KINDS and not who.on_behalf), None)


def choose_track(tracks: Iterable[SoundTrack]) -> SoundTrack | None:
    """Take the microphone, or else a track of unknown source; never the sound of a screen."""
    sounds = [track for track in tracks if track.is_audio and track.source in _PREFERENCE]
    return min(sounds, key=lambda track: _PREFERENCE.index(track.source), default=None)


class CallerWatch:
    """Follows the caller through a room: arrival, tracks, loss, return."""

    def __init__(
        self,
        room: rtc.Room,
        *,
        follow: Callable[[rtc.Track], None],
        lose: Callable[[], None],
        gone: Callable[[int], None],
    ) -> None:
        self._room = room
        self._follow, self._lose, self._gone = follow, lose, gone
        self._arrived: asyncio.Future[rtc.RemoteParticipant] = (
            asyncio.get_running_loop().create_future()
        )
        self._identity: str | None = None
        self._wanted: str | None = None
        self.returned = asyncio.Event()
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        room.on("track_published", self._on_published)
        room.on("track_unpublished", self._on_unpublished)
        room.on("track_subscribed", self._on_subscribed)
        room.on("track_unsubscribed", self._on_unsubscribed)
        room.on("reconnected", self._on_reconnected)

    @property
    def identity(self) -> str | None:
        """Who calls, once that is known."""
        return self._identity

    @property
    def participant(self) -> rtc.RemoteParticipant | None:
        """The caller, while they are in the room."""
        return self._room.remote_participants.get(self._identity or "")

    @property
    def is_sending(self) -> bool:
        """Whether the caller is there with a voice that is published, wanted and not muted."""
        participant = self.participant
        if participant is None or self._wanted is None:
            return False
        publication = participant.track_publications.get(self._wanted)
        return publication is not None and not publication.muted

    @property
    def others(self) -> int:
        """How many people beside the caller are in the room."""
        people = map(_person, self._room.remote_participants.values())
        return sum(
            1 for who in people if who.kind in CALLER_KINDS and who.identity != self._identity
        )

    def look(self) -> None:
        """Look at who is there already: the room is connected now."""
        for participant in list(self._room.remote_participants.values()):
            self._on_joined(participant)

    async def is_here(self) -> rtc.RemoteParticipant:
        """Wait for the caller."""
        return await asyncio.shield(self._arrived)

    def close(self) -> None:
        """Follow nobody any more."""
        self._room.off("participant_connected", self._on_joined)
        self._room.off("participant_disconnected", self._on_left)
        self._room.off("track_published", self._on_published)
        self._room.off("track_unpublished", self._on_unpublished)
        self._room.off("track_subscribed", self._on_subscribed)
        self._room.off("track_unsubscribed", self._on_unsubscribed)
        self._room.off("reconnected", self._on_reconnected)

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        if self._identity is None and choose_caller([_person(participant)]):
            self._identity = participant.identity
            self._arrived.set_result(participant)
        elif participant.identity != self._identity:
            log.info("somebody else is in the room and is not heard", others=self.others)
            return
        self.returned.set()
        self._want(participant)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity != self._identity:
            return
        self.returned.clear()
        self._drop()
        self._gone(participant.disconnect_reason or rtc.DisconnectReason.UNKNOWN_REASON)

    def _on_published(
        self, _: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if participant.identity == self._identity:
            self._want(participant)

    def _on_unpublished(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if participant.identity != self._identity:
            return
        if publication.sid == self._wanted:
            self._drop()
        if self._wanted is None:
            # A track published before this one went was not wanted beside it.
            self._want(participant)

    def _on_subscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if participant.identity == self._identity and publication.sid == self._wanted:
            self._follow(track)

    def _on_unsubscribed(
        self,
        _: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if participant.identity == self._identity and publication.sid == self._wanted:
            self._drop()

    def _on_reconnected(self) -> None:
        """The agent's own connection was rebuilt, its subscriptions with it."""
        self._wanted = None
        participant = self.participant
        if participant is not None:
            self._want(participant)

    def _want(self, participant: rtc.RemoteParticipant) -> None:
        publications = participant.track_publications
        chosen = choose_track(map(_track, publications.values()))
        if chosen is None or chosen.sid == self._wanted:
            return
        before = publications.get(self._wanted or "")
        if before is not None:
            before.set_subscribed(False)
            self._drop()
        self._wanted = chosen.sid
        publication = publications[chosen.sid]
        publication.set_subscribed(True)
        if publication.track is not None:
            self._follow(publication.track)

    def _drop(self) -> None:
        self._wanted = None
        self._lose()


def _person(participant: rtc.RemoteParticipant) -> Person:
    on_behalf = bool(participant.attributes.get(PUBLISH_ON_BEHALF))
    return Person(participant.identity, participant.kind, on_behalf)


def _track(publication: rtc.RemoteTrackPublication) -> SoundTrack:
    is_audio = publication.kind == rtc.TrackKind.KIND_AUDIO
    return SoundTrack(publication.sid, is_audio, publication.source)
