"""The floor: caller and model joined by as little as goes. No worker, no session, no tools.

One process, one loop. Sound that comes is sent on as it is; sound that the model sends is played;
an interruption empties the queue. Rooms are found by asking the server for them. Nothing is
measured, logged, supervised or mended: it shows what an agent cannot cost less than.
"""

import asyncio
import base64
import itertools
import json
import os
import ssl
from collections.abc import Callable
from typing import Any

import uvloop
import websockets
from aiohttp import web
from livekit import api, rtc
from livekit.rtc._ffi_client import FfiClient, FfiQueue
from livekit.rtc._proto.audio_frame_pb2 import AUDIO_STREAM_NATIVE
from livekit.rtc._proto.ffi_pb2 import FfiEvent, FfiRequest

HEARD_RATE, SPOKEN_RATE = 16_000, 24_000
QUEUE_MS = 200
LOOK_SECONDS = 0.05
MODEL_PATH = (
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=bench"
)
SETUP = {
    "setup": {
        "model": "models/gemini-2.5-flash-native-audio-preview-12-2025",
        "generationConfig": {"responseModalities": ["AUDIO"]},
    }
}
GREET = {
    "clientContent": {
        "turns": [{"role": "user", "parts": [{"text": "Greet the user."}]}],
        "turnComplete": True,
    }
}


class Events(FfiQueue[FfiEvent]):
    """Hands an event of a stream, or of a frame that was played, to the one that it is for."""

    def __init__(self, before: FfiQueue[FfiEvent]) -> None:
        super().__init__()
        self._subscribers = before._subscribers  # noqa: SLF001 - takes its place
        self.loop = asyncio.get_running_loop()
        self.streams: dict[int, Callable[[FfiEvent], Any]] = {}
        self.played: dict[int, asyncio.Future[None]] = {}

    def put(self, item: FfiEvent) -> None:
        """Runs in the engine's threads."""
        kind = item.WhichOneof("message")
        if kind == "audio_stream_event":
            take = self.streams.get(item.audio_stream_event.stream_handle)
            if take is not None:
                self.loop.call_soon_threadsafe(take, item)
        elif kind == "capture_audio_frame":
            done = self.played.pop(item.capture_audio_frame.async_id, None)
            if done is not None:
                self.loop.call_soon_threadsafe(done.set_result, None)
        else:
            super().put(item)


class Call:
    """One room with one caller in it."""

    numbers = itertools.count(1 << 62)

    def __init__(self, room: str, token: str, events: Events) -> None:
        self.name, self.token, self.events = room, token, events
        self.room = rtc.Room()
        self.source = rtc.AudioSource(SPOKEN_RATE, 1, queue_size_ms=QUEUE_MS)
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.spoken: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def live(self, context: ssl.SSLContext) -> None:
        """Talk until the caller leaves."""
        self.room.on("track_subscribed", lambda track, *_: self.listen(track))
        self.room.on("participant_disconnected", lambda _: self.gone.set())
        self.room.on("disconnected", lambda _: self.gone.set())
        url = os.environ["GOOGLE_GEMINI_BASE_URL"].replace("http", "ws", 1) + MODEL_PATH
        async with websockets.connect(url, ssl=context, compression=None) as model:
            await model.send(json.dumps(SETUP))
            await self.room.connect(os.environ["LIVEKIT_URL"], self.token)
            track = rtc.LocalAudioTrack.create_audio_track("agent", self.source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            published = await self.room.local_participant.publish_track(track, options)
            await model.recv()
            await published.wait_for_subscription()
            await model.send(json.dumps(GREET))
            parts = [self.send(model), self.receive(model), self.play()]
            tasks = [asyncio.create_task(part) for part in parts]
            await self.gone.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await self.room.disconnect()

    def listen(self, track: rtc.Track) -> None:
        """Hear a track, at the model's rate, in small frames."""
        request = FfiRequest()
        asked = request.new_audio_stream
        asked.track_handle = track._ffi_handle.handle  # noqa: SLF001 - as rtc.AudioStream does
        asked.type = AUDIO_STREAM_NATIVE
        asked.sample_rate, asked.num_channels, asked.frame_size_ms = HEARD_RATE, 1, 20
        stream = FfiClient.instance.request(request).new_audio_stream.stream
        self.events.streams[stream.handle.id] = self.take

    def take(self, event: FfiEvent) -> None:
        """Take a frame."""
        if event.audio_stream_event.HasField("frame_received"):
            owned = event.audio_stream_event.frame_received.frame
            frame = rtc.AudioFrame._from_owned_info(owned)  # noqa: SLF001 - frees it
            self.heard.put_nowait(bytes(frame.data.cast("B")))

    async def send(self, model: Any) -> None:
        """Pass the caller's sound on."""
        head = '{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"'
        while True:
            sound = await self.heard.get()
            await model.send(head + base64.b64encode(sound).decode() + '"}}}')

    async def receive(self, model: Any) -> None:
        """Take the model's sound, and fall silent when it says that it was interrupted."""
        async for message in model:
            content = json.loads(message).get("serverContent", {})
            if content.get("interrupted"):
                self.spoken = asyncio.Queue()
                self.source.clear_queue()
            for part in content.get("modelTurn", {}).get("parts", ()):
                self.spoken.put_nowait(base64.b64decode(part["inlineData"]["data"]))

    async def play(self) -> None:
        """Play what is there, as the engine has room for it."""
        while True:
            sound = await self.spoken.get()
            frame = rtc.AudioFrame(sound, SPOKEN_RATE, 1, len(sound) // 2)
            number = next(self.numbers)
            done = self.events.played[number] = self.events.loop.create_future()
            request = FfiRequest()
            asked = request.capture_audio_frame
            asked.source_handle = self.source._ffi_handle.handle  # noqa: SLF001 - as rtc does
            asked.buffer.CopyFrom(frame._proto_info())  # noqa: SLF001 - as rtc does
            asked.request_async_id = number
            FfiClient.instance.request(request)
            await done


async def main() -> None:
    """Answer every room that there is, once."""
    client = FfiClient.instance
    events = client._queue = Events(client._queue)  # noqa: SLF001 - no other way in
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    health = web.Application()
    health.router.add_get("/", lambda _: asyncio.sleep(0, web.Response(text="OK")))
    app = web.AppRunner(health)
    await app.setup()
    await web.TCPSite(app, "127.0.0.1", int(os.environ["BENCH_PORT"])).start()
    calls: dict[str, asyncio.Task[None]] = {}
    async with api.LiveKitAPI() as asked:
        while True:
            found = await asked.room.list_rooms(api.ListRoomsRequest())
            for name in {room.name for room in found.rooms} - calls.keys():
                grants = api.VideoGrants(room_join=True, room=name)
                agent = api.AccessToken().with_identity("agent").with_kind("agent")
                token = agent.with_grants(grants).to_jwt()
                calls[name] = asyncio.create_task(Call(name, token, events).live(context))
            await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    uvloop.run(main())
