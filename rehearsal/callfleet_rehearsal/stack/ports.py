"""Free ports on the loopback address."""

import random
import socket

from callfleet_rehearsal.stack.errors import StackError

LOOPBACK = "127.0.0.1"
RELAYED = "127.0.0.2"
"""Loopback too, but nobody's own: what stands here hands on to ``LOOPBACK``."""

# Below what kernels hand out to outgoing connections, which could take a port between our look at
# it and the server's.
_RANGE = range(20_000, 32_000)
_TRIES = 200


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> tuple[int, ...]:
    """Find different ports that nobody listens on.

    Raises:
        StackError: there are hardly any left.

    """
    free: list[int] = []
    for port in random.sample(_RANGE, _TRIES):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return tuple(free)
    message = f"hardly a port is free between {_RANGE.start} and {_RANGE.stop}; end what holds them"
    raise StackError(message)
