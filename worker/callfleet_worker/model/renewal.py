"""What a lost connection took along, and how it is asked for again on the next one."""

import contextlib
from typing import Any

from livekit.agents import llm

from callfleet_worker.model.asking import AskedReply
from callfleet_worker.model.backing import Backing

_SAY_IT_AGAIN = (
    "You could not hear the caller for a moment. Say sorry in a few words and ask the caller to "
    "say the last thing again."
)


class Renewal:
    """The reply that is owed once there is a connection again."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        self._asked: AskedReply | None = None
        self._lost = self._cut = False

    @property
    def is_answering(self) -> bool:
        """Whether a reply is under way, or owed to a caller who has just asked."""
        conversation = self._backing.conversation
        speaks = conversation is not None and conversation.agent_state in ("speaking", "thinking")
        return speaks or self._backing.owes_reply()

    def expect(self, asked: AskedReply) -> None:
        """Keep a reply that was asked for until it is there."""
        self._asked = asked

    def lost(self) -> None:
        """Note that the connection is gone, and what went with it."""
        self._lost = True
        self._cut = self._cut or self._is_awaited() or self.is_answering

    def detach(self) -> None:
        """Ignore what a dead connection still says to what it was asked."""
        if self._asked is not None:
            self._asked.detach()

    def give_up(self) -> None:
        """Tell who waits that no model is left."""
        if self._asked is not None:
            self._asked.give_up()

    def resumed(self, session: llm.RealtimeSession[Any], *, remembers: bool) -> None:
        """Renew, on the way that was lost and is back, what was cut or asked just then."""
        lost, cut = self._settle()
        # What was speech a moment ago may be known to be over only now.
        if lost and (cut or self._backing.owes_reply()):
            self._renew(session, remembers=remembers)

    def swapped(self, session: llm.RealtimeSession[Any]) -> None:
        """Renew the same on another way, which has at most the words of the conversation."""
        _, cut = self._settle()
        if cut or self._is_awaited() or self._backing.owes_reply():
            self._renew(session, remembers=False)

    def _settle(self) -> tuple[bool, bool]:
        """What one connection lost is owed once, not after each later reconnect too."""
        before = self._lost, self._cut
        self._lost = self._cut = False
        return before

    def _is_awaited(self) -> bool:
        return self._asked is not None and self._asked.waiting

    def _renew(self, session: llm.RealtimeSession[Any], *, remembers: bool) -> None:
        """Ask again.

        A resumed session knows the question. A new one has at most the words of the conversation,
        and with transcription off none: it asks the caller.
        """
        conversation = self._backing.conversation
        if self._asked is not None and self._asked.waiting:
            self._asked.ask(session)
        elif conversation is not None:
            with contextlib.suppress(RuntimeError):
                if remembers:
                    conversation.generate_reply()
                else:
                    conversation.generate_reply(instructions=_SAY_IT_AGAIN)
