"""Keep of a reply's words only what the caller can have heard. No clock, no network."""

from livekit.agents.voice import io


def heard_part(text: str, played_seconds: float, received_seconds: float) -> str:
    """Cut a reply's text where its sound was cut, back to the last whole word.

    The model sends words in step with its sound, so the share of the sound that was played is
    the share of the words that was heard.
    """
    if received_seconds <= 0 or played_seconds <= 0:
        return ""
    if played_seconds >= received_seconds:
        return text
    length = int(len(text) * played_seconds / received_seconds)
    if length < len(text) and not text[length].isspace():
        length = max(text.rfind(" ", 0, length), text.rfind("\n", 0, length), 0)
    return text[:length].rstrip()


class ReplyText(io.TextOutput):
    """Collects the words of the reply that is being spoken."""

    def __init__(self) -> None:
        super().__init__(label="reply text", next_in_chain=None)
        self._parts: list[str] = []
        self._complete = False
        self._refusing = False

    @property
    def text(self) -> str:
        """The words received so far of the reply that is being spoken."""
        return "".join(self._parts)

    async def capture_text(self, text: str) -> None:
        """Take words; after a reply's end they begin the next one."""
        if self._complete:
            self._parts.clear()
            self._complete = False
        if not self._refusing:
            self._parts.append(text)

    def flush(self) -> None:
        """Mark the reply's text as complete."""
        self._complete = True
        self._refusing = False

    def forget(self) -> None:
        """The reply's sound has ended: its words, and those still to come, are not the next's."""
        self._refusing = bool(self._parts) and not self._complete
        self._parts.clear()
