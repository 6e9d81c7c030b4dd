"""What a usage snapshot bills."""

from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.events import TokensUsed
from callfleet_worker.model.usage import tokens_used

AUDIO, TEXT = types.MediaModality.AUDIO, types.MediaModality.TEXT


def count(modality: types.MediaModality, tokens: int) -> types.ModalityTokenCount:
    return types.ModalityTokenCount(modality=modality, token_count=tokens)


def found(usage: types.UsageMetadata) -> dict[tuple[str, str, str], int]:
    return {
        (event.direction, event.modality, event.kind): event.tokens
        for event in tokens_used("call", "gemini", usage)
    }


def test_input_and_output_are_told_apart_by_modality() -> None:
    usage = types.UsageMetadata(
        prompt_token_count=130,
        prompt_tokens_details=[count(TEXT, 30), count(AUDIO, 100)],
        response_token_count=50,
        response_tokens_details=[count(AUDIO, 50)],
        total_token_count=180,
    )
    assert found(usage) == {
        ("input", "audio", "billed"): 100,
        ("input", "text", "billed"): 30,
        ("output", "audio", "billed"): 50,
    }


def test_thoughts_are_output_of_their_own_kind() -> None:
    usage = types.UsageMetadata(thoughts_token_count=7, total_token_count=7)
    assert tokens_used("c", "m", usage) == (TokensUsed("c", "m", "output", "text", "thoughts", 7),)


def test_cached_tokens_are_not_counted_twice() -> None:
    usage = types.UsageMetadata(
        prompt_token_count=100,
        prompt_tokens_details=[count(AUDIO, 100)],
        cached_content_token_count=60,
        cache_tokens_details=[count(AUDIO, 60)],
    )
    assert found(usage) == {
        ("input", "audio", "billed"): 40,
        ("input", "audio", "cached"): 60,
    }


def test_tokens_whose_modality_is_not_said_are_counted_as_unknown() -> None:
    usage = types.UsageMetadata(prompt_token_count=20, prompt_tokens_details=[count(AUDIO, 15)])
    assert found(usage) == {
        ("input", "audio", "billed"): 15,
        ("input", "unknown", "billed"): 5,
    }


def test_an_empty_snapshot_bills_nothing() -> None:
    assert tokens_used("c", "m", types.UsageMetadata()) == ()


amounts = st.integers(0, 100_000)


@given(prompt=amounts, unnamed=amounts, cached=amounts, tools=amounts, out=amounts, think=amounts)
def test_the_events_add_up_to_the_bill(  # noqa: PLR0913, PLR0917 - one argument for each part of a bill
    prompt: int, unnamed: int, cached: int, tools: int, out: int, think: int
) -> None:
    cached = min(cached, prompt)
    usage = types.UsageMetadata(
        prompt_token_count=prompt + unnamed,
        prompt_tokens_details=[count(AUDIO, prompt)],
        cached_content_token_count=cached,
        cache_tokens_details=[count(AUDIO, cached)],
        tool_use_prompt_token_count=tools,
        response_token_count=out,
        thoughts_token_count=think,
    )
    total = sum(event.tokens for event in tokens_used("c", "m", usage))
    assert total == prompt + unnamed + tools + out + think
