"""Tell what was said in a call, where that was asked for, and only what may be told of it.

It is redacted here, in the call's own process: nothing else ever leaves it. There is text only for
whom the model transcribes, see ``model.transcription``.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from livekit.agents import ConversationItemAddedEvent, llm

from callfleet_contract.events import Said

_MOST_CHARACTERS = 4000
"""Of one thing said. A line to the parent holds no more than 64 KiB."""
_ROLES = ("user", "assistant")
# It looks from the beginnings of words alone: where there are no spaces, a text is one long word.
_EMAIL = re.compile(r"(?<![^\s@<>,;:])[^\s@<>,;:]+@[^\s@<>,;:]+\.[^\s@<>,;:]*[^\s@<>,;:.!?]")
_DIGITS = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){4,}")
"""Five digits or more, however they are grouped: of phones, cards, accounts, dates of birth."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is taken out of a text: addresses, long numbers, and what a user's patterns match."""

    patterns: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Redaction":
        """Take a user's own patterns, beside the rules that always hold."""
        return cls(tuple(re.compile(one) for one in patterns))

    def redact(self, text: str) -> str:
        """Take out what may not be told; what stands in its place says of which kind it was."""
        for pattern in self.patterns:
            text = pattern.sub("[redacted]", text)
        text = _EMAIL.sub("[email]", text)
        return _DIGITS.sub("[number]", text)


def tell_content(
    session: Any, call_id: str, redaction: Redaction, emit: Callable[[Said], None]
) -> None:
    """Have all that a session writes down of a conversation told, as it comes."""

    def on_item(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or item.role not in _ROLES:
            return
        text = redaction.redact(item.text_content or "")[:_MOST_CHARACTERS]
        if text.strip():
            emit(Said(call_id, item.role, text))

    session.on("conversation_item_added", on_item)
