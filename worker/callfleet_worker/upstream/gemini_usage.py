"""Let no usage message that cannot be read cost a call its connection.

google-genai validates a message as a whole: a count that is no number makes the session break, and
the reply in the same message is lost with it.
"""

import json
from typing import Any

from google.genai.live import AsyncSession

_KEY = "usageMetadata"
_UNREADABLE = {"promptTokenCount": -1}
"""Read as what cannot be right, and counts nothing."""


class ReadableWire:
    """A session's websocket, whose usage messages its client can read."""

    def __init__(self, wire: Any, client: Any) -> None:
        self._wire, self._client = wire, client

    def __getattr__(self, name: str) -> Any:
        """Be the websocket in all else."""
        return getattr(self._wire, name)

    async def recv(self, **how: Any) -> bytes:
        """Receive a message."""
        message: bytes = await self._wire.recv(**how)
        return await self._readable(message) if _KEY.encode() in message else message

    async def _readable(self, message: bytes) -> bytes:
        """Give a message as it is, or with a usage that says that it cannot be right."""
        try:
            told = json.loads(message)
        except ValueError:
            return message  # no JSON: that is told elsewhere
        usage = told.get(_KEY) if isinstance(told, dict) else None
        if usage is None or (isinstance(usage, dict) and await self._can_read(usage)):
            return message
        return json.dumps({**told, _KEY: _UNREADABLE}).encode()

    async def _can_read(self, usage: dict[str, Any]) -> bool:
        """Try: Vertex names its counts otherwise than the Gemini API does."""
        alone: Any = _Alone(json.dumps({_KEY: usage}).encode())
        try:
            session = AsyncSession(api_client=self._client, websocket=alone)
            await session._receive()  # noqa: SLF001 - as the plugin's session reads
        except Exception:  # noqa: BLE001 - whatever it is, it would be the session's end
            return False
        return True


class _Alone:
    """A websocket with one message."""

    def __init__(self, message: bytes) -> None:
        self._message = message

    async def recv(self, **_: Any) -> bytes:
        return self._message
