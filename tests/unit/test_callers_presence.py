"""What a caller says to the SFU, and what it waits for, with an SFU made of prepared answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from livekit.protocol import models, rtc

from callfleet_rehearsal.callers.presence import Presence, Way
from callfleet_rehearsal.callers.sdp import RemoteDescription
from callfleet_rehearsal.callers.signalling import JoinRefusedError, Signalling
from callfleet_rehearsal.callers.transport import Transport


class Sfu(Signalling):
    """Lets everybody in; says what the test has it say."""

    def __init__(self) -> None:
        self.told: list[rtc.SignalRequest] = []
        self._says: asyncio.Queue[rtc.SignalResponse | None] = asyncio.Queue()

    async def join(self, *_: object) -> rtc.JoinResponse:
        return rtc.JoinResponse(participant=models.ParticipantInfo(sid="PA_caller"))

    async def responses(self) -> AsyncIterator[rtc.SignalResponse]:
        while (response := await self._says.get()) is not None:
            yield response

    async def send(self, request: rtc.SignalRequest) -> None:
        self.told.append(request)

    async def close(self) -> None:
        self._says.put_nowait(None)

    def answers(self, *directions: str) -> None:
        """Answer an offer of so many sections."""
        head = "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AB\r\na=setup:active"
        sections = [
            f"\r\nm=audio 9 X 111\r\na=mid:{mid}\r\na={direction}\r\n"
            "a=candidate:1 1 udp 1 127.0.0.1 9 typ host"
            for mid, direction in enumerate(directions)
        ]
        description = rtc.SessionDescription(type="answer", sdp=head + "".join(sections))
        self._says.put_nowait(rtc.SignalResponse(answer=description))

    def answers_nonsense(self) -> None:
        description = rtc.SessionDescription(type="answer", sdp="v=0")
        self._says.put_nowait(rtc.SignalResponse(answer=description))

    def announces(self, cid: str) -> None:
        published = rtc.TrackPublishedResponse(cid=cid, track=models.TrackInfo(sid="TR_1"))
        self._says.put_nowait(rtc.SignalResponse(track_published=published))

    def dismisses(self) -> None:
        leave = rtc.LeaveRequest(reason=models.DisconnectReason.DUPLICATE_IDENTITY)
        self._says.put_nowait(rtc.SignalResponse(leave=leave))


class NoMedia(Transport):
    """A media connection that is up at once."""

    async def establish(
        self, remote: RemoteDescription, address: tuple[str, int], timeout_seconds: float
    ) -> None:
        """Be up."""


@pytest.fixture
async def sfu() -> Sfu:
    return Sfu()


@pytest.fixture
async def caller(sfu: Sfu) -> AsyncIterator[Presence]:
    presence = Presence(Way("ws://sfu", "token"), sfu)
    presence.transport.close()
    presence.transport = NoMedia()
    yield presence
    await presence.vanish()


async def settle() -> None:
    """Let everything happen that can happen without more news."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_track_that_comes_back_may_be_sent_once_its_offer_is_answered(
    caller: Presence, sfu: Sfu
) -> None:
    sfu.answers("recvonly")
    await caller.join()
    await caller.unpublish()
    sfu.answers("inactive")
    coming = asyncio.create_task(caller.republish())
    await settle()
    sfu.announces(sfu.told[-2].add_track.cid)
    await settle()
    assert not coming.done()
    sfu.answers("inactive", "recvonly")
    await coming


async def test_an_answer_to_an_earlier_offer_does_not_take_a_track_that_comes_back(
    caller: Presence, sfu: Sfu
) -> None:
    sfu.answers("recvonly")
    await caller.join()
    await caller.unpublish()
    coming = asyncio.create_task(caller.republish())
    await settle()
    sfu.announces(sfu.told[-2].add_track.cid)
    sfu.answers("inactive")
    await settle()
    assert not coming.done()
    coming.cancel()


async def test_a_caller_sent_away_before_the_answer_says_so_at_once(
    caller: Presence, sfu: Sfu
) -> None:
    sfu.dismisses()
    with pytest.raises(JoinRefusedError, match="the SFU ended the call: DUPLICATE_IDENTITY"):
        await caller.join()


async def test_an_answer_that_cannot_be_read_is_told_of_at_once(caller: Presence, sfu: Sfu) -> None:
    sfu.answers_nonsense()
    with pytest.raises(JoinRefusedError, match="has no a=ice-ufrag line"):
        await caller.join()
