"""Read JSON lines from a process while watching the clock."""

import json
import os
import selectors
import subprocess
from typing import Any

_CHUNK = 1 << 16


class Lines:
    """The JSON objects that a process writes on its standard output, one a line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is None:
            message = "the process was started without a pipe; start it with piped=True"
            raise ValueError(message)
        self._output = process.stdout.fileno()
        self._rest = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def wait(self, seconds: float) -> list[dict[str, Any]] | None:
        """Give what has come, waiting at most so long for the first; None after the end.

        Lines that are no JSON objects are left out: libraries print what they like.
        """
        if not self._selector.select(seconds):
            return []
        chunk = os.read(self._output, _CHUNK)
        if not chunk:
            self._selector.close()
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for line in lines if (event := _object(line)) is not None]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
