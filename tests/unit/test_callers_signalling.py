"""How callers reach LiveKit's signalling."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from livekit.protocol import rtc

from callfleet_rehearsal.callers.signalling import JoinRefusedError, Signalling


@dataclass
class Proxy:
    """One that lets nobody through, and says who wanted to."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    async def refuse(request: web.BaseRequest) -> web.Response:
        made.asked.append(request.raw_path.partition("?")[0])
        return web.Response(status=403)

    runner = web.ServerRunner(web.Server(refuse))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    made = Proxy(f"http://{host}:{port}")
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.svc")
    yield made
    await runner.cleanup()


async def refusal(url: str) -> str:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(JoinRefusedError) as refused:
            await Signalling(http).join(url, "token", rtc.JoinRequest())
    return str(refused.value)


async def test_callers_go_through_the_proxy_that_leads_to_livekit(proxy: Proxy) -> None:
    assert "wss://livekit.example.com" in await refusal("wss://livekit.example.com")
    assert "HTTP 403" in await refusal("ws://livekit.example.com:7880")
    assert proxy.asked == [
        "livekit.example.com:443",
        "ws://livekit.example.com:7880/rtc/v1",
    ]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "ws://livekit.livekit.svc:1"])
async def test_callers_pass_it_by_where_they_are_told_to(url: str, proxy: Proxy) -> None:
    assert "cannot be reached" in await refusal(url)
    assert proxy.asked == []
