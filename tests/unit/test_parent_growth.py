"""What a worker exports, and what it remembers, does not grow with the calls that it ever took."""

import asyncio
import gc
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest
import structlog
from short_calls import ListeningParent

FEW, MANY, REMEMBERED = 20, 2_000, 1_100
"""The last is how many calls fill what is remembered of those that ended."""
AT_A_TIME = 10
LEFT_OBJECTS = 100
SHARED = (type, ModuleType, FunctionType, CodeType, asyncio.AbstractEventLoop)
"""What everything refers to, and is nobody's memory of a call."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A parent after some calls."""

    series: frozenset[str]
    scrape_bytes: int
    ended: int
    active: int
    objects: int


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[int, Seen]]:
    """What a parent was after how many calls."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        yield asyncio.run(_take_calls(Path(folder) / "events.sock"))
    structlog.configure(**before)


async def _take_calls(path: Path) -> dict[int, Seen]:
    parent, found = ListeningParent(path), {}
    await parent.socket.open()
    for number in range(1, MANY + 1):
        parent.call(number)
        if number % AT_A_TIME == 0:
            await _has_heard(parent, number)
        if number in {FEW, REMEMBERED, MANY}:
            found[number] = _look(parent)
    await parent.socket.close(5)
    assert parent.deaths == []
    return found


async def _has_heard(parent: ListeningParent, calls: int) -> None:
    while parent.hearing.totals.ended < calls:  # noqa: ASYNC110 - it hears in this very loop
        await asyncio.sleep(0)


def _look(parent: ListeningParent) -> Seen:
    body, _ = parent.registry.shown("application/openmetrics-text; version=1.0.0")
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    hearing = parent.hearing
    return Seen(
        frozenset(line.partition(" ")[0] for line in lines),
        len(body),
        hearing.totals.ended,
        hearing.active,
        _objects_of(parent),
    )


def _objects_of(parent: ListeningParent) -> int:
    """Count what a parent holds on to, whatever it is and however it does."""
    gc.collect()
    known: dict[int, object] = {}
    waiting: list[object] = [parent]
    while waiting:
        one = waiting.pop()
        if id(one) not in known and not isinstance(one, SHARED):
            known[id(one)] = one
            # Of a dictionary whose keys are text it tells the values alone.
            waiting += [*gc.get_referents(one), *(one if isinstance(one, dict) else ())]
    return len(known)


def test_two_thousand_calls_make_no_series_that_twenty_did_not(seen: dict[int, Seen]) -> None:
    assert seen[MANY].ended == MANY
    new = seen[MANY].series - seen[FEW].series
    assert {series for series in new if 'tool="other"' not in series} == set()


def test_a_scrape_after_two_thousand_calls_is_as_large_as_after_twenty(
    seen: dict[int, Seen],
) -> None:
    # Numbers have more digits, and the calls have more tools than have names: nothing else.
    assert seen[MANY].scrape_bytes < 1.1 * seen[FEW].scrape_bytes


def test_calls_that_ended_leave_nothing_behind(seen: dict[int, Seen]) -> None:
    assert seen[MANY].active == 0
    assert seen[MANY].objects - seen[REMEMBERED].objects < LEFT_OBJECTS
