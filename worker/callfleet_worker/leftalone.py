"""Say whether a caller is left alone in a room whose agent was taken away.

Whoever dismisses an agent may have taken over from it, and then the room is theirs. The room may
also be gone, or another one of the same name have taken its place.
"""

from typing import Protocol

from livekit import api

from callfleet_worker.bridge.caller import CALLER_KINDS


class Rooms(Protocol):
    """What is asked of LiveKit's room service."""

    async def list_rooms(self, request: api.ListRoomsRequest, /) -> api.ListRoomsResponse:
        """Name the rooms there are."""

    async def list_participants(
        self, request: api.ListParticipantsRequest, /
    ) -> api.ListParticipantsResponse:
        """Name who is in a room."""


async def is_left_alone(rooms: Rooms, room: str, sid: str) -> bool:
    """Ask whether the room ``sid`` stands, with exactly one in it who may be a caller."""
    found = await rooms.list_rooms(api.ListRoomsRequest(names=[room]))
    if all(one.sid != sid for one in found.rooms):
        return False
    present = await rooms.list_participants(api.ListParticipantsRequest(room=room))
    return sum(int(who.kind) in CALLER_KINDS for who in present.participants) == 1
