"""Show how far a rehearsal is: a live table on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from callfleet_rehearsal.stack.rehearsal import Watcher

_DONE, _TO_COME = "●", "○"
_LINES_PER_RUN = 6


@dataclass(slots=True)
class _Call:
    state: str = "waits"
    turns: int = 0
    response_seconds: float | None = None


class Progress:
    """The state of all calls, as it changes."""

    def __init__(self, calls: int, turns: int) -> None:
        self._calls = {call: _Call() for call in range(calls)}
        self._turns = turns
        self._started = time.monotonic()
        self._spinner = Spinner("dots")
        self.text = "starts"

    @property
    def turns_done(self) -> int:
        """Turns of all calls so far."""
        return sum(call.turns for call in self._calls.values())

    @property
    def turns_due(self) -> int:
        """Turns of all calls that there are to be."""
        return len(self._calls) * self._turns

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take one event of a caller; events of kinds unknown here change nothing."""
        call = self._calls.get(event.get("call", -1))
        if call is None:
            return
        match event.get("event"):
            case "joined":
                call.state = "waits for the greeting"
            case "answered":
                call.state = "talks"
            case "turn":
                call.turns += 1
                seconds = event.get("response_seconds")
                call.response_seconds = seconds if isinstance(seconds, int | float) else None
            case "ended":
                call.state = str(event.get("end", "ended")).replace("_", " ")

    def line(self) -> str:
        """Say in one line how far it is."""
        talking = sum(1 for call in self._calls.values() if call.state == "talks")
        return f"{talking} calls talk, {self.turns_done} of {self.turns_due} turns done"

    def __rich__(self) -> RenderableType:
        seconds = time.monotonic() - self._started
        # The same one each time: a new one stands at its first frame.
        self._spinner.update(text=f"{self.text}  [dim]{seconds:.0f} s[/dim]")
        if not any(call.state != "waits" for call in self._calls.values()):
            return self._spinner
        table = Table("call", "state", "turns", "latest response", box=None, pad_edge=False)
        for number, call in self._calls.items():
            dots = _DONE * call.turns + _TO_COME * max(0, self._turns - call.turns)
            response = (
                "" if call.response_seconds is None else f"{call.response_seconds * 1e3:.0f} ms"
            )
            table.add_row(str(number), call.state, dots, response)
        return Group(self._spinner, table)


@contextmanager
def shown(console: Console, calls: int, turns: int) -> Iterator[Watcher]:
    """Show progress while the block runs."""
    progress = Progress(calls, turns)
    if console.is_terminal:
        with Live(progress, console=console, refresh_per_second=4, transient=True):
            yield Watcher(step=lambda text: setattr(progress, "text", text), call=progress.hear)
    else:
        yield _lines(console, progress)


def _lines(console: Console, progress: Progress) -> Watcher:
    started = time.monotonic()
    every = max(1, progress.turns_due // _LINES_PER_RUN)
    told = 0

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s  {text}", highlight=False)

    def hear(event: Mapping[str, Any]) -> None:
        nonlocal told
        progress.hear(event)
        if progress.turns_done >= told + every:
            told = progress.turns_done
            say(progress.line())

    return Watcher(step=say, call=hear)
