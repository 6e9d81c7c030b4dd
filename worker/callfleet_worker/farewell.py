"""What a caller gets when no model is left: an apology, then a way on or goodbye, never silence.

    plan = plan_farewell(settings.farewell, caller, model.reason)   # caller: Caller or None
    ended = await farewell(ctx, mouth, plan, lost)  # the room is closed when this returns
    emit(CallEnded(…, outcome=ended.outcome, reason=ended.reason, …))

``ctx`` is the JobContext, ``mouth`` any ``io.AudioOutput`` that still plays, and ``lost`` is set
when nobody is on the line any more. ``ctx.shutdown()`` alone leaves a phone caller in a silent
room, so the room is deleted, whatever failed before. Every step is bounded; all together end within
a minute.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import av
import structlog
from livekit import api, rtc

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker.breakage import kind_of
from callfleet_worker.settings import FarewellSettings, FarewellWay

_log = structlog.get_logger(__name__)

SOUNDS = Path(__file__).parent / "sounds"
APOLOGY = SOUNDS / "apology.flac"
GOODBYE = SOUNDS / "goodbye.flac"
PUTTING_THROUGH = SOUNDS / "transfer.flac"
LONGEST_SOUND_SECONDS = 20.0
TRANSFER_SECONDS = 15.0
CLOSE_SECONDS = 5.0
_DEFAULT_RATE = 24000
_UNREACHABLE = (api.TwirpError, aiohttp.ClientError, OSError, TimeoutError)


class SoundFileError(ValueError):
    """A sound file cannot be played; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line. Only a phone (SIP) caller can be transferred."""

    identity: str
    is_phone: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand a caller on to a tel: or sip: address."""

    identity: str
    to: str


@dataclass(frozen=True, slots=True)
class FarewellPlan:
    """What is played, where the caller goes, and why it came to this."""

    first: tuple[Path, ...]
    transfer: Transfer | None
    last: tuple[Path, ...]
    reason: CallReason
    outcome: CallOutcome = CallOutcome.FAILED


@dataclass(frozen=True, slots=True)
class Ended:
    """How the call is counted. ``FAILED`` with ``TRANSFERRED`` means: no model, but a way on."""

    outcome: CallOutcome
    reason: CallReason


class Line(Protocol):
    """What a farewell needs of the JobContext."""

    def transfer_sip_participant(
        self, participant: str, transfer_to: str, play_dialtone: bool = False
    ) -> Awaitable[Any]:
        """Hand a phone caller on."""

    def delete_room(self) -> Awaitable[Any]:
        """Disconnect everybody and remove the room."""


class Mouth(Protocol):
    """What a farewell needs of an ``io.AudioOutput``."""

    @property
    def sample_rate(self) -> int | None:
        """The rate it plays, or None where it takes any."""

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Queue a frame."""

    def flush(self) -> None:
        """End what was queued."""

    def clear_buffer(self) -> None:
        """Drop what still waits to be played."""

    async def wait_for_playout(self) -> object:
        """Wait until all of it was played."""


def plan_farewell(
    settings: FarewellSettings, caller: Caller | None, reason: CallReason
) -> FarewellPlan:
    """Decide how a caller is let go.

    The built-in sounds are English: beside a sound of one's own they are played only where
    there would be silence otherwise.
    """
    own = (settings.apology,) if settings.apology else ()
    to = settings.transfer_to if settings.then is FarewellWay.TRANSFER else None
    if to is not None and caller is not None and caller.is_phone:
        transfer = Transfer(caller.identity, to)
        return FarewellPlan(
            own or (APOLOGY, PUTTING_THROUGH), transfer, (settings.goodbye or GOODBYE,), reason
        )
    if settings.goodbye:
        return FarewellPlan(own, None, (settings.goodbye,), reason)
    return FarewellPlan((), None, own or (GOODBYE,), reason)


async def farewell(ctx: Line, mouth: Mouth, plan: FarewellPlan, lost: asyncio.Event) -> Ended:
    """Carry a plan out: apology, transfer or goodbye, and the room is closed.

    Nothing is played to a line that is lost, and nobody transferred. A transfer that is under way
    is waited for all the same: it takes the caller off the line.
    """
    ended = Ended(plan.outcome, plan.reason)
    try:
        mouth.clear_buffer()
        await _unless(lost, _play(mouth, plan.first))
        wanted = None if lost.is_set() else plan.transfer
        if wanted is not None and await _transferred(ctx, wanted):
            ended = Ended(CallOutcome.FAILED, CallReason.TRANSFERRED)
        else:
            await _unless(lost, _play(mouth, plan.last))
    finally:
        await _close(ctx)
    return ended


async def read_sound(path: Path, rate: int = _DEFAULT_RATE) -> tuple[rtc.AudioFrame, ...]:
    """Decode a whole sound file (FLAC, WAV, OGG, MP3) to mono frames.

    Raises:
        SoundFileError: there is no such file, it is no sound, or it is too long to sit through.

    """
    try:
        frames = await asyncio.to_thread(_decode, path, rate)
    except (OSError, ValueError, IndexError, av.FFmpegError) as error:
        message = (
            f"the sound file {str(path)!r} cannot be played ({error}): "
            "name a FLAC or WAV file that this user may read"
        )
        raise SoundFileError(message) from error
    seconds = sum(frame.duration for frame in frames)
    if not 0 < seconds <= LONGEST_SOUND_SECONDS:
        message = (
            f"the sound file {str(path)!r} lasts {seconds:.1f} s: a farewell's sound must last "
            f"more than nothing and at most {LONGEST_SOUND_SECONDS:g} s"
        )
        raise SoundFileError(message)
    return tuple(frames)


def _decode(path: Path, rate: int) -> list[rtc.AudioFrame]:
    """Decode to the last sample; the framework's own reader leaves out the end of a file."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(str(path)) as container:
        pieces = [
            piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)
        ]
    pieces += resampler.resample(None)
    return [
        rtc.AudioFrame(piece.to_ndarray().tobytes(), rate, 1, piece.samples) for piece in pieces
    ]


async def check_sounds(settings: FarewellSettings) -> None:
    """Read every sound a farewell may need: at start-up, so that no caller meets the error.

    Raises:
        SoundFileError: as ``read_sound``.

    """
    chosen = (settings.apology, settings.goodbye, APOLOGY, PUTTING_THROUGH, GOODBYE)
    for path in chosen:
        if path is not None:
            await read_sound(path)


async def _unless(lost: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do something to its end, or until the line is lost; where it is lost, do not begin."""
    if lost.is_set():
        work.close()
        return
    doing, waiting = asyncio.create_task(work), asyncio.create_task(lost.wait())
    try:
        await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        doing.cancel()
        waiting.cancel()
        await asyncio.wait((doing, waiting))
    if not doing.cancelled():
        doing.result()


async def _play(mouth: Mouth, paths: tuple[Path, ...]) -> None:
    for path in paths:
        await _play_one(mouth, path)


async def _play_one(mouth: Mouth, path: Path) -> None:
    """Play a sound to its end. A mouth that cannot play must not keep the caller on the line."""
    try:
        frames = await read_sound(path, mouth.sample_rate or _DEFAULT_RATE)
        async with asyncio.timeout(sum(frame.duration for frame in frames) + CLOSE_SECONDS):
            for frame in frames:
                await mouth.capture_frame(frame)
            mouth.flush()
            await mouth.wait_for_playout()
    except (SoundFileError, OSError, RuntimeError) as error:
        _log.warning("farewell sound not played", sound=path.name, error=kind_of(error))


async def _transferred(ctx: Line, transfer: Transfer) -> bool:
    try:
        async with asyncio.timeout(TRANSFER_SECONDS):
            await ctx.transfer_sip_participant(transfer.identity, transfer.to)
    except _UNREACHABLE as error:
        _log.warning("transfer failed", error=kind_of(error))
        return False
    return True


async def _close(ctx: Line) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await ctx.delete_room()
    except _UNREACHABLE as error:
        _log.warning("room not closed", error=kind_of(error))
