"""What a usage snapshot bills."""

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.events import TokensUsed
from callfleet_worker.model.usage import adds_up, tokens_used

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


def test_a_bill_whose_details_name_too_few_tokens_is_right_as_gemini_writes_it() -> None:
    # As gemini-3.8-live was seen to: 25 tokens have no modality, the total leaves thoughts out.
    usage = types.UsageMetadata(
        prompt_token_count=522,
        prompt_tokens_details=[count(TEXT, 332), count(AUDIO, 165)],
        response_token_count=42,
        response_tokens_details=[count(AUDIO, 42)],
        thoughts_token_count=136,
        total_token_count=564,
    )
    assert adds_up(usage)
    assert adds_up(usage.model_copy(update={"total_token_count": 564 + 136}))
    assert found(usage)["input", "unknown", "billed"] == 25


@pytest.mark.parametrize(
    "usage",
    [
        types.UsageMetadata(prompt_token_count=-1),
        types.UsageMetadata(thoughts_token_count=-1),
        types.UsageMetadata(prompt_token_count=9, prompt_tokens_details=[count(AUDIO, 10)]),
        types.UsageMetadata(
            prompt_token_count=9, prompt_tokens_details=[count(AUDIO, -1), count(TEXT, 9)]
        ),
        types.UsageMetadata(response_tokens_details=[count(AUDIO, 1)]),
        types.UsageMetadata(prompt_token_count=9, cached_content_token_count=10),
        types.UsageMetadata(prompt_token_count=9, response_token_count=1, total_token_count=11),
        types.UsageMetadata(prompt_token_count=9, total_token_count=0),
    ],
)
def test_a_bill_with_a_part_below_nought_or_beyond_its_whole_is_not(
    usage: types.UsageMetadata,
) -> None:
    assert not adds_up(usage)
    assert all(event.tokens > 0 for event in tokens_used("c", "m", usage))


def test_a_bill_that_says_nothing_is_no_wrong_one() -> None:
    assert adds_up(types.UsageMetadata())


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
    assert adds_up(usage)
    total = sum(event.tokens for event in tokens_used("c", "m", usage))
    assert total == prompt + unnamed + tools + out + think


@pytest.mark.parametrize("huge", [2**31, 10**20, 10**400])
def test_more_than_can_be_counted_is_no_count(huge: int) -> None:
    for told in (
        types.UsageMetadata(prompt_token_count=huge, response_token_count=5),
        types.UsageMetadata(thoughts_token_count=huge, response_token_count=5),
        types.UsageMetadata(prompt_tokens_details=[count(AUDIO, huge)], response_token_count=5),
    ):
        assert not adds_up(told)
        assert found(told) == {("output", "unknown", "billed"): 5}
