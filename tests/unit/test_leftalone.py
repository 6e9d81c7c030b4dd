"""Whether a caller is left alone in a room whose agent was dismissed."""

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo, Room

from callfleet_worker.leftalone import is_left_alone

Kind = ParticipantInfo.Kind


class Rooms:
    def __init__(self, sid: str, *kinds: "Kind.ValueType") -> None:
        self._sid, self._kinds = sid, kinds

    async def list_rooms(self, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        rooms = [Room(name=name, sid=self._sid) for name in request.names if self._sid]
        return api.ListRoomsResponse(rooms=rooms)

    async def list_participants(
        self, _: api.ListParticipantsRequest
    ) -> api.ListParticipantsResponse:
        present = [ParticipantInfo(kind=kind) for kind in self._kinds]
        return api.ListParticipantsResponse(participants=present)


@pytest.mark.parametrize(
    ("rooms", "alone"),
    [
        (Rooms("RM_1", Kind.STANDARD), True),
        (Rooms("RM_1", Kind.SIP), True),
        (Rooms("RM_1", Kind.SIP, Kind.AGENT, Kind.EGRESS), True),
        (Rooms("RM_1", Kind.SIP, Kind.STANDARD), False),
        (Rooms("RM_1"), False),
        (Rooms("RM_2", Kind.SIP), False),
        (Rooms(""), False),
    ],
    ids=[
        "alone in a browser",
        "alone on the phone",
        "with machines only",
        "with somebody who took over",
        "an empty room",
        "another room of that name",
        "a room that is gone",
    ],
)
async def test_a_caller_is_left_alone_where_nobody_took_over(rooms: Rooms, *, alone: bool) -> None:
    assert await is_left_alone(rooms, "room", "RM_1") is alone
