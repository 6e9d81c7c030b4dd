"""What the caller did not hear is not kept as said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_worker.bridge.heard import ReplyText, heard_part

TEXT = "Your order left the warehouse this morning and arrives on Friday."


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0.0, ""),
        (1.0, "Your order left"),
        (0.9, "Your order"),
        (2.0, "Your order left the warehouse"),
        (4.0, TEXT),
        (9.0, TEXT),
    ],
)
def test_the_words_stop_where_the_sound_stopped(played: float, heard: str) -> None:
    assert heard_part(TEXT, played, received_seconds=4.0) == heard


@given(st.text(), st.floats(0, 100), st.floats(0, 100))
def test_what_was_heard_begins_the_text_and_ends_with_a_whole_word(
    text: str, played: float, received: float
) -> None:
    heard = heard_part(text, played, received)
    assert text.startswith(heard)


async def test_a_reply_collects_its_own_words_only() -> None:
    text = ReplyText()
    await text.capture_text("Hello ")
    await text.capture_text("there.")
    text.flush()
    assert text.text == "Hello there."
    await text.capture_text("Next.")
    assert text.text == "Next."


async def test_late_words_of_a_reply_that_was_cut_are_not_the_next_ones() -> None:
    text = ReplyText()
    await text.capture_text("Hello ")
    text.forget()
    await text.capture_text("there.")
    text.flush()
    assert not text.text
    await text.capture_text("Next.")
    assert text.text == "Next."
