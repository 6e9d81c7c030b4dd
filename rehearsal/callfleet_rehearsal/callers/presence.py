"""A caller's presence in a room: joined, its track published, the others' tracks known."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from livekit.protocol import models, rtc

from callfleet_rehearsal.callers.dtls import identity
from callfleet_rehearsal.callers.sdp import (
    LocalIce,
    RemoteDescription,
    RemoteSection,
    Section,
    offer,
    parse_answer,
    parse_candidate,
)
from callfleet_rehearsal.callers.signalling import JoinRefusedError, Signalling
from callfleet_rehearsal.callers.transport import Transport
from callfleet_rehearsal.evidence import Dispatch

# As long as LiveKit's own clients wait.
_ANSWER_SECONDS = 15.0
_MEDIA_SECONDS = 15.0
_AGENT = models.ParticipantInfo.Kind.AGENT


@dataclass(frozen=True, slots=True)
class Way:
    """Where the caller calls, and by which way its media go (None: straight to the SFU)."""

    url: str
    token: str
    media: tuple[str, int] | None = None
    hears_everybody: bool = False


class Presence:
    """One participant of a room, with one peer connection."""

    def __init__(self, way: Way, signalling: Signalling) -> None:
        self.transport = Transport()
        self.ssrc = secrets.randbits(31) | 1
        self.left_reason = ""
        self.dismissed = False
        self.dispatch = Dispatch()
        self._way = way
        self._signalling = signalling
        self._sections: tuple[Section, ...] = ()
        self._version = 0
        self._identity = ""
        self._kinds: dict[str, int] = {}
        self._remote: RemoteDescription | None = None
        self._answered = asyncio.Event()
        self._candidates: list[str] = []
        self._track_sid = ""
        self._announced = ""
        self._listening: asyncio.Task[None] | None = None
        self._published = asyncio.Event()
        self._heard_ssrcs: frozenset[int] = frozenset()

    async def join(self) -> None:
        """Join the room and publish a microphone; done when media can flow.

        Raises:
            JoinRefusedError: the SFU said no, or nothing.
            MediaLostError: the media connection does not come up.

        """
        track = self._add_microphone()
        request = rtc.JoinRequest(
            connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
            add_track_requests=[_microphone(track)],
            publisher_offer=self._offer(),
        )
        response = await self._signalling.join(self._way.url, self._way.token, request)
        self.dispatch = Dispatch(let_in_ns=time.monotonic_ns())
        self._identity = response.participant.sid
        self._note_participants(response.other_participants)
        self._listening = asyncio.create_task(self._listen())
        await self._get_answer(self._listening)
        if self._remote is not None:
            address = self._way.media or await self._media_address()
            await self.transport.establish(self._remote, address, _MEDIA_SECONDS)

    def hears(self, ssrc: int) -> bool:
        """Whether a stream is one that the caller listens to."""
        return ssrc in self._heard_ssrcs

    @property
    def gone(self) -> bool:
        """Whether the SFU has ended the caller's stay."""
        return self._listening is not None and self._listening.done()

    async def mute(self, *, muted: bool) -> None:
        """Tell the SFU that the microphone is muted, or no longer."""
        if self._track_sid:
            request = rtc.MuteTrackRequest(sid=self._track_sid, muted=muted)
            await self._signalling.send(rtc.SignalRequest(mute=request))

    async def unpublish(self) -> None:
        """Take the microphone's track back."""
        self._sections = tuple(
            replace(section, inactive=True) if section.track else section
            for section in self._sections
        )
        await self._renegotiate()

    async def republish(self) -> None:
        """Publish a microphone anew: a new track in a new section; done when media may flow.

        Raises:
            JoinRefusedError: the SFU does not take the track.

        """
        track = self._add_microphone()
        self._published.clear()
        await self._signalling.send(rtc.SignalRequest(add_track=_microphone(track)))
        await self._renegotiate()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._published.wait()
        except TimeoutError as error:
            message = (
                f"LiveKit at {self._way.url} did not take the republished track within "
                f"{_ANSWER_SECONDS:g} s"
            )
            raise JoinRefusedError(message) from error

    async def leave(self) -> None:
        """Leave the room as a client that hangs up does."""
        reason = models.DisconnectReason.CLIENT_INITIATED
        leave = rtc.LeaveRequest(reason=reason, action=rtc.LeaveRequest.Action.DISCONNECT)
        await self._signalling.send(rtc.SignalRequest(leave=leave))
        await self.vanish()

    async def vanish(self) -> None:
        """Be gone without a word, as a phone that loses power."""
        if self._listening is not None:
            self._listening.cancel()
        await self._signalling.close()
        self.transport.close()

    async def _get_answer(self, listening: asyncio.Task[None]) -> None:
        waiting = asyncio.create_task(self._answered.wait())
        try:
            await asyncio.wait(
                (waiting, listening), timeout=_ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        if not self._answered.is_set():
            reason = self.left_reason or f"no word of it for {_ANSWER_SECONDS:g} s"
            message = (
                f"LiveKit at {self._way.url} let the caller in but did not answer its offer: "
                f"{reason}"
            )
            raise JoinRefusedError(message)

    def _add_microphone(self) -> str:
        track = f"microphone-{secrets.token_hex(4)}"
        self.ssrc = secrets.randbits(31) | 1
        section = Section(str(len(self._sections)), track, self.ssrc)
        self._sections = (*self._sections, section)
        return track

    def _offer(self) -> rtc.SessionDescription:
        self._version += 1
        ice = self.transport.ice
        local = LocalIce(ice.ufrag, ice.password, identity().fingerprint)
        text = offer(local, self._sections, self._version)
        return rtc.SessionDescription(type="offer", sdp=text, id=self._version)

    async def _renegotiate(self) -> None:
        await self._signalling.send(rtc.SignalRequest(offer=self._offer()))

    async def _listen(self) -> None:
        async for response in self._signalling.responses():
            try:
                await self._take(response)
            except ValueError as error:
                self.left_reason = f"the SFU said what cannot be read: {error}"
            if self.left_reason:
                return
        self.left_reason = self.left_reason or "the SFU closed the websocket"

    async def _take(self, response: rtc.SignalResponse) -> None:
        kind = response.WhichOneof("message")
        if kind == "answer":
            self._remote = parse_answer(response.answer.sdp)
            self._candidates += self._remote.candidates
            self._choose_streams()
            self._answered.set()
            self._see_whether_published()
        elif kind == "trickle":
            written = json.loads(response.trickle.candidateInit or "{}")
            self._candidates.append(written.get("candidate", ""))
        elif kind == "media_sections_requirement":
            self._add_receiving(response.media_sections_requirement.num_audios)
            await self._renegotiate()
        elif kind == "update":
            self._note_participants(response.update.participants)
            self._choose_streams()
        elif kind == "track_published":
            self._track_sid = response.track_published.track.sid
            self._announced = response.track_published.cid
            self._see_whether_published()
        elif kind == "leave":
            name = models.DisconnectReason.Name(response.leave.reason)
            self.left_reason = f"the SFU ended the call: {name}"
            self.dismissed = True

    def _see_whether_published(self) -> None:
        # The SFU announces a track before it has read the offer that holds it. A packet that comes
        # in between has it give up the stream for good: nobody would ever hear it.
        newest = [section for section in self._sections if section.track][-1]
        answered = self._remote.sections if self._remote else ()
        takes = any(one.mid == newest.mid and one.direction == "recvonly" for one in answered)
        if takes and self._announced == newest.track:
            self._published.set()

    def _add_receiving(self, count: int) -> None:
        start = len(self._sections)
        more = tuple(Section(str(start + index)) for index in range(count))
        self._sections += more

    def _note_participants(self, participants: Iterable[models.ParticipantInfo]) -> None:
        for participant in participants:
            self._kinds[participant.sid] = participant.kind
            if participant.kind == _AGENT:
                self.dispatch = seen(self.dispatch, participant, time.monotonic_ns())

    def _choose_streams(self) -> None:
        sections = self._remote.sections if self._remote else ()
        self._heard_ssrcs = frozenset(
            ssrc for section in sections if self._is_heard(section) for ssrc in section.ssrcs
        )

    def _is_heard(self, section: RemoteSection) -> bool:
        # LiveKit writes a stream as "participant|track".
        owner = section.stream.partition("|")[0]
        if section.direction not in {"sendonly", "sendrecv"} or owner == self._identity:
            return False
        return self._way.hears_everybody or self._kinds.get(owner) == _AGENT

    async def _media_address(self) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _ANSWER_SECONDS
        while loop.time() < deadline:
            parsed = [parse_candidate(line) for line in self._candidates]
            usable = [
                one for one in parsed if one and one.protocol == "udp" and ":" not in one.host
            ]
            if usable:
                best = max(usable, key=lambda one: one.priority)
                return best.host, best.port
            await asyncio.sleep(0.01)
        message = (
            f"LiveKit at {self._way.url} offered no UDP candidate over IPv4 "
            f"(it offered {self._candidates}): set rtc.node_ip and rtc.enable_loopback_candidate"
        )
        raise JoinRefusedError(message)


def seen(so_far: Dispatch, agent: models.ParticipantInfo, now_ns: int) -> Dispatch:
    """Note that an agent is in the room, and whether its voice is; the first time counts."""
    sounds = any(track.type == models.TrackType.AUDIO for track in agent.tracks)
    track_ns = so_far.agent_track_ns or (now_ns if sounds else None)
    return Dispatch(so_far.let_in_ns, so_far.agent_came_ns or now_ns, track_ns)


def _microphone(track: str) -> rtc.AddTrackRequest:
    return rtc.AddTrackRequest(
        cid=track,
        name="microphone",
        type=models.TrackType.AUDIO,
        source=models.TrackSource.MICROPHONE,
        disable_dtx=True,
        disable_red=True,
    )
