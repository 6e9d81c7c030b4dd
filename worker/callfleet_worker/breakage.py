"""What becomes of a part that breaks: it is told, and the others go on.

An error is told by its kind and place, never by its text, in which servers and tools repeat what
callers said.
"""

import asyncio
import traceback
from collections.abc import Coroutine, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from livekit import api

STEP_SECONDS = 5.0
_INNERMOST = 4
_MACHINERY = frozenset(
    {
        "__main__",
        "asyncio",
        "callfleet",
        "concurrent",
        "contextlib",
        "functools",
        "livekit",
        "multiprocessing",
        "opentelemetry",
        "runpy",
        "threading",
        "uvloop",
    }
)
_LOOPS = frozenset(
    {
        "asyncio.base_events",
        "asyncio.events",
        "asyncio.runners",
        # uvloop has no frames: this is who runs it.
        "livekit.agents.ipc.proc_client",
    }
)
_OUR_MACHINERY = (
    "callfleet_worker.agents.watching",
    "callfleet_worker.command",
    "callfleet_worker.parent",
)

_log = structlog.get_logger(__name__)


def kind_of(error: BaseException) -> str:
    """Name an error's type, and the code under which a server refused."""
    code = error.code if isinstance(error, api.TwirpError) else ""
    return f"{type(error).__name__} {code}".strip()


def place_of(error: BaseException) -> str:
    """Name the innermost lines that an error came through, outermost first."""
    return _written(list(traceback.walk_tb(error.__traceback__))[-_INNERMOST:])


def place_of_stack(innermost: FrameType) -> str:
    """Name where a thread is: the code that its loop called, then the innermost lines.

    What the loop and the framework do to get there is left out, unless there is nothing else.
    """
    steps = list(traceback.walk_stack(innermost))[::-1]
    loops = [at for at, (frame, _) in enumerate(steps) if _module(frame) in _LOOPS]
    steps = steps[max(loops, default=-1) + 1 :] or steps
    called = next((at for at, step in enumerate(steps) if not _is_machinery(step[0])), 0)
    innermost_at = max(called, len(steps) - _INNERMOST)
    return _written([*steps[called : min(called + 1, innermost_at)], *steps[innermost_at:]])


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_machinery(frame: FrameType) -> bool:
    """Whether code only leads to other code: loop, framework, and what of ours is around a call."""
    name = _module(frame)
    return name.partition(".")[0] in _MACHINERY or name.startswith(_OUR_MACHINERY)


def _written(steps: Iterable[tuple[FrameType, int]]) -> str:
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
