"""What the agent does is shown where it can be, and costs no call where it cannot."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from structlog.testing import capture_logs

from callfleet_worker.bridge.showing import AGENT_STATE, StateShow


class Room:
    """A room that is connected, with an agent in it."""

    def __init__(self, **told: Any) -> None:
        self.set_attributes = AsyncMock(**told)
        self.local_participant = SimpleNamespace(set_attributes=self.set_attributes)

    def isconnected(self) -> bool:
        return True


class Parts:
    """Runs parts of a call, and keeps them."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work, name=name))
        return self.tasks[-1]


def show_in(room: Any, parts: Parts) -> StateShow:
    return StateShow(room, parts.spawn)


@pytest.mark.parametrize("error", [RuntimeError("+15550100 said no"), TimeoutError()])
async def test_a_state_that_cannot_be_shown_is_told_and_breaks_nothing(error: Exception) -> None:
    parts = Parts()
    with capture_logs() as lines:
        show_in(Room(side_effect=error), parts).show("speaking")
        await parts.tasks[0]
    assert [(line["log_level"], line["error"]) for line in lines] == [
        ("warning", type(error).__name__)
    ]


async def test_only_the_newest_state_is_told() -> None:
    parts, room = Parts(), Room()
    show = show_in(room, parts).show
    show("thinking")
    show("speaking")
    await asyncio.wait(parts.tasks)
    room.set_attributes.assert_awaited_once_with({AGENT_STATE: "speaking"})
