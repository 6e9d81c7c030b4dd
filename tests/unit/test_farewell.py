"""What a caller gets when no model is left."""

import asyncio
import wave
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from livekit import api, rtc

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker import farewell as module
from callfleet_worker.farewell import (
    APOLOGY,
    GOODBYE,
    PUTTING_THROUGH,
    Caller,
    Ended,
    FarewellPlan,
    SoundFileError,
    Transfer,
    check_sounds,
    farewell,
    plan_farewell,
    read_sound,
)
from callfleet_worker.settings import FarewellSettings, FarewellWay

WHY = CallReason.MODEL_UNAVAILABLE
PHONE = Caller("sip_caller", is_phone=True)
BROWSER = Caller("browser", is_phone=False)
TRANSFER = FarewellSettings(then=FarewellWay.TRANSFER, transfer_to="tel:+15550100")


class FakeLine:
    def __init__(self, *, refuses: bool = False, hangs: bool = False) -> None:
        self.did: list[str] = []
        self.lost = asyncio.Event()
        self.refuses = refuses
        self.hangs = hangs

    async def _transfer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            code = "unavailable"
            raise api.TwirpError(code, "sip +15550100 is busy", status=503)
        self.lost.set()  # who is transferred leaves the room before LiveKit answers
        await asyncio.sleep(0.05)

    def transfer_sip_participant(
        self, participant: str, transfer_to: str, play_dialtone: bool = False
    ) -> Awaitable[Any]:
        del play_dialtone
        self.did.append(f"transfer {participant} to {transfer_to}")
        return self._transfer()

    def delete_room(self) -> Awaitable[Any]:
        self.did.append("room closed")
        return asyncio.sleep(0)


class FakeMouth:
    def __init__(self, *, silent: bool = False, broken: bool = False) -> None:
        self.sample_rate: int | None = 24000
        self.seconds = 0.0
        self.segments: list[float] = []
        self.cleared = False
        self.silent = silent
        self.broken = broken

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if self.broken:
            message = "the track is gone"
            raise RuntimeError(message)
        self.seconds += frame.duration

    def flush(self) -> None:
        self.segments.append(round(self.seconds, 1))
        self.seconds = 0.0

    def clear_buffer(self) -> None:
        self.cleared = True

    async def wait_for_playout(self) -> None:
        if self.silent:
            await asyncio.Event().wait()


def sound(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"\1\0" * int(16000 * seconds))
    return path


def test_a_phone_caller_is_put_through_where_that_is_set() -> None:
    plan = plan_farewell(TRANSFER, PHONE, WHY)
    assert plan == FarewellPlan(
        (APOLOGY, PUTTING_THROUGH), Transfer("sip_caller", "tel:+15550100"), (GOODBYE,), WHY
    )


@pytest.mark.parametrize("caller", [BROWSER, None])
def test_who_is_not_on_a_phone_hears_goodbye(caller: Caller | None) -> None:
    assert plan_farewell(TRANSFER, caller, WHY) == FarewellPlan((), None, (GOODBYE,), WHY)


def test_goodbye_is_the_default() -> None:
    assert plan_farewell(FarewellSettings(), PHONE, WHY) == FarewellPlan((), None, (GOODBYE,), WHY)


def test_an_apology_of_ones_own_is_not_followed_by_english(tmp_path: Path) -> None:
    own = sound(tmp_path / "sorry.wav", 1)
    plan = plan_farewell(FarewellSettings(apology=own), PHONE, WHY)
    assert plan.first + plan.last == (own,)


def test_sounds_of_ones_own_are_played_in_order(tmp_path: Path) -> None:
    sorry, bye = sound(tmp_path / "sorry.wav", 1), sound(tmp_path / "bye.wav", 1)
    plan = plan_farewell(FarewellSettings(apology=sorry, goodbye=bye), PHONE, WHY)
    assert plan.first + plan.last == (sorry, bye)


async def test_the_caller_hears_goodbye_and_the_room_is_closed() -> None:
    line, mouth = FakeLine(), FakeMouth()
    ended = await farewell(
        line, mouth, plan_farewell(FarewellSettings(), BROWSER, WHY), asyncio.Event()
    )
    assert ended == Ended(CallOutcome.FAILED, WHY)
    assert mouth.cleared
    assert mouth.segments == [5.2]
    assert line.did == ["room closed"]


async def test_a_transfer_comes_after_the_apology_and_closes_the_room() -> None:
    line, mouth = FakeLine(), FakeMouth()
    ended = await farewell(line, mouth, plan_farewell(TRANSFER, PHONE, WHY), asyncio.Event())
    assert ended == Ended(CallOutcome.FAILED, CallReason.TRANSFERRED)
    assert mouth.segments == [3.8, 1.7]
    assert line.did == ["transfer sip_caller to tel:+15550100", "room closed"]


async def test_a_transfer_that_takes_the_caller_off_the_line_is_one() -> None:
    line = FakeLine()
    ended = await farewell(line, FakeMouth(), plan_farewell(TRANSFER, PHONE, WHY), line.lost)
    assert ended == Ended(CallOutcome.FAILED, CallReason.TRANSFERRED)
    assert line.did[-1] == "room closed"


async def test_nobody_is_transferred_who_hung_up_during_the_apology() -> None:
    line, mouth = FakeLine(), FakeMouth(silent=True)
    plan = plan_farewell(TRANSFER, PHONE, WHY)
    parting = asyncio.create_task(farewell(line, mouth, plan, line.lost))
    while not mouth.segments:  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.01)
    line.lost.set()
    assert await parting == Ended(CallOutcome.FAILED, WHY)
    assert (mouth.segments, line.did) == ([3.8], ["room closed"])


async def test_on_a_line_that_is_lost_nothing_begins_however_soon_its_sound_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = await read_sound(GOODBYE)
    monkeypatch.setattr(module, "read_sound", AsyncMock(return_value=frames))
    line, mouth = FakeLine(), FakeMouth()
    line.lost.set()
    await farewell(line, mouth, plan_farewell(TRANSFER, PHONE, WHY), line.lost)
    assert (mouth.segments, line.did) == ([], ["room closed"])


@pytest.mark.parametrize("line", [FakeLine(refuses=True), FakeLine(hangs=True)])
async def test_a_transfer_that_fails_ends_in_goodbye(
    line: FakeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRANSFER_SECONDS", 0.01)
    mouth = FakeMouth()
    ended = await farewell(line, mouth, plan_farewell(TRANSFER, PHONE, WHY), asyncio.Event())
    assert ended == Ended(CallOutcome.FAILED, WHY)
    assert mouth.segments == [3.8, 1.7, 5.2]
    assert line.did[-1] == "room closed"


async def test_a_sound_that_never_ends_does_not_keep_the_caller_on_the_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    line = FakeLine()
    plan = FarewellPlan((sound(tmp_path / "a.wav", 0.1),), None, (), WHY)
    await farewell(line, FakeMouth(silent=True), plan, asyncio.Event())
    assert line.did == ["room closed"]


@pytest.mark.parametrize("name", ["missing.flac", "empty.flac"])
async def test_a_mouth_or_a_file_that_cannot_play_still_closes_the_room(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.flac").touch()
    for mouth in (FakeMouth(), FakeMouth(broken=True)):
        line = FakeLine()
        plan = FarewellPlan((tmp_path / name, GOODBYE), None, (), WHY)
        assert await farewell(line, mouth, plan, asyncio.Event()) == Ended(CallOutcome.FAILED, WHY)
        assert line.did == ["room closed"]


@pytest.mark.parametrize("rate", [8000, 24000, 48000])
async def test_a_sound_comes_at_the_rate_the_mouth_plays(rate: int) -> None:
    frames = await read_sound(GOODBYE, rate)
    assert {frame.sample_rate for frame in frames} == {rate}
    assert sum(frame.duration for frame in frames) == pytest.approx(5.158, abs=0.05)


async def test_a_sound_nobody_would_sit_through_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match=r"lasts 21\.0 s"):
        await read_sound(sound(tmp_path / "long.wav", 21))


async def test_the_sounds_of_a_farewell_are_checked_before_any_call(tmp_path: Path) -> None:
    await check_sounds(FarewellSettings())
    text = tmp_path / "sorry.wav"
    text.write_text("no sound at all")
    with pytest.raises(SoundFileError, match=r"sorry\.wav"):
        await check_sounds(FarewellSettings(apology=text))
