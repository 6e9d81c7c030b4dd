"""One swap at a time, whatever fails meanwhile; each way pays for what it used."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from google.genai import types
from livekit import rtc
from livekit.agents import llm
from livekit.agents.metrics import RealtimeModelMetrics

from callfleet_contract.outcomes import ModelSessionChange
from callfleet_worker.model.account import Account
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

    def fails(self, *, for_good: bool = True) -> None:
        """Break."""
        error = llm.RealtimeModelError(
            timestamp=0.0, label="a", error=OSError("gone"), recoverable=not for_good
        )
        self.emit("error", error)

    def connects(self) -> None:
        """Tell that there is a connection, once more."""
        metrics = RealtimeModelMetrics.model_construct(request_id="")
        self.emit("metrics_collected", metrics)

    def hesitates(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Return what is set once it is being prepared, and what lets it go on."""
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def wait(_: object) -> None:
            begun.set()
            async with asyncio.timeout(10):
                await go_on.wait()

        self.update_chat_ctx = AsyncMock(side_effect=wait)
        return begun, go_on


class Talk:
    """A conversation in which the agent speaks until it is interrupted."""

    def __init__(self, agent_state: str = "speaking") -> None:
        self.agent_state = agent_state
        self.current_agent = SimpleNamespace(chat_ctx=llm.ChatContext.empty())
        self.generate_reply = Mock()

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        del force
        self.agent_state = "listening"
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Model:
    """The ways of a call, tried in order."""

    def __init__(self, **connections: Connection) -> None:
        self.connections = dict(zip((FIRST, SECOND, THIRD), connections.values(), strict=False))
        self.waiting = list(self.connections)[1:]
        self.failures: list[tuple[Candidate, str]] = []
        self.billed: list[Candidate] = []
        self.conversation: Talk | None = None
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
        """Nothing of interest here."""

    def account(self, way: Candidate) -> Account:
        return Account("call", way.model, lambda _: self.billed.append(way))


def session_on(model: Any) -> CallModelSession:
    owner: Any = SimpleNamespace(label="a")
    return CallModelSession(owner, model)


async def event_of(session: CallModelSession, name: Any, fits: Any = lambda _: True) -> None:
    """Wait for an event."""
    came = asyncio.Event()
    session.on(name, lambda event: came.set() if fits(event) else None)
    async with asyncio.timeout(10):
        await came.wait()


@pytest.mark.parametrize("refusal", [llm.RealtimeError("full"), OSError(), KeyError("parts")])
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
    usage = types.UsageMetadata(prompt_token_count=1)
    first.emit("usage", usage)
    second.emit("usage", usage)
    assert model.billed == [FIRST, SECOND]
    await session.aclose()


async def test_a_way_that_dies_while_a_swap_prepares_it_begins_no_second_swap() -> None:
    last = Connection()
    model = Model(first=(first := Connection()), second=(second := Connection()), third=last)
    (second_begun, second_may), (last_begun, last_may) = second.hesitates(), last.hesitates()
    session = session_on(model)
    reconnected = Mock()
    session.on("session_reconnected", reconnected)
    first.fails()
    await second_begun.wait()
    second.fails()
    await asyncio.sleep(0.05)
    assert not last.update_chat_ctx.called
    second_may.set()
    await last_begun.wait()
    session.push_audio(frame := rtc.AudioFrame(bytes(640), 16_000, 1, 320))
    reconnected.assert_not_called()
    last.push_audio.assert_not_called()
    last_may.set()
    await event_of(session, "session_reconnected")
    assert model.failures == [(FIRST, "gone"), (SECOND, "gone")]
    session.push_audio(frame)
    last.push_audio.assert_called_once_with(frame)
    await session.aclose()


async def test_a_connection_that_fails_twice_is_swapped_once() -> None:
    model = Model(first=(first := Connection()), second=(second := Connection()))
    session = session_on(model)
    first.fails()
    first.fails()
    await event_of(session, "session_reconnected")
    assert model.failures == [(FIRST, "gone")]
    second.update_chat_ctx.assert_called_once()
    await session.aclose()


async def test_nothing_is_swapped_any_more_once_no_way_was_left() -> None:
    model = Model(first=(first := Connection()), second=Connection())
    model.waiting = []
    session = session_on(model)
    first.fails()
    model.waiting = [SECOND]
    first.fails()
    assert model.failures == [(FIRST, "gone")]
    with pytest.raises(llm.RealtimeError, match="no model is left"):
        await session.generate_reply()
    await session.aclose()


async def test_a_call_that_closes_during_a_swap_ends_it() -> None:
    model = Model(first=(first := Connection()), second=(second := Connection()))
    begun, _ = second.hesitates()
    session = session_on(model)
    reconnected = Mock()
    session.on("session_reconnected", reconnected)
    first.fails()
    await begun.wait()
    await session.aclose()
    second.fails()
    await asyncio.sleep(0)
    assert model.failures == [(FIRST, "gone")]
    second.aclose.assert_awaited_once()
    reconnected.assert_not_called()


async def test_a_reply_that_was_cut_is_renewed_though_the_next_way_fails_too() -> None:
    refusing, last = Connection(RuntimeError("closed")), Connection()
    model = Model(first=(first := Connection()), second=refusing, third=last)
    model.conversation = talk = Talk()
    session = session_on(model)
    first.fails()
    await event_of(session, "session_reconnected")
    talk.generate_reply.assert_called_once()
    await session.aclose()


async def test_a_reply_cut_by_a_drop_is_renewed_once_when_the_way_is_not_there_again() -> None:
    model = Model(first=(first := Connection()), second=(second := Connection()))
    model.conversation = talk = Talk()
    session = session_on(model)
    first.fails(for_good=False)
    talk.agent_state = "listening"
    first.fails()
    await event_of(session, "session_reconnected")
    talk.generate_reply.assert_called_once()
    second.connects()
    second.connects()
    talk.generate_reply.assert_called_once()
    await session.aclose()


async def test_what_a_connection_that_was_left_says_of_going_away_is_not_told() -> None:
    model = Model(first=(first := Connection()), second=(second := Connection()))
    session = session_on(model)
    first.fails()
    await event_of(session, "session_reconnected")
    first.emit("go_away", 50.0)
    model.tell.assert_not_called()
    second.emit("go_away", 50.0)
    model.tell.assert_called_once_with(ModelSessionChange.GO_AWAY)
    await session.aclose()
