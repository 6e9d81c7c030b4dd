"""How a fleet's status changed over time, as ``kubectl get vf -w`` would have shown it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from kube_api import ApiError

_LOOK_AGAIN_SECONDS = 0.25
_SHOWN = ("accepting", "starting", "draining", "calls", "slots", "desired", "why")


@dataclass(frozen=True)
class Moment:
    """What a status said, and since when."""

    at_seconds: float
    accepting: int
    starting: int
    draining: int
    calls: int
    slots: int
    desired: int
    why: str
    phase: str
    """Where its rollout stands."""

    def row(self) -> str:
        """Write it as a row of a table."""
        told = [str(getattr(self, name)) for name in _SHOWN]
        return f"| {self.at_seconds:.1f} | {' | '.join(told)} | {self.phase} |"


@dataclass
class History:
    """All that was seen, in order."""

    moments: list[Moment] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def note(self, status: dict[str, Any]) -> None:
        """Note a status, where it says something new."""
        last = self.moments[-1] if self.moments else None
        seen = Moment(
            at_seconds=time.monotonic() - self._began,
            **{name: status.get(name, 0) for name in _SHOWN},
            phase=(status.get("rollout") or {}).get("phase", ""),
        )
        if last is None or _content(last) != _content(seen):
            self.moments.append(seen)

    def table(self) -> str:
        """Write it for people."""
        head = f"| s | {' | '.join(_SHOWN)} | rollout |"
        rule = "|" + "---|" * (len(_SHOWN) + 2)
        return "\n".join([head, rule, *(one.row() for one in self.moments)])

    def mark(self) -> int:
        """Give the place of what is true now."""
        return len(self.moments) - 1

    def sizes(self, since: int = 0) -> list[int]:
        """Give the numbers of workers that were wanted one after the other."""
        wanted = [one.desired for one in self.moments[since:]]
        return [one for place, one in enumerate(wanted) if place == 0 or wanted[place - 1] != one]


@contextlib.asynccontextmanager
async def watched(look: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Have somebody look at a fleet while the block runs, as far as the API server answers."""

    async def watch() -> None:
        while True:
            with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError):
                await look()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _content(moment: Moment) -> tuple[object, ...]:
    return (moment.phase, *(getattr(moment, name) for name in _SHOWN))
