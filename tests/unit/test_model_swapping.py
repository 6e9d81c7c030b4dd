"""A swap that fails is a failure of its way, and each way pays for what it used."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from google.genai import types
from livekit import rtc
from livekit.agents import llm

from callfleet_worker.model.roster import Candidate
from callfleet_worker.model.swapping import CallModelSession

FIRST, SECOND, THIRD = (Candidate("a-model", key) for key in range(3))


class Connection(rtc.EventEmitter[str]):
    """A connection to a model, which may refuse to be prepared."""

    def __init__(self, refusal: Exception | None = None) -> None:
        super().__init__()
        self.chat_ctx = llm.ChatContext.empty()
        self.update_chat_ctx = AsyncMock(side_effect=refusal)
        self.push_audio = Mock()
        self.aclose = AsyncMock()

    def fails(self) -> None:
        """Break for good."""
        error = llm.RealtimeModelError(
            timestamp=0.0, label="a", error=OSError("gone"), recoverable=False
        )
        self.emit("error", error)


class Model:
    """The ways of a call, tried in order."""

    def __init__(self, **connections: Connection) -> None:
        self.connections = dict(zip((FIRST, SECOND, THIRD), connections.values(), strict=False))
        self.waiting = list(self.connections)[1:]
        self.failures: list[tuple[Candidate, str]] = []
        self.billed: list[Candidate] = []
        self.conversation = None
        self.tell = Mock()
        self.owes_reply = Mock(return_value=False)

    def first(self) -> Candidate:
        return FIRST

    def open(self, way: Candidate) -> Any:
        return self.connections[way]

    def failed(self, way: Candidate, error: BaseException, *, fresh: bool) -> Candidate | None:
        del fresh
        self.failures.append((way, str(error)))
        return self.waiting.pop(0) if self.waiting else None

    def dropped(self, way: Candidate, error: BaseException) -> None:
        raise AssertionError(way, error)

    def bill(self, way: Candidate, usage: types.UsageMetadata) -> None:
        del usage
        self.billed.append(way)


def session_on(model: Model) -> CallModelSession:
    return CallModelSession(SimpleNamespace(label="a"), model)  # type: ignore[arg-type]


async def event_of(session: CallModelSession, name: Any, fits: Any = lambda _: True) -> None:
    """Wait for an event."""
    came = asyncio.Event()
    session.on(name, lambda event: came.set() if fits(event) else None)
    async with asyncio.timeout(10):
        await came.wait()


@pytest.mark.parametrize("refusal", [llm.RealtimeError("full"), RuntimeError("closed"), OSError()])
async def test_a_way_that_cannot_be_prepared_has_failed_and_the_next_is_tried(
    refusal: Exception,
) -> None:
    last = Connection()
    model = Model(first=(first := Connection()), second=Connection(refusal), third=last)
    session = session_on(model)
    first.fails()
    await event_of(session, "session_reconnected")
    assert model.failures == [(FIRST, "gone"), (SECOND, str(refusal))]
    session.push_audio(frame := rtc.AudioFrame(bytes(640), 16_000, 1, 320))
    last.push_audio.assert_called_once_with(frame)
    await session.aclose()


async def test_a_call_whose_last_way_cannot_be_prepared_ends() -> None:
    model = Model(first=(first := Connection()), second=Connection(RuntimeError("closed")))
    session = session_on(model)
    first.fails()
    await event_of(session, "error", lambda event: not event.recoverable)
    assert [way for way, _ in model.failures] == [FIRST, SECOND]
    await session.aclose()


async def test_what_an_old_connection_tells_late_is_billed_to_its_own_way() -> None:
    model = Model(first=(first := Connection()), second=(second := Connection()))
    session = session_on(model)
    first.fails()
    await event_of(session, "session_reconnected")
    first.emit("usage", types.UsageMetadata())
    second.emit("usage", types.UsageMetadata())
    assert model.billed == [FIRST, SECOND]
    await session.aclose()
