"""Runs once in the process that all calls' processes are forked from; imported nowhere else.

Whoever signals a whole process group or control group (systemd, a shell) means the parent, which
lets calls finish. That process must not die of it: the parent would take every call for dead.
It ends by itself when the parent does. What it forks heeds neither signal from its first step on.
"""

import signal
import sys

if sys.argv[:1] == ["-c"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
