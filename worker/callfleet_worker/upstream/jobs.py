"""Names that the framework keeps to itself, of how it runs a call's job in a process.

The rest of the worker takes them from here. ``private_names.py`` says what each is needed for.
"""

import logging
import socket
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

from livekit.agents._exceptions import AssignmentTimeoutError
from livekit.agents.ipc import job_proc_lazy_main, job_thread_executor, supervised_proc
from livekit.agents.ipc.job_proc_lazy_main import _JobProc as Job
from livekit.agents.ipc.log_queue import LogQueueListener
from livekit.agents.ipc.proc_client import _ProcClient as JobLine
from livekit.agents.utils.aio.duplex_unix import _AsyncDuplex as AsyncDuplex
from livekit.agents.utils.aio.duplex_unix import _Duplex as Duplex

__all__ = [
    "WARM_UP_MODULE",
    "AssignmentTimeoutError",
    "AsyncDuplex",
    "Duplex",
    "Job",
    "JobLine",
    "bound_session_close",
    "end_logs_with_their_process",
    "heed_ctrl_c_while_starting",
    "live_in_this_loop",
    "run_calls_in",
]

WARM_UP_MODULE = "livekit.agents.ipc._preload"
"""Importing it does the framework's own slow steps of a call's start."""


def heed_ctrl_c_while_starting() -> None:
    """Have a parent heed Ctrl-C also while it starts a process.

    The framework has it ignored, so that the process ignores it too; one that came then would be
    lost. ``parent/preload.py`` sees to the process in its place.
    """
    setattr(supervised_proc, "_mask_ctrl_c", nullcontext)  # noqa: B010 - mypy forbids the plain way


class _LogLine(Duplex):
    """A line that ends for whoever reads it when it is closed: closing alone would not wake him."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(line)
        self._end = partial(line.shutdown, socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._end()
        super().close()


class _LogListener(LogQueueListener):
    """Hears what a process logs until that is dead, whoever else holds its end of the line."""

    def __init__(self, line: Duplex, prepare: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(_LogLine(line.detach()), prepare)


def end_logs_with_their_process() -> None:
    """Have a dead process's log end, also where a child that a tool has forked still holds it.

    The framework waits for that end before it takes the process for gone: its slot would be taken,
    and the worker could not end, for as long as the child lives.
    """
    setattr(supervised_proc, "LogQueueListener", _LogListener)  # noqa: B010 - as above


def run_calls_in(make_executor: Callable[..., Any]) -> None:
    """Have a server of threads run each of its calls in what this makes, called as the class is."""
    # The framework looks its class up there whenever it starts an executor.
    setattr(job_thread_executor, "ThreadJobExecutor", make_executor)  # noqa: B010 - as above


def bound_session_close(seconds: float) -> None:
    """Give a call so long to close its session; by itself the framework gives it 60 s."""
    job_proc_lazy_main._SESSION_ACLOSE_TIMEOUT = seconds  # noqa: SLF001 - it has no setting


async def live_in_this_loop(line: JobLine) -> None:
    """Serve a line to the parent until it ends; ``run`` would make a loop of its own."""
    await line._monitor_task()  # noqa: SLF001 - what ``run`` runs
