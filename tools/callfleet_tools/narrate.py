"""Show a build's progress on stderr: a live line on a terminal, one line a step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from callfleet_tools.build import Step, Tell


@contextmanager
def narrated(title: str) -> Iterator[Tell]:
    """Tell of one build's steps while the block runs, and at its end how long it took."""
    console = Console(stderr=True, highlight=False)
    started = time.monotonic()
    with _live(console, title) if console.is_terminal else _lines(console, title) as tell:
        yield tell
    console.print(f"{title}: ready after {time.monotonic() - started:.0f} s")


@contextmanager
def _live(console: Console, title: str) -> Iterator[Tell]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def tell(step: Step) -> None:
            progress.update(
                task,
                description=f"{title}: {step.text}",
                completed=step.done,
                total=step.total or None,
            )

        yield tell


@contextmanager
def _lines(console: Console, title: str) -> Iterator[Tell]:
    told = ""

    def tell(step: Step) -> None:
        nonlocal told
        if step.text != told:
            told = step.text
            of = f" {step.total} packages" if step.total else ""
            console.print(f"{title}: {step.text}{of}")

    yield tell
