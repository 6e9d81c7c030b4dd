"""Keep a model session's account: every snapshot once, and whatever of it cannot be right. Pure.

Nothing on the wire says which reply a snapshot is of, and two equal ones may both be right: turn by
turn the context is billed again. Only one that repeats the last while the model said and did
nothing in between is the same again, and is not counted again.
"""

from collections.abc import Callable
from typing import Any

from google.genai import types

from callfleet_contract.events import CallEvent, UsageDoubted
from callfleet_contract.outcomes import UsageProblem
from callfleet_worker.model.usage import adds_up, tokens_used


class Account:
    """Fed with what one session of the model does, in its order."""

    def __init__(self, call_id: str, model: str, emit: Callable[[CallEvent], None]) -> None:
        """Open an account; ``emit`` takes ``TokensUsed`` and ``UsageDoubted``."""
        self._call_id, self._model, self._emit = call_id, model, emit
        self._latest: types.UsageMetadata | None = None
        self._speaks = self._billed = self._owed = False

    def follow(self, session: Any) -> None:
        """Keep the account of a session that tells of itself as ``PhoneSession`` does."""
        session.on("usage", self.billed)
        session.on("spoke", self.spoke)
        session.on("called", self.called)
        session.on("interrupted", self.interrupted)
        session.on("replied", self.replied)
        session.on("parted", self.parted)

    def spoke(self) -> None:
        """The model sent sound."""
        self._latest = None
        if not self._speaks:
            self._miss()
            self._speaks, self._billed = True, False

    def called(self) -> None:
        """The model called a tool."""
        self._latest = None

    def interrupted(self) -> None:
        """The caller cut the reply short: nobody knows whether that comes with a bill."""
        self._speaks = False

    def replied(self) -> None:
        """The model's turn is complete."""
        self._latest = None
        self._owed = self._owed or (self._speaks and not self._billed)
        self._speaks = False

    def billed(self, usage: types.UsageMetadata) -> None:
        """Take a snapshot."""
        if usage == self._latest:
            self._doubt(UsageProblem.DOUBLED)
            return
        self._latest = usage
        self._billed, self._owed = True, False
        if not adds_up(usage):
            self._doubt(UsageProblem.INCONSISTENT)
        for event in tokens_used(self._call_id, self._model, usage):
            self._emit(event)

    def parted(self) -> None:
        """The connection is over: what was not billed on it will not be."""
        self._miss()
        self._latest = None
        self._speaks = False

    def _miss(self) -> None:
        if self._owed:
            self._owed = False
            self._doubt(UsageProblem.MISSING)

    def _doubt(self, problem: UsageProblem) -> None:
        self._emit(UsageDoubted(self._call_id, problem))
