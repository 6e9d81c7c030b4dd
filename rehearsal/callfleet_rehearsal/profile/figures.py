"""Add up where time went. No clock, no files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from callfleet_rehearsal.profile.stacks import Stack, Stretch, is_callback, part_of, title_of

MEDIA_THREADS = {
    "tokio-rt-worker": "the engine's own: rooms, packets, frames to Python",
    "AudioEncoderQue": "Opus, of the agent's voice",
    "SyntheticAudioD": "the engine's device: decodes and mixes the caller",
    "AudioSourceCapt": "the agent's voice into the engine",
    "network_thread": "packets and encryption",
    "worker_thread": "calls' media channels",
    "signaling_threa": "calls' set-up",
    "livekit-audio": "sound between engine and Python",
    "rtc-low-prio": "what can wait",
}
"""What is known of the media engine's threads: the kernel keeps fifteen letters of a name."""
MAIN_THREAD = "main"
MAIN_MEANING = "Python: the event loop of all calls"
OTHER_MEANING = "Python's other threads, or none that is known"

ThreadTimes = Mapping[tuple[int, int], tuple[str, float]]
"""By process and thread: the kernel's name of it, and its CPU seconds so far."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: seconds of all calls."""

    name: str
    meaning: str
    seconds: float


def thread_name(process: int, thread: int, kernels: str) -> str:
    """Name a thread as its fellows: without numbers and addresses, the first of all by its role."""
    if process == thread:
        return MAIN_THREAD
    first = kernels.split(" ", maxsplit=1)[0]
    return first.rstrip("0123456789-_:") or first


def by_thread(before: ThreadTimes, after: ThreadTimes) -> list[Row]:
    """Add up CPU seconds between two readings by thread name, the dearest first.

    A thread that ended in between is left out.
    """
    spent: dict[str, float] = {}
    for (process, thread), (kernels, seconds) in after.items():
        name = thread_name(process, thread, kernels)
        _, so_far = before.get((process, thread), ("", 0.0))
        spent[name] = spent.get(name, 0.0) + seconds - so_far
    known = {MAIN_THREAD: MAIN_MEANING, **MEDIA_THREADS}
    rows = [Row(name, known.get(name, OTHER_MEANING), each) for name, each in spent.items()]
    return sorted(rows, key=lambda row: -row.seconds)


def python_share(threads: Iterable[Row], sampled: float) -> float:
    """Say what part of a sampled second was CPU: a thread that waits for a core is sampled too."""
    main = sum(row.seconds for row in threads if row.name == MAIN_THREAD)
    return min(1.0, main / sampled) if sampled else 1.0


def by_part(seconds: Mapping[Stack, float]) -> list[Row]:
    """Add up self time by whose code it is, the dearest first."""
    return _added(seconds, lambda stack: [part_of(stack[-1])])


def by_function(seconds: Mapping[Stack, float]) -> list[Row]:
    """Add up self time by function, the dearest first."""
    return _added(seconds, lambda stack: [title_of(stack[-1])])


def with_callees(seconds: Mapping[Stack, float]) -> list[Row]:
    """Add up the time of each function of ours and of all that it calls, the dearest first."""

    def ours(stack: Stack) -> Iterable[str]:
        return {title_of(frame) for frame in stack if part_of(frame).startswith("callfleet_worker")}

    return _added(seconds, ours)


def _added(seconds: Mapping[Stack, float], names: Callable[[Stack], Iterable[str]]) -> list[Row]:
    spent: dict[str, float] = {}
    for stack, each in seconds.items():
        for name in names(stack):
            spent[name] = spent.get(name, 0.0) + each
    return sorted(
        (Row(name, "", each) for name, each in spent.items()), key=lambda row: -row.seconds
    )


@dataclass(frozen=True, slots=True)
class Standstill:
    """A stretch in which one callback had the main loop to itself, as far as samples tell."""

    at_seconds: float
    seconds: float
    callback: str
    deepest: str
    """The function in which most of it was spent."""


def standstills(stretches: Iterable[Stretch]) -> list[Standstill]:
    """Find for how long each callback kept an event loop from turning, the longest first.

    Two callbacks of one function that follow each other between two samples look like one.
    """
    found: list[Standstill] = []
    open_: dict[int, list[Stretch]] = {}

    def close(thread: int) -> None:
        held = open_.pop(thread, [])
        if held:
            found.append(_standstill(held))

    for one in stretches:
        held = open_.get(one.thread, [])
        callback = _callback(one.stack)
        if held and (one.starts > held[-1].ends or callback != _callback(held[-1].stack)):
            close(one.thread)
        if callback:
            open_.setdefault(one.thread, []).append(one)
    for thread in list(open_):
        close(thread)
    return sorted(found, key=lambda one: -one.seconds)


def _callback(stack: Stack) -> str:
    """Name the function that a loop called; nothing where it called none, or there is no loop."""
    return title_of(stack[1]) if is_callback(stack) else ""


def _standstill(held: list[Stretch]) -> Standstill:
    spent: dict[Stack, float] = {}
    for one in held:
        spent[one.stack] = spent.get(one.stack, 0.0) + one.ends - one.starts
    return Standstill(
        at_seconds=held[0].starts,
        seconds=held[-1].ends - held[0].starts,
        callback=_callback(held[0].stack),
        deepest=by_function(spent)[0].name,
    )
