"""What the model says of tokens may be anything: the reply beside it comes through."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from google.genai.live import AsyncSession

from callfleet_contract.events import CallEvent, UsageDoubted
from callfleet_contract.outcomes import UsageProblem
from callfleet_worker.model.account import Account
from callfleet_worker.upstream.gemini_sound import LeanSession

REPLY = {"serverContent": {"turnComplete": True}}


class Wire:
    def __init__(self, message: str) -> None:
        self._message = message.encode()

    async def recv(self, *, decode: bool) -> bytes:
        assert not decode
        return self._message


def session_with(usage: str, *, vertex: bool = False) -> LeanSession:
    message = json.dumps(REPLY)[:-1] + f', "usageMetadata": {usage}}}'
    client: Any = SimpleNamespace(vertexai=vertex)
    wire: Any = Wire(message)
    return LeanSession(AsyncSession(api_client=client, websocket=wire))


@pytest.mark.parametrize(
    "usage",
    [
        '{"promptTokenCount": "many"}',
        '{"promptTokenCount": NaN}',
        '{"promptTokenCount": 1.5}',
        '{"promptTokensDetails": [null]}',
        '{"promptTokensDetails": {"a": {"b": null}}}',
        "[]",
        '"none"',
        "7",
    ],
)
@pytest.mark.parametrize("vertex", [False, True])
async def test_usage_that_cannot_be_read_is_doubted_and_costs_no_reply(
    usage: str, *, vertex: bool
) -> None:
    message = await session_with(usage, vertex=vertex)._receive()
    assert message.server_content is not None
    assert message.server_content.turn_complete
    assert message.usage_metadata is not None
    told: list[CallEvent] = []
    Account("a", "gemini-x", told.append).billed(message.usage_metadata)
    assert told == [UsageDoubted("a", UsageProblem.INCONSISTENT)]


@pytest.mark.parametrize("usage", ['{"promptTokenCount": 12}', "{}", "null"])
async def test_usage_that_can_be_read_is_left_as_it_is(usage: str) -> None:
    message = await session_with(usage)._receive()
    assert message.server_content is not None
    counted = message.usage_metadata.prompt_token_count if message.usage_metadata else None
    assert counted == (json.loads(usage) or {}).get("promptTokenCount")


async def test_usage_in_the_words_of_vertex_can_be_read() -> None:
    message = await session_with('{"candidatesTokenCount": 12}', vertex=True)._receive()
    assert message.usage_metadata is not None
    assert message.usage_metadata.response_token_count == 12
