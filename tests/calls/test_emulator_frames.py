"""Every odd frame of the published table, over real TLS sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets
from emulator_lines import PATH, raw, receive, send, set_up
from websockets.asyncio.client import ClientConnection

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_rehearsal.emulator.frame_case import (
    GOOD_KEY,
    GOOD_TOKEN,
    Closes,
    FrameCase,
    GoesOn,
    Place,
    Status,
)
from callfleet_rehearsal.emulator.frames_table import CASES, main
from callfleet_rehearsal.emulator.profiles import Api

VERTEX_PATH = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
LEAST_CASES = 50


def path_of(case: FrameCase) -> str:
    if case.path:
        return case.path
    return VERTEX_PATH if case.api is Api.VERTEX else PATH.replace("v1beta", case.api.value)


def headers_of(case: FrameCase) -> dict[str, str]:
    if case.headers is not None:
        return dict(case.headers)
    if case.api is Api.VERTEX:
        return {"Authorization": f"Bearer {GOOD_KEY}"}
    return {"x-goog-api-key": GOOD_KEY}


@asynccontextmanager
async def ready(emulator: Emulator, case: FrameCase) -> AsyncIterator[ClientConnection]:
    async with raw(emulator, path_of(case), headers_of(case)) as socket:
        if case.place in {Place.LIVE, Place.MANUAL}:
            disabled = {"automaticActivityDetection": {"disabled": case.place is Place.MANUAL}}
            await set_up(socket, case.model, realtimeInputConfig=disabled)
        yield socket


async def expect(
    emulator: Emulator, case: FrameCase, socket: ClientConnection, answer: Closes | GoesOn
) -> None:
    await send(socket, case.frame)
    if isinstance(answer, Closes):
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket, "nothing")
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (answer.code, answer.reason)
        assert len(answer.reason.encode()) <= 123
        return
    if answer.sees:
        await receive(socket, *answer.sees.split("."))
    if answer.event:
        await emulator.log.wait_for(answer.event)
    if case.place in {Place.LIVE, Place.MANUAL}:
        await send(socket, {"realtimeInput": {"text": "still there?"}})
        await receive(socket, "serverContent", "modelTurn")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.place.name}: {case.name}")
async def test_an_odd_frame_gets_the_published_answer(case: FrameCase) -> None:
    async with Emulator(EmulatorConfig(keys=(GOOD_KEY, GOOD_TOKEN))) as emulator:
        if isinstance(case.answer, Status):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await raw(emulator, path_of(case), headers_of(case)).__aenter__()
            assert refused.value.response.status_code == case.answer.code
            return
        async with ready(emulator, case) as socket:
            await expect(emulator, case, socket, case.answer)


def test_the_table_is_long_and_its_names_are_unique() -> None:
    names = [(case.place, case.name) for case in CASES]
    assert len(names) >= LEAST_CASES
    assert len(set(names)) == len(names)


def test_the_published_table_is_up_to_date() -> None:
    assert main(["--check"]) == 0
