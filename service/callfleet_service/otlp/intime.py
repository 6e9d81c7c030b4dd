"""HTTP connections of which all that takes time ends at one instant: none of it begins it anew.

A timeout of requests' is one for each address that is tried, each part that is written and each
piece that is read, be it a byte. How long it takes to find a name's addresses is the system's.
"""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

SecondsLeft = Callable[[], float]
"""Raises an OSError where there are none."""


def put_in_time(pool: HTTPConnectionPool, left: SecondsLeft) -> None:
    """Give the connections that a pool makes from now on so long."""
    own: dict[Any, Any] = {HTTPConnection: _InTime, HTTPSConnection: _InTimeTls}
    if pool.ConnectionCls in own:
        vars(pool)["ConnectionCls"] = partial(own[pool.ConnectionCls], left)


class _InTime(HTTPConnection):
    """Connects, writes and reads with the time that is left."""

    def __init__(self, left: SecondsLeft, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._left = left
        vars(self)["response_class"] = partial(_Answer, left)

    def _new_conn(self) -> socket.socket:
        """Try the addresses of a name: each for its share, so that the last has one too."""
        found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        trouble = OSError("its name has no address")
        for number, (*kind, _, address) in enumerate(found):
            share = self._left() / (len(found) - number)
            try:
                with ExitStack() as undone:
                    sock = undone.enter_context(socket.socket(*kind))
                    for option in self.socket_options or ():
                        sock.setsockopt(*option)
                    sock.settimeout(share)
                    sock.connect(address)
                    undone.pop_all()
            except OSError as error:
                trouble = error
            else:
                sock.settimeout(self._left())
                return sock
        raise trouble

    def send(self, data: Any) -> None:
        """Write a part of the request."""
        if self.sock is not None:
            self.sock.settimeout(self._left())
        super().send(data)


class _InTimeTls(_InTime, HTTPSConnection):
    """The same over TLS."""


class _Answer(HTTPResponse):
    """Read with the time that is left, from its first line on."""

    def __init__(self, left: SecondsLeft, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self.fp = BufferedReader(_Pieces(sock, left))


class _Pieces(RawIOBase):
    """What comes, piece by piece."""

    def __init__(self, sock: socket.socket, left: SecondsLeft) -> None:
        self._sock, self._left = sock, left
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: Any) -> int | None:
        """Wait for a piece."""
        self._sock.settimeout(self._left())
        return self._raw.readinto(into)

    def close(self) -> None:
        """Let go of the connection."""
        self._raw.close()
        super().close()
