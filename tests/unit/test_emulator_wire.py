"""What the emulator reads and refuses, what it bills, and who it lets in: without a socket."""

import base64
import json
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.emulator import frames
from callfleet_rehearsal.emulator.doors import Door, Turned, admit, door
from callfleet_rehearsal.emulator.frame_case import LIVE_25
from callfleet_rehearsal.emulator.messages import AudioInput, Setup, read_message
from callfleet_rehearsal.emulator.profiles import PROFILES, Api, profile_for
from callfleet_rehearsal.emulator.reading import (
    MAX_REASON_BYTES,
    RefusedError,
    decode_base64,
    fit_reason,
    snake,
)
from callfleet_rehearsal.emulator.schema import MESSAGES
from callfleet_rehearsal.emulator.settings import read_settings
from callfleet_rehearsal.emulator.tokens import Ledger, append_text, charge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted({name for each in MESSAGES.values() for name in each}))
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


def refusal_of(frame: bytes, api: Api) -> RefusedError | None:
    """Read a frame, and a setup's settings; say how it was refused, if it was."""
    try:
        for message in read_message(frame, api):
            if isinstance(message, Setup):
                read_settings(message.body, api, "auto")
    except RefusedError as error:
        return error
    return None


@given(JSON, st.sampled_from(Api), st.sampled_from(["", "setup", "realtimeInput", "toolResponse"]))
def test_any_json_is_read_or_refused_with_a_reason_that_fits(
    body: Any, api: Api, kind: str
) -> None:
    frame = json.dumps({kind: body} if kind else body).encode()
    refused = refusal_of(frame, api)
    if refused is not None:
        assert refused.code in {1007, 1008}
        assert 0 < len(refused.reason.encode()) <= MAX_REASON_BYTES


@given(JSON)
def test_any_tool_declaration_is_read_or_refused(body: Any) -> None:
    declared = {"name": "f", "parametersJsonSchema": body}
    tools = [{"functionDeclarations": [declared]}]
    frame = json.dumps({"setup": {"model": LIVE_25, "tools": tools}}).encode()
    refused = refusal_of(frame, Api.V1)
    assert refused is None or refused.code == 1007


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    refused = refusal_of(data, Api.V1)
    assert refused is None or refused.code == 1007


@given(st.binary(max_size=64).filter(lambda data: len(data) % 2 == 0), st.booleans())
def test_sound_is_read_whatever_its_base64_and_casing(data: bytes, safe: bool) -> None:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    text = encode(data).decode()
    blobs = [{"data": text, "mime_type": "audio/pcm;rate=16000"}]
    blobs.append({"data": text.rstrip("="), "mimeType": "audio/pcm;rate=16000"})
    for blob, outer in zip(blobs, ("realtime_input", "realtimeInput"), strict=True):
        read = read_message(orjson.dumps({outer: {"audio": blob}}), Api.V1)
        assert read == (AudioInput(data, 16_000),)


@given(st.text(max_size=200))
def test_a_reason_is_cut_to_what_a_close_frame_carries(text: str) -> None:
    cut = fit_reason(text)
    assert len(cut.encode()) <= MAX_REASON_BYTES
    assert text.startswith(cut)


def test_bytes_that_are_no_base64_are_refused() -> None:
    with pytest.raises(RefusedError, match="Base64 decoding failed"):
        decode_base64("a$b", "audio")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("GenerationConfig", types.GenerationConfig),
        ("ActivityDetection", types.AutomaticActivityDetection),
        ("RealtimeInputConfig", types.RealtimeInputConfig),
        ("SessionResumption", types.SessionResumptionConfig),
        ("Compression", types.ContextWindowCompressionConfig),
        ("SlidingWindow", types.SlidingWindow),
        ("AudioTranscription", types.AudioTranscriptionConfig),
        ("ClientContent", types.LiveClientContent),
        ("RealtimeInput", types.LiveClientRealtimeInput),
        ("FunctionResponse", types.FunctionResponse),
        ("FunctionDeclaration", types.FunctionDeclaration),
        ("Content", types.Content),
        ("ThinkingConfig", types.ThinkingConfig),
        ("HistoryConfig", types.HistoryConfig),
        ("Proactivity", types.ProactivityConfig),
    ],
)
def test_the_schema_knows_no_field_that_the_sdk_does_not(ours: str, theirs: Any) -> None:
    assert {snake(name) for name in MESSAGES[ours]} <= set(theirs.model_fields)


def test_every_field_that_the_sdk_can_put_into_a_setup_is_known() -> None:
    known = {snake(name) for name in MESSAGES["Setup"]}
    assert set(types.LiveClientSetup.model_fields) <= known
    assert set(types.LiveClientMessage.model_fields) == {snake(name) for name in MESSAGES["Client"]}


def test_what_the_emulator_sends_is_what_the_sdk_reads() -> None:
    sent = orjson.loads(frames.audio(b"\1\2"))
    read = types.LiveServerMessage.model_validate(sent)
    assert read.data == b"\1\2"
    _, usage = charge(Ledger(preamble=5), 1.0, 2.0)
    for api, names in ((Api.V1, types.UsageMetadata),):
        body = orjson.loads(frames.turn_complete(usage, api))
        metadata = names.model_validate(body["usageMetadata"])
        assert (metadata.prompt_token_count, metadata.response_token_count) == (30, 50)
    vertex = frames.usage_metadata(usage, Api.VERTEX)
    assert vertex["candidatesTokenCount"] == 50


def test_every_turn_pays_for_the_whole_context_again() -> None:
    ledger = Ledger(preamble=100)
    totals = []
    for _ in range(3):
        ledger, usage = charge(ledger, 2.0, 4.0)
        totals.append((usage.prompt, usage.response_audio))
    assert totals == [(150, 100), (300, 100), (450, 100)]


def test_a_sliding_window_drops_the_oldest_turns_but_never_the_preamble() -> None:
    ledger = Ledger(preamble=100, trigger=600, target=300)
    for _ in range(50):
        before = ledger.context
        ledger, usage = charge(ledger, 2.0, 2.0)
        assert usage.prompt >= 100
        if before >= 600:
            assert usage.prompt - 50 <= 300
    assert ledger.context <= 700


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60), st.integers(0, 500)), max_size=20),
)
def test_a_bill_always_adds_up(preamble: int, turns: list[tuple[float, float, int]]) -> None:
    ledger = Ledger(preamble=preamble, trigger=4000, target=2000)
    for heard, spoken, text in turns:
        ledger, usage = charge(append_text(ledger, text), heard, spoken)
        assert usage.total == usage.prompt_audio + usage.prompt_text + usage.response_audio
        assert ledger.context == usage.total


GEMINI = "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"


def test_doors_are_found_whatever_the_slashes() -> None:
    assert door(GEMINI) == door(f"/{GEMINI}") == Door(Api.V1, constrained=False)
    assert door(f"{GEMINI}/more") is None
    assert door("/") is None


def test_without_configured_keys_any_key_is_good_but_none_is_not() -> None:
    entrance = Door(Api.V1, constrained=False)
    assert admit(entrance, {"x-goog-api-key": "whatever"}, {}, ()) is None
    assert isinstance(admit(entrance, {}, {}, ()), RefusedError)
    assert isinstance(admit(Door(Api.VERTEX, constrained=False), {}, {}, ()), Turned)


def test_every_model_has_one_profile_on_each_api_that_serves_it() -> None:
    for profile in PROFILES:
        for model in profile.models:
            assert profile_for(f"models/{model}", Api.V1) is profile
        for model in profile.on_vertex:
            assert profile_for(f"publishers/google/models/{model}", Api.VERTEX) is not None
    forced = profile_for("models/gemini-3.8-live", Api.V1, "2.5")
    assert forced is not None
    assert forced.name == "2.5"
