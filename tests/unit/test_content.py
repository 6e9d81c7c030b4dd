"""What is said is told only where that was asked for, and without what must not be told."""

import time
from typing import Any

import pytest
from livekit.agents import ConversationItemAddedEvent, llm
from pydantic import ValidationError

from callfleet_contract.event_lines import encode
from callfleet_contract.events import Said
from callfleet_worker.content import Redaction, tell_content
from callfleet_worker.settings import TelemetrySettings

COLLECTOR = "http://collector:4318"


class Session:
    """Passes on what a session writes down."""

    def __init__(self) -> None:
        self._listening: list[Any] = []

    def on(self, event: str, listener: Any) -> None:
        assert event == "conversation_item_added"
        self._listening.append(listener)

    def writes(self, item: Any) -> None:
        for listener in self._listening:
            listener(ConversationItemAddedEvent(item=item))


def said(*items: Any, patterns: tuple[str, ...] = ()) -> list[Said]:
    session, told = Session(), list[Said]()
    tell_content(session, "AJ_a", Redaction.of(patterns), told.append)
    for item in items:
        session.writes(item)
    return told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("write to ada.lovelace+x@mail.example.com.", "write to [email]."),
        ("a@b@mail.example.com or <b@example.org>", "a@[email] or <[email]>"),
        ("call +1 (555) 010-0123 tonight", "call [number] tonight"),
        ("card 4111 1111 1111 1111, please", "card [number], please"),
        ("card 4111-1111-1111-1111", "card [number]"),
        ("order 12345 from 2024-05-17", "order [number] from [number]"),
        ("two of 1999, at 10:30", "two of 1999, at 10:30"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_addresses_and_long_numbers_are_taken_out(text: str, told: str) -> None:
    assert Redaction().redact(text) == told


def test_a_language_without_spaces_holds_no_call_up() -> None:
    began = time.monotonic()
    assert Redaction().redact("話" * 60_000 + " a@b.org") == "話" * 60_000 + " [email]"
    assert time.monotonic() - began < 2


def test_what_a_user_names_is_taken_out_too() -> None:
    redaction = Redaction.of([r"(?i)member [a-z]\w+", "Ada"])
    assert redaction.redact("Ada is Member X17 here") == "[redacted] is [redacted] here"


def test_both_parties_are_told_and_nobody_else() -> None:
    told = said(
        llm.ChatMessage(role="user", content=["my mail is a@b.org"]),
        llm.ChatMessage(role="assistant", content=["thank you"]),
        llm.ChatMessage(role="system", content=["be nice"]),
        llm.AgentHandoff(new_agent_id="another"),
        llm.ChatMessage(role="user", content=[]),
    )
    assert told == [
        Said("AJ_a", "user", "my mail is [email]"),
        Said("AJ_a", "assistant", "thank you"),
    ]


def test_whatever_is_said_fits_into_a_line_to_the_parent() -> None:
    (one,) = said(llm.ChatMessage(role="user", content=["☎ " * 10_000]))
    assert len(encode(one)) < 65536


def test_content_is_told_only_where_it_is_asked_for_and_can_be_sent() -> None:
    assert not TelemetrySettings(otlp_endpoint=COLLECTOR).tells_content
    assert not TelemetrySettings(content=True).tells_content
    assert not TelemetrySettings(
        otlp_endpoint=COLLECTOR, content=True, signals="logs"
    ).tells_content
    assert TelemetrySettings(otlp_endpoint=COLLECTOR, content=True).tells_content


def test_patterns_stand_on_a_line_each_and_a_wrong_one_is_refused_with_its_fault() -> None:
    assert TelemetrySettings(redact="a{2,3}\n\n b ").redact == ("a{2,3}", "b")
    with pytest.raises(ValidationError, match="is no regular expression of Python's: "):
        TelemetrySettings(redact="(")
