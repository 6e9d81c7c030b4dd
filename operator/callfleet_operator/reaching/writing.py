"""Change something in the cluster: only while this operator leads, and not too much at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from callfleet_operator.reaching.connection import REQUEST_SECONDS
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Problem, explain

_Answer = TypeVar("_Answer")
_AT_ONCE = 16


class NotLeadingError(Exception):
    """The lease is lost: nothing may be written any more."""


class WriteError(Exception):
    """What was asked for is not done, or nobody knows; ``problem`` says which."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


class Writer:
    """Sends what changes something, and counts how it ended."""

    def __init__(
        self, leads: Callable[[], bool], count: Callable[[str, str], None], at_once: int = _AT_ONCE
    ) -> None:
        self._leads = leads
        self._count = count
        self._room = asyncio.Semaphore(at_once)

    async def write(
        self, what: str, doing: str, request: Callable[[], Awaitable[_Answer]]
    ) -> _Answer:
        """Send a request and give its answer; ``doing`` says what it does, for errors.

        Raises:
            NotLeadingError: it was not sent.
            WriteError: it was refused, or got no answer.

        """
        async with self._room:
            if not self._leads():
                message = f"{doing}: not done, the lease is lost"
                raise NotLeadingError(message)
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    answer = await request()
            except REQUEST_ERRORS as error:
                problem = explain(error, doing)
                self._count(what, problem.trouble)
                raise WriteError(problem) from error
        self._count(what, "done")
        return answer
