"""Follow whether caller and agent could hear each other, and how good the caller's line is."""

import time

from livekit import rtc
from livekit.rtc.room import EventTypes

from callfleet_contract.outcomes import CallerQuality
from callfleet_worker.bridge.caller import CallerWatch
from callfleet_worker.bridge.oneway import Line
from callfleet_worker.bridge.quality import QualitySeconds

_QUALITIES = {
    rtc.ConnectionQuality.QUALITY_EXCELLENT: CallerQuality.EXCELLENT,
    rtc.ConnectionQuality.QUALITY_GOOD: CallerQuality.GOOD,
    rtc.ConnectionQuality.QUALITY_POOR: CallerQuality.POOR,
    rtc.ConnectionQuality.QUALITY_LOST: CallerQuality.LOST,
}


_CHANGES: tuple[EventTypes, ...] = (
    "track_published",
    "track_unpublished",
    "track_muted",
    "track_unmuted",
    "reconnecting",
    "reconnected",
)
_PEOPLE: tuple[EventTypes, ...] = ("participant_connected", "participant_disconnected")


class CallerLine:
    """Listens to one room, from the moment that the agent's track is about to be published."""

    def __init__(self, room: rtc.Room, caller: CallerWatch) -> None:
        self._room, self._caller = room, caller
        self._changes = 0
        self._published = self._taken = False
        self._quality = QualitySeconds()
        room.on("connection_quality_changed", self._on_quality)
        room.on("local_track_subscribed", self._on_taken)
        for name in _PEOPLE:
            room.on(name, self._on_person)
        for name in _CHANGES:
            room.on(name, self._on_change)

    def published(self) -> None:
        """The agent's track is published."""
        self._published = True
        self._changes += 1

    def close(self) -> None:
        """Listen no more."""
        self._room.off("connection_quality_changed", self._on_quality)
        self._room.off("local_track_subscribed", self._on_taken)
        for name in _PEOPLE:
            self._room.off(name, self._on_person)
        for name in _CHANGES:
            self._room.off(name, self._on_change)

    def look(self, *, answered: bool) -> Line:
        """Say who is there now."""
        return Line(
            answered=answered,
            caller_here=self._caller.participant is not None,
            caller_speaks=self._caller.is_sending,
            agent_speaks=self._published,
            agent_taken=self._taken,
            changes=self._changes,
        )

    def quality_seconds(self) -> tuple[tuple[CallerQuality, float], ...]:
        """Give how long the caller's connection was of which quality, since this was last asked."""
        participant = self._caller.participant
        at_ns = time.monotonic_ns()
        known = None if participant is None else _QUALITIES.get(participant.connection_quality)
        told = self._quality.take(at_ns)
        self._quality.becomes(known, at_ns)
        return told

    def _on_quality(self, participant: rtc.Participant, quality: rtc.ConnectionQuality) -> None:
        if participant.identity == self._caller.identity:
            self._quality.becomes(_QUALITIES.get(quality), time.monotonic_ns())

    def _on_person(self, participant: rtc.RemoteParticipant) -> None:
        self._on_change()
        if participant.identity == self._caller.identity:
            known = _QUALITIES.get(participant.connection_quality)
            is_here = self._caller.participant is not None
            self._quality.becomes(known if is_here else None, time.monotonic_ns())

    def _on_taken(self) -> None:
        self._taken = True
        self._on_change()

    def _on_change(self) -> None:
        self._changes += 1
