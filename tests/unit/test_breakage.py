"""A part that breaks is told by kind and place, and holds nothing up."""

import asyncio

import pytest
from livekit import api
from structlog.testing import capture_logs

from callfleet_worker import breakage
from callfleet_worker.breakage import attempt, failure_of, kind_of
from callfleet_worker.parent.rescue import Rescue
from callfleet_worker.settings import Settings

SAID = "the caller said 4111 1111"


async def _breaks() -> None:
    raise ValueError(SAID)


async def test_an_error_is_told_without_its_text() -> None:
    with capture_logs() as lines:
        await attempt(_breaks(), "session")
    (line,) = lines
    assert (line["part"], line["error"]) == ("session", "ValueError")
    assert line["at"].startswith("test_breakage.py:")
    assert "4111" not in str(line)


async def _is_cut_off() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    waited_for.cancel()
    await waited_for


async def test_a_part_that_ends_as_if_cancelled_has_broken() -> None:
    with capture_logs() as lines:
        await attempt(_is_cut_off(), "session")
    assert [(line["part"], line["error"]) for line in lines] == [("session", "CancelledError")]


async def test_a_part_that_was_cancelled_has_not_broken() -> None:
    part = asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(0)
    part.cancel()
    await asyncio.wait((part,))
    assert failure_of(part) is None


async def test_a_step_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakage, "STEP_SECONDS", 0.01)
    with capture_logs() as lines:
        await attempt(asyncio.sleep(3600), "session")
    assert [line["part"] for line in lines] == ["session"]


def test_a_servers_refusal_is_told_by_its_code() -> None:
    assert kind_of(api.TwirpError("not_found", SAID, status=404)) == "ServerError not_found"


async def test_a_rescue_that_fails_repeats_nothing_a_server_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuses(*_: object) -> None:
        code = "unavailable"
        raise api.TwirpError(code, SAID, status=503)

    monkeypatch.setattr(Rescue, "_send_until_taken", refuses)
    rescue = Rescue(Settings.model_construct(), lambda: True)
    with capture_logs() as lines:
        rescue.after_death("call", "room")
        await rescue.close()
    assert [line["error"] for line in lines] == ["ServerError unavailable"]
