"""Another agent for a caller whose call's process died, as the worker's parent asks for it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import api

from callfleet_worker.parent.rescue import Rescue
from callfleet_worker.settings import Settings

LIVEKIT = {"url": "ws://livekit.example", "api_key": "key", "api_secret": "s" * 32}


async def test_another_agent_is_asked_for_through_the_proxy_to_livekit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Settings.model_validate({"livekit": LIVEKIT, "model": {"keys": ["key"]}})
    asked: list[str] = []

    async def nobody_is_there(request: web.Request) -> web.Response:
        asked.append(f"{request.host} {request.path}")
        body = api.ListParticipantsResponse().SerializeToString()
        return web.Response(body=body, content_type="application/protobuf")

    proxy = web.Application()
    proxy.router.add_route("*", "/{tail:.*}", nobody_is_there)
    async with TestServer(proxy) as server:
        monkeypatch.setenv("http_proxy", str(server.make_url("")))
        monkeypatch.delenv("no_proxy", raising=False)
        rescue = Rescue(told, lambda: True)
        rescue.after_death("call-1", "room-1")
        await rescue.close()
    assert asked == ["livekit.example /twirp/livekit.RoomService/ListParticipants"]
