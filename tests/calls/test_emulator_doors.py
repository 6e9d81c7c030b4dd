"""The other ways in, through Google's SDK: Vertex, tokens, each version, measured times."""

import asyncio
import warnings

import pytest
from emulator_lines import KEY, PATIENCE_SECONDS, QUICK, client, trust
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig, TimingName
from callfleet_rehearsal.emulator.frame_case import LIVE_25

BASIC = {"response_modalities": ["AUDIO"], "session_resumption": {}}


async def greeting(sdk: genai.Client, model: str) -> types.LiveServerMessage:
    """Say hello and give the message that ends the reply."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        sdk.aio.live.connect(model=model, config=BASIC) as session,
    ):
        turn = types.Content(role="user", parts=[types.Part(text="hello")])
        await session.send_client_content(turns=turn)
        last = [message async for message in session.receive()][-1]
    await sdk.aio.aclose()
    return last


async def test_vertex_is_served_with_its_own_names_for_usage() -> None:
    async with Emulator(QUICK) as emulator:
        http = types.HttpOptions(base_url=emulator.url, async_client_args={"ssl": trust(emulator)})
        sdk = genai.Client(
            vertexai=True,
            project="p",
            location="us-central1",
            credentials=Credentials(token="made-up"),
            http_options=http,
        )
        last = await greeting(sdk, "gemini-live-2.5-flash-native-audio")
        assert last.usage_metadata is not None
        assert (last.usage_metadata.response_token_count or 0) > 25
        setup = emulator.log.all("setup")[0]
        assert (setup["profile"], setup["silence_seconds"]) == ("vertex", 0.8)


async def test_an_ephemeral_token_opens_the_constrained_door() -> None:
    async with Emulator(EmulatorConfig(keys=("auth_tokens/good",))) as emulator:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", errors.ExperimentalWarning)
            await greeting(client(emulator, "auth_tokens/good", api_version="v1alpha"), LIVE_25)
            with pytest.raises(errors.APIError):
                await greeting(client(emulator, "auth_tokens/bad", api_version="v1alpha"), LIVE_25)


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
async def test_every_version_of_the_api_is_served(version: str) -> None:
    async with Emulator(EmulatorConfig(keys=(KEY,))) as emulator:
        last = await greeting(client(emulator, api_version=version), LIVE_25)
        assert last.server_content is not None
        assert last.server_content.turn_complete


async def test_the_measured_model_takes_longer_than_the_ideal_one() -> None:
    async with Emulator(EmulatorConfig(timing=TimingName.MEASURED, seed=3)) as emulator:
        await greeting(client(emulator), LIVE_25)
        opened, ready = (emulator.log.all(name)[0]["at_ns"] for name in ("setup", "setup_complete"))
        assert (ready - opened) / 1e9 >= 0.399
        reply = emulator.log.all("reply_first_audio")[0]
        assert (reply["at_ns"] - reply["last_speech_received_ns"]) / 1e9 > 0.15
