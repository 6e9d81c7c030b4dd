"""Import once, share with all: the process that calls' processes are forked from is forked here.

``multiprocessing`` starts its fork server as a new program, which imports everything again. Forked
from the parent before that has a thread or a loop, it holds the parent's own pages, copied only
where somebody writes; a worker starts in half the time and takes half the memory.

The private names are those of CPython 3.11 to 3.13, ``multiprocessing.forkserver``: what is done
here is ``ForkServer.ensure_running`` with ``fork`` in the place of ``exec``.
"""

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import connection, forkserver, resource_tracker

KNOWN_UP_TO = (3, 13)
END_SECONDS = 2.0


def can_fork() -> bool:
    """Say whether this process can be forked as it is; a thread would be missing in the fork."""
    return (
        sys.platform == "linux"
        and sys.version_info[:2] <= KNOWN_UP_TO
        and threading.active_count() == 1
    )


def fork_server() -> bool:
    """Fork the server of processes off this one; False where it has to start by itself later.

    Call it once all is imported, and before the first thread or event loop.
    """
    server = vars(vars(forkserver)["_forkserver"])
    if not can_fork() or server["_forkserver_pid"] is not None:
        return False
    resource_tracker.ensure_running()
    with socket.socket(socket.AF_UNIX) as listener:
        address = vars(connection)["arbitrary_address"]("AF_UNIX")
        listener.bind(address)
        os.chmod(address, 0o600)  # noqa: PTH101 - may be an abstract name
        listener.listen()
        # The server ends when nobody holds the other end any more.
        alive, held = os.pipe()
        # Collecting garbage writes to every object, which would copy every page.
        gc.collect()
        gc.freeze()
        _give_back_memory()
        pid = os.fork()
        if pid == 0:
            os.close(held)
            _serve(listener.detach(), alive)
        os.close(alive)
    server.update(_forkserver_address=address, _forkserver_alive_fd=held, _forkserver_pid=pid)
    return True


def _give_back_memory() -> None:
    """Return to the system what the imports used in passing: 8 MB that each fork would hold."""
    with suppress(AttributeError):
        # glibc's; musl has none, and needs none.
        ctypes.CDLL(None).malloc_trim(0)


def end_server() -> None:
    """Let the server of processes and its helper go, and wait for them: nothing is left behind."""
    server = vars(vars(forkserver)["_forkserver"])
    tracker = vars(vars(resource_tracker)["_resource_tracker"])
    held = ((server, "_forkserver_alive_fd", "_forkserver_pid"), (tracker, "_fd", "_pid"))
    for names, line, pid in held:
        if names.get(pid) is not None:
            os.close(names[line])
            _wait_for(names[pid])
            names.update({line: None, pid: None})


def _wait_for(pid: int) -> None:
    """Wait for a child that goes by itself; one that is still needed by others is left to them."""
    ends = time.monotonic() + END_SECONDS
    while time.monotonic() < ends:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
                continue
        return


def _serve(listener: int, alive: int) -> None:
    """Be the server, until nobody needs it; never return."""
    try:
        # As ``preload`` has it where the server is a program of its own.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        forkserver.main(listener, alive, [])
    finally:
        os._exit(0)
