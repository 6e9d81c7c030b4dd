"""A process that leaves a child behind which holds all that was open, as a tool may fork one."""

import logging
import os
import signal
import socket
import time
from typing import Any

import psutil
from livekit.agents.ipc import channel, proto
from livekit.agents.ipc.log_queue import LogQueueHandler
from livekit.agents.ipc.supervised_proc import SupervisedProc, SupervisedProcKind

from callfleet_worker.upstream.jobs import Duplex

LAST_WORDS = "its last words"
_TOO_LONG_SECONDS = 600


def _start_fork_and_wait(line: socket.socket, log_line: socket.socket) -> None:
    logging.getLogger().addHandler(LogQueueHandler(Duplex.open(log_line)))
    to_parent = Duplex.open(line)
    channel.recv_message(to_parent, proto.IPC_MESSAGES)
    if os.fork() == 0:
        os.setsid()
        time.sleep(_TOO_LONG_SECONDS)
    logging.getLogger("a.tool").warning(LAST_WORDS)
    channel.send_message(to_parent, proto.InitializeResponse())
    time.sleep(_TOO_LONG_SECONDS)


class Forking(SupervisedProc):
    """Such a process, which the framework supervises as it does those of calls."""

    @property
    def process_kind(self) -> SupervisedProcKind:
        return SupervisedProcKind.JOB

    def _create_process(self, cch: socket.socket, log_cch: socket.socket) -> Any:
        return self._mp_ctx.Process(target=_start_fork_and_wait, args=(cch, log_cch))

    async def _main_task(self, ipc_ch: Any) -> None:
        async for _ in ipc_ch:
            pass

    def die(self) -> psutil.Process:
        """Have it killed outright; give the child that it leaves behind."""
        assert self.pid is not None
        (orphan,) = psutil.Process(self.pid).children()
        os.kill(self.pid, signal.SIGKILL)
        return orphan
