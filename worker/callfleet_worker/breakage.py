"""What becomes of a part that breaks: it is told, and the others go on.

An error is told by its kind and place, never by its text, in which servers and tools repeat what
callers said.
"""

import asyncio
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
from livekit import api

STEP_SECONDS = 5.0
_INNERMOST = 4

_log = structlog.get_logger(__name__)


def kind_of(error: BaseException) -> str:
    """Name an error's type, and the code under which a server refused."""
    code = error.code if isinstance(error, api.TwirpError) else ""
    return f"{type(error).__name__} {code}".strip()


def place_of(error: BaseException) -> str:
    """Name the innermost lines that an error came through, outermost first."""
    steps = list(traceback.walk_tb(error.__traceback__))[-_INNERMOST:]
    return " > ".join(
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        for frame, line in steps
    )


def failure_of(task: asyncio.Task[Any]) -> BaseException | None:
    """Tell what a finished part broke with.

    A part that nobody cancelled and that ends as if somebody had is as broken as any other: what
    it waited for was cancelled under it.
    """
    if not task.cancelled():
        return task.exception()
    return None if task.cancelling() else asyncio.CancelledError()


def tell_broken(part: str, error: BaseException) -> None:
    """Log that a part of the call broke, how and where."""
    _log.error("a part of the call broke", part=part, error=kind_of(error), at=place_of(error))


async def attempt(work: Coroutine[Any, Any, None], part: str) -> None:
    """Take one step of several; if it breaks or hangs, that is told and the next can be taken."""
    task = asyncio.create_task(work, name=part)
    await asyncio.wait((task,), timeout=STEP_SECONDS)
    if not task.done():
        task.cancel()
        _log.warning("a part of the call did not close in time", part=part)
    elif (error := failure_of(task)) is not None:
        tell_broken(part, error)
