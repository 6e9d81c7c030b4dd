"""Read what a usage snapshot bills. Pure.

Every snapshot is billed, the whole context anew with each turn, so the snapshots' sum is the bill
and the last one is far too low. The plugin's own metrics lose thoughts, tokens without a modality
and snapshots that come between two replies: therefore the wire's record is read, not they.
"""

from google.genai import types

from callfleet_contract.events import TokensUsed

_MODALITIES = {
    types.MediaModality.AUDIO: "audio",
    types.MediaModality.TEXT: "text",
    types.MediaModality.IMAGE: "image",
}
_UNKNOWN = "unknown"
_MOST_TOKENS = 2**31 - 1
"""What the model's end itself can count up to: a larger number is no count of tokens."""

Details = list[types.ModalityTokenCount] | None


def tokens_used(call_id: str, model: str, usage: types.UsageMetadata) -> tuple[TokensUsed, ...]:
    """Turn one snapshot into events whose tokens add up to what it bills.

    ``billed`` leaves out what was served from a cache, which counts as ``cached``.
    """
    prompt = _by_modality(usage.prompt_token_count, usage.prompt_tokens_details)
    tools = _by_modality(usage.tool_use_prompt_token_count, usage.tool_use_prompt_tokens_details)
    cached = _by_modality(usage.cached_content_token_count, usage.cache_tokens_details)
    replied = _by_modality(usage.response_token_count, usage.response_tokens_details)
    entered = {name: prompt.get(name, 0) + tools.get(name, 0) for name in {*prompt, *tools}}
    cached = {name: min(count, entered.get(name, 0)) for name, count in cached.items()}
    fresh = {name: count - cached.get(name, 0) for name, count in entered.items()}
    parts = (
        ("input", "billed", fresh),
        ("input", "cached", cached),
        ("output", "billed", replied),
        ("output", "thoughts", {"text": _count(usage.thoughts_token_count)}),
    )
    return tuple(
        TokensUsed(call_id, model, direction, modality, kind, count)
        for direction, kind, counts in parts
        for modality, count in sorted(counts.items())
        if count > 0
    )


def adds_up(usage: types.UsageMetadata) -> bool:
    """Say whether a snapshot can be right: nothing negative, and no part larger than its whole.

    Nor is anything more than can be counted; that is not billed. Details that name fewer tokens
    than there are, are usual: the rest has no modality. Thoughts and what tools read are part of
    the total with some models and not with others.
    """
    prompt, response = usage.prompt_token_count or 0, usage.response_token_count or 0
    thoughts, tools = usage.thoughts_token_count or 0, usage.tool_use_prompt_token_count or 0
    cached, total = usage.cached_content_token_count or 0, usage.total_token_count
    parts = (
        (prompt, usage.prompt_tokens_details),
        (response, usage.response_tokens_details),
        (tools, usage.tool_use_prompt_tokens_details),
        (cached, usage.cache_tokens_details),
    )
    if (
        not 0 <= thoughts <= _MOST_TOKENS
        or cached > prompt + tools
        or not all(_holds(*part) for part in parts)
    ):
        return False
    possible = {prompt + response + a + b for a in (0, thoughts) for b in (0, tools)}
    return total is None or total in possible


def _holds(whole: int, details: Details) -> bool:
    counts = [detail.token_count or 0 for detail in details or []]
    return 0 <= whole <= _MOST_TOKENS and min(counts, default=0) >= 0 and sum(counts) <= whole


def _count(told: int | None) -> int:
    return told if told is not None and 0 <= told <= _MOST_TOKENS else 0


def _by_modality(total: int | None, details: Details) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in details or []:
        name = _MODALITIES.get(detail.modality, _UNKNOWN) if detail.modality else _UNKNOWN
        counts[name] = counts.get(name, 0) + _count(detail.token_count)
    unnamed = _count(total) - sum(counts.values())
    if unnamed > 0:
        counts[_UNKNOWN] = counts.get(_UNKNOWN, 0) + unnamed
    return counts
