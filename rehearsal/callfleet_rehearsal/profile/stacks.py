"""Read what py-spy writes, and say whose code a stack is in. No clock, no files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FRAME = re.compile(r"^(?P<function>.*?) \((?P<file>.*?)(?::(?P<line>\d+))?\)$")
_OURS = re.compile(r"(?:^|/)(callfleet(?:_\w+)?)/(.+)\.py$")
_INSTALLED = re.compile(r"/site-packages/(.+)$")
_NAMESPACES = ("livekit", "google", "livekit/plugins")
"""Folders that several distributions share: the part below them is named as well."""
_LOOP = re.compile(r"(?:^|\.)(?:run|run_until_complete|run_forever|_run_once|_run)$")
_LOOP_FILES = ("/asyncio/runners.py", "/asyncio/base_events.py", "/asyncio/events.py")
_LOOP_FILES_OF_OTHERS = ("/livekit/agents/ipc/proc_client.py",)
_POLLS = "Selector.select"

LOOP = "the event loop itself"
STANDARD_LIBRARY = "standard library"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of a stack."""

    function: str
    file: str


Stack = tuple[Frame, ...]
"""The outermost function first."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """For how long a thread showed one stack: seconds since the sampling began."""

    thread: int
    starts: float
    ends: float
    stack: Stack


def parse_collapsed(text: str, rate: int) -> dict[Stack, float]:
    """Read py-spy's raw format: a line for each stack, and how many samples showed it.

    Args:
        text: ``function (file:line);… count``, the outermost first.
        rate: Samples a second.

    Returns:
        The seconds of each stack; lines of one function count as one.

    """
    seconds: dict[Stack, float] = {}
    for line in text.splitlines():
        written, _, count = line.rpartition(" ")
        if written and count.isdecimal():
            stack = within_loop([_frame(one) for one in written.split(";")])
            seconds[stack] = seconds.get(stack, 0.0) + int(count) / rate
    return seconds


def _frame(written: str) -> Frame:
    found = _FRAME.match(written)
    return Frame(found["function"], found["file"]) if found else Frame(written, "")


def parse_trace(events: Iterable[Mapping[str, Any]]) -> Iterator[Stretch]:
    """Read py-spy's trace: the begin and end of each function, in microseconds, in their order."""
    stacks: dict[int, list[Frame]] = {}
    since: dict[int, float] = {}
    for event in events:
        thread, at = event["tid"], event["ts"] / 1e6
        stack = stacks.setdefault(thread, [])
        if stack and at > since[thread]:
            yield Stretch(thread, since[thread], at, within_loop(stack))
        since[thread] = at
        if event["ph"] == "B":
            stack.append(Frame(event["name"], event.get("args", {}).get("filename", "")))
        elif event["ph"] == "E" and stack:
            stack.pop()


def is_loop(frame: Frame) -> bool:
    """Whether a function turns an event loop."""
    at_home = frame.file.endswith(_LOOP_FILES + _LOOP_FILES_OF_OTHERS)
    return at_home and _LOOP.search(frame.function) is not None


def within_loop(stack: list[Frame]) -> Stack:
    """Leave out what is around an event loop: how its process came to be is the same each time."""
    turning = [number for number, frame in enumerate(stack) if is_loop(frame)]
    return tuple(stack[turning[-1] :] if turning else stack)


def is_callback(stack: Stack) -> bool:
    """Whether an event loop has called something, and does not poll.

    Where idle threads are shown as well, that of any other thread would not tell work from waiting.
    """
    return is_loop(stack[0]) and len(stack) > 1 and not stack[-1].function.endswith(_POLLS)


def called(stretches: Iterable[Stretch]) -> dict[Stack, float]:
    """Add up the seconds of each stack of what event loops called."""
    seconds: dict[Stack, float] = {}
    for one in stretches:
        if is_callback(one.stack):
            seconds[one.stack] = seconds.get(one.stack, 0.0) + one.ends - one.starts
    return seconds


def part_of(frame: Frame) -> str:
    """Whose code a function is: a part of a room of ours, a package, or the standard library."""
    if is_loop(frame):
        return LOOP
    installed = _INSTALLED.search(frame.file)
    if installed is None:
        ours = _OURS.search(frame.file)
        if ours is not None:
            return f"{ours[1]}.{ours[2].partition('/')[0]}"
        return "asyncio" if "/asyncio/" in frame.file else STANDARD_LIBRARY
    steps = installed[1].split("/")
    depth = max(
        (name.count("/") + 2 for name in _NAMESPACES if installed[1].startswith(f"{name}/")),
        default=1,
    )
    return ".".join(steps[:depth]).removesuffix(".py")


def title_of(frame: Frame) -> str:
    """Name a function with where it is, short enough to be read."""
    installed = _INSTALLED.search(frame.file)
    ours = _OURS.search(frame.file)
    if installed is not None:
        where = installed[1]
    elif ours is not None:
        where = f"{ours[1]}/{ours[2]}.py"
    else:
        where = "/".join(frame.file.split("/")[-2:])
    return f"{frame.function} ({where})"


def collapsed(seconds: Mapping[Stack, float]) -> str:
    """Write stacks as flame graphs are made of: a line for each, with its milliseconds."""
    lines = (
        f"{';'.join(title_of(frame) for frame in stack)} {round(spent * 1000)}"
        for stack, spent in seconds.items()
    )
    return "\n".join(sorted(lines)) + "\n"
