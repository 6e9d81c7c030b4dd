"""Let no usage message that cannot be read cost a call its connection.

google-genai validates a message as a whole: a count that is no number makes the session break, and
the reply in the same message is lost with it.
"""

import json
from typing import Any

from google.genai.types import UsageMetadata
from pydantic import ValidationError

_KEY = "usageMetadata"
_UNREADABLE = {"promptTokenCount": -1}
"""Read as what cannot be right, and counts nothing."""


def readable(message: bytes) -> bytes:
    """Give a message of the model's as it is, or with a usage that says that it cannot be right."""
    if _KEY.encode() not in message:
        return message
    try:
        told = json.loads(message)
        usage = told.get(_KEY) if isinstance(told, dict) else None
        if usage is not None:
            UsageMetadata.model_validate(usage)
    except ValidationError:
        told[_KEY] = _UNREADABLE
        return json.dumps(told).encode()
    except ValueError:
        return message  # no JSON: that is told elsewhere
    return message


class ReadableWire:
    """A session's websocket, whose usage messages can be read."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        """Be the websocket in all else."""
        return getattr(self._wire, name)

    async def recv(self, **how: Any) -> bytes:
        """Receive a message."""
        return readable(await self._wire.recv(**how))
