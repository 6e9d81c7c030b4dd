"""Clients of the emulator for tests: a raw websocket, a caller's sound, and sessions of the SDK."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import orjson
import websockets
from google import genai
from google.genai import types
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_rehearsal.emulator.frame_case import LIVE_25
from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import Marker, Speaker, render

RATE = 16_000
PIECE = RATE // 50
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
KEY = "good-key"
QUICK = EmulatorConfig(playback_speed=20)
PATIENCE_SECONDS = 60


def trust(emulator: Emulator) -> ssl.SSLContext:
    """Trust the emulator's authority and nobody else."""
    return ssl.create_default_context(cafile=str(emulator.ca_file))


@contextlib.asynccontextmanager
async def raw(
    emulator: Emulator, path: str = PATH, headers: dict[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    """Open a websocket without any SDK."""
    url = emulator.url.replace("https", "wss") + path
    chosen = {"x-goog-api-key": KEY} if headers is None else headers
    async with websockets.connect(
        url, ssl=trust(emulator), additional_headers=chosen, proxy=None, close_timeout=1
    ) as socket:
        yield socket


async def send(socket: ClientConnection, frame: Any) -> None:
    """Send JSON to be, or text or bytes as they are."""
    raw_frame = frame if isinstance(frame, str | bytes) else orjson.dumps(frame).decode()
    await socket.send(raw_frame)


async def receive(socket: ClientConnection, *keys: str) -> dict[str, Any]:
    """Receive until a message has this path of keys."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            body: dict[str, Any] = orjson.loads(await socket.recv(decode=False))
            found: Any = body
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return body


async def set_up(socket: ClientConnection, model: str = LIVE_25, **fields: Any) -> None:
    """Do the setup and wait for its answer."""
    await send(socket, {"setup": {"model": model, **fields}})
    await receive(socket, "setupComplete")


def client(emulator: Emulator, key: str = KEY, **options: Any) -> genai.Client:
    """Make an unmodified SDK client that talks to the emulator."""
    http = types.HttpOptions(
        base_url=emulator.url, async_client_args={"ssl": trust(emulator)}, **options
    )
    return genai.Client(api_key=key, http_options=http)


def utterance(marker: Marker | None, number: int = 0, seconds: float = 0.7) -> bytes:
    """What a caller says: a marker, if any, and the first part of a clip."""
    clip = question(number).samples[: round(seconds * RATE)]
    sound = clip if marker is None else np.concatenate([render(marker, Speaker.CALLER, RATE), clip])
    return pcm(sound)


def pcm(samples: NDArray[np.int16]) -> bytes:
    """Write samples as they go over the wire."""
    return samples.astype("<i2").tobytes()


def hush(seconds: float) -> bytes:
    """So much silence."""
    return bytes(2 * round(seconds * RATE))


async def pieces(sound: bytes) -> AsyncIterator[bytes]:
    """Cut sound into 20 ms and hand each out when it would have been recorded."""
    due = time.monotonic()
    for start in range(0, len(sound), 2 * PIECE):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield sound[start : start + 2 * PIECE]
        due += 0.02
