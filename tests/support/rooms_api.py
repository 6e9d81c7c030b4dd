"""LiveKit's room service, asked with a session of its own each time."""

from dataclasses import dataclass

from livekit import api

from callfleet_rehearsal.stack.livekit import LiveKitServer


@dataclass
class Rooms:
    server: LiveKitServer

    async def list_rooms(self, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        async with self._asking() as livekit:
            return await livekit.room.list_rooms(request)

    async def list_participants(
        self, request: api.ListParticipantsRequest
    ) -> api.ListParticipantsResponse:
        async with self._asking() as livekit:
            return await livekit.room.list_participants(request)

    async def remove(self, room: str, identity: str) -> None:
        async with self._asking() as livekit:
            await livekit.room.remove_participant(
                api.RoomParticipantIdentity(room=room, identity=identity)
            )

    def _asking(self) -> api.LiveKitAPI:
        server = self.server
        return api.LiveKitAPI(server.http_url, server.api_key, server.api_secret)
