"""Be the first process of a node: bury its orphans, and end when the owner's pipe ends.

The kernel ends every process of the node with this one, and removes its mounts and its network.
Imports nothing but the standard library: it starts once for each node, and stays.

    keeper.py PLAN      JSON: {"commands": [[...], ...]} to run first, {"ready": "path"} to make
                        when they have run, {"owned": true} to follow standard input
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

_LOOK_AGAIN_SECONDS = 60.0


def prepare(commands: list[list[str]]) -> None:
    """Run the commands that furnish the node; the first that fails ends it."""
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


def bury() -> None:
    """Take note of every orphan that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass


def keep(wakeup: int, owner: int | None) -> None:
    """Bury orphans until the owner's pipe ends, or for ever."""
    watched = [wakeup] if owner is None else [wakeup, owner]
    while True:
        ready, _, _ = select.select(watched, [], [], _LOOK_AGAIN_SECONDS)
        if wakeup in ready:
            os.read(wakeup, 4096)
        bury()
        if owner in ready and not os.read(owner, 4096):
            return


def main(plan_file: str) -> None:
    """Furnish the node, say so, and keep it."""
    plan = json.loads(Path(plan_file).read_text(encoding="utf-8"))
    prepare(plan["commands"])
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Path(plan["ready"]).touch()
    keep(wakeup, sys.stdin.fileno() if plan["owned"] else None)


if __name__ == "__main__":
    main(sys.argv[1])
