"""Put the bridge of one call together: ears, mouth, turn clock and those who watch them."""

import asyncio
import time

import structlog
from livekit import rtc

from callfleet_contract.events import CallEvent
from callfleet_worker.bridge.caller import CallerWatch
from callfleet_worker.bridge.ears import Ears
from callfleet_worker.bridge.echo import EchoCanceller
from callfleet_worker.bridge.gate import GateOptions, NoiseGate
from callfleet_worker.bridge.heard import ReplyText
from callfleet_worker.bridge.loopwatch import LoopWatch
from callfleet_worker.bridge.media import MediaWatch
from callfleet_worker.bridge.mouth import Mouth
from callfleet_worker.bridge.sink import FRAME_MS, BridgeOptions, EventSink, Spawn
from callfleet_worker.bridge.turnclock import CallName, TurnClock

TRACK_NAME = "agent"

log = structlog.get_logger(__name__)


class Bridge:
    """One call's bridge between a room and a model's session."""

    def __init__(
        self,
        name: CallName,
        room: rtc.Room,
        options: BridgeOptions,
        sink: EventSink,
        spawn: Spawn,
    ) -> None:
        self._name, self._room, self._options, self._sink = name, room, options, sink
        echo = EchoCanceller() if options.echo_cancellation else None
        gate = None
        if options.noise_gate_dbfs is not None:
            gate = NoiseGate(GateOptions(options.noise_gate_dbfs))
        self.text = ReplyText()
        self.clock = TurnClock(name, sink.emit)
        self.ears = Ears(self.clock, spawn, frame_ms=FRAME_MS, echo=echo, gate=gate)
        self.mouth = Mouth(self.clock, self.text, spawn, queue_ms=options.queue_ms, echo=echo)
        self._loop_watch = LoopWatch(name.call_id, sink.emit)
        self._media = MediaWatch(name.call_id, room, self.clock, sink.emit, spawn)

    def emit(self, event: CallEvent) -> None:
        """Pass an event on."""
        self._sink.emit(event)

    def start(self) -> None:
        """Begin to hear silence and to watch the loop. Needs no room yet."""
        self._loop_watch.start()
        self.ears.start()

    async def publish(self, caller: CallerWatch) -> None:
        """Publish the agent's track and open the mouth once the caller listens to it.

        A caller who never subscribes is spoken to all the same, after a while: a reply that
        nobody asked for is better than a model that waits for ever to be heard.
        """
        self._media.start(caller)
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, self.mouth.source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=self._options.dtx, red=self._options.red
        )
        options.audio_encoding.max_bitrate = self._options.bitrate_kbps * 1000
        publication = await self._room.local_participant.publish_track(track, options)
        self._media.published()
        await caller.is_here()
        try:
            async with asyncio.timeout(self._options.subscription_wait_seconds):
                await publication.wait_for_subscription()
            await asyncio.sleep(self._options.settle_seconds)
        except TimeoutError:
            log.warning("the caller does not listen to the agent's track")
        self.mouth.open()

    async def close(self) -> None:
        """Stop everything, and have the turn clock tell what it still holds."""
        self._loop_watch.stop()
        await self._media.stop()
        await self.ears.aclose()
        await self.mouth.aclose()
        self.clock.closed(time.monotonic_ns())
