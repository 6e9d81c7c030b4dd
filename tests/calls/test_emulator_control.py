"""The control port arms faults and takes them back, tells of sessions, and explains mistakes."""

from typing import Any

import aiohttp
import orjson
import pytest
from emulator_lines import QUICK, raw, send, set_up

from callfleet_rehearsal.emulator import Emulator
from callfleet_rehearsal.emulator.fault_kinds import REGISTRY, Point
from callfleet_rehearsal.emulator.faults import BadFaultError
from callfleet_rehearsal.emulator.frame_case import LIVE_25

TEXT = {"realtimeInput": {"text": "hi"}}


async def test_the_control_port_arms_lists_disarms_streams_and_asserts() -> None:
    async with Emulator(QUICK) as emulator, aiohttp.ClientSession() as http:
        url = emulator.control_url
        armed = {"name": "close", "at": "think", "session": "next"}
        async with http.post(f"{url}/faults", json=armed) as answer:
            assert answer.status == 201
            fault: dict[str, Any] = await answer.json()
        async with http.get(f"{url}/faults") as answer:
            listed = await answer.json()
        assert set(listed["known"]) == set(REGISTRY)
        assert [each["id"] for each in listed["armed"]] == [fault["id"]]
        async with http.delete(f"{url}/faults/{fault['id']}") as answer:
            assert answer.status == 200
        async with raw(emulator) as socket:
            await set_up(socket)
            async with http.get(f"{url}/sessions") as answer:
                sessions = await answer.json()
            assert [(each["model"], each["phase"]) for each in sessions] == [(LIVE_25, "idle")]
            wanted = {"event": "turn_complete", "where": {"turn": 0}}
            await send(socket, TEXT)
            async with http.post(f"{url}/assert", json=wanted) as answer:
                assert answer.status == 200
        missing = {"event": "tool_call", "within_seconds": 0.01}
        async with http.post(f"{url}/assert", json=missing) as answer:
            assert answer.status == 409
        async with http.get(f"{url}/events?follow=0") as answer:
            events = [orjson.loads(line) for line in (await answer.text()).splitlines()]
        assert [each["event"] for each in events][:3] == ["session_open", "setup", "setup_complete"]
        assert all(isinstance(each["at_ns"], int) for each in events)


@pytest.mark.parametrize(
    ("request_body", "says"),
    [
        ({"name": "nothing"}, "there are black_hole, close"),
        ({"name": "close", "at": "upgrade"}, "cannot strike at 'upgrade'"),
        ({"name": "reset", "speed": 3}, "has no setting speed"),
        ({"name": "close", "session": "session-9"}, "no open session"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_with_what_can(
    request_body: dict[str, Any], says: str
) -> None:
    async with Emulator(QUICK) as emulator:
        with pytest.raises(BadFaultError, match=says):
            emulator.arm(**request_body)
        url = f"{emulator.control_url}/faults"
        async with aiohttp.ClientSession() as http, http.post(url, json=request_body) as answer:
            assert answer.status == 400
            assert says in (await answer.json())["error"]


def test_every_fault_can_strike_where_it_strikes_by_default() -> None:
    for kind in REGISTRY.values():
        assert kind.point in kind.points
        assert kind.help
    assert {point for kind in REGISTRY.values() for point in kind.points} == set(Point)
