"""Callers who talk until they are told that it is enough, and hang up after the next reply.

However slow a machine is, whatever happens to a fleet meanwhile happens to calls that are up.
"""

import asyncio
import contextlib
import itertools
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp

from callfleet_rehearsal.callers.caller import Caller
from callfleet_rehearsal.callers.line import Line
from callfleet_rehearsal.callers.plan import CallPlan, Listening, RunPlan
from callfleet_rehearsal.callers.presence import Way
from callfleet_rehearsal.callers.run import prepare, token, words
from callfleet_rehearsal.callers.script import Action, Script, State
from callfleet_rehearsal.evidence import CallRecord, HeardMarker, TurnKind

_SENTENCES = 4
"""Each caller says so many, over and over."""
_MOST_TURNS = 50 * _SENTENCES
_PATIENCE_SECONDS = 120.0
"""With the greeting: whoever waits for an answer hangs up no sooner."""


class Server(Protocol):
    """A LiveKit server, and a key that lets callers in."""

    @property
    def url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def api_secret(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Patient(Script):
    """A script without an end of its own."""

    enough: asyncio.Event = asyncio.Event()  # noqa: RUF009 - always given

    def begin(self, now_ns: int) -> State:
        patience_ns = round(_PATIENCE_SECONDS * 1e9)
        return replace(Script.begin(self, now_ns), deadline_ns=now_ns + patience_ns)

    def _is_for_this_turn(self, state: State, heard: HeardMarker) -> bool:
        if state.turn == 0 or heard.call != self.plan.call:
            return True
        return heard.turn == sentence_of(state.turn)

    def _think(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        is_over = state.turn > 0 and self.enough.is_set()
        script: Script = replace(self, plan=replace(self.plan, kinds=())) if is_over else self
        return Script._think(script, state, now_ns)


def sentence_of(turn: int) -> int:
    """Say which of its sentences a caller says in a turn; the marker has that number too."""
    return (turn - 1) % _SENTENCES + 1


class PatientCallers:
    """Callers of one agent; ``numbers`` are those that their markers have."""

    def __init__(
        self,
        server: Server,
        agent_name: str,
        http: aiohttp.ClientSession,
        numbers: Iterator[int],
    ) -> None:
        self._http = http
        self._numbers = numbers
        self._enough: dict[int, asyncio.Event] = {}
        self._calls: dict[int, asyncio.Task[CallRecord]] = {}
        self._replies: dict[int, int] = {}
        self._moved = asyncio.Event()
        self._plan = RunPlan(
            livekit_url=server.url,
            api_key=server.api_key,
            api_secret=server.api_secret,
            agent_name=agent_name,
            run_id=uuid.uuid4().hex[:6],
            calls=(),
        )

    async def call(self, callers: int, *, at_once: bool = False) -> list[int]:
        """Have more of them call, one after the other or in the same moment."""
        numbers = list(itertools.islice(self._numbers, callers))
        ready: list[Line] = []
        for number in numbers:
            ready.append(await asyncio.to_thread(self._line, number))
            if not at_once:
                self._begin(ready.pop())
        for line in ready:
            self._begin(line)
        return numbers

    async def have_talked(self) -> None:
        """Wait until each has heard one reply to its end, and the beginning of the next."""
        await self._have_heard(dict.fromkeys(self._calls, 2))

    async def talk_on(self, some: Iterable[int] | None = None) -> None:
        """Wait until these, or all who talk, have heard one reply more than until now."""
        talking = [number for number, call in self._calls.items() if not call.done()]
        chosen = talking if some is None else some
        await self._have_heard({each: self._replies.get(each, 0) + 1 for each in chosen})

    async def hang_up(self, some: Iterable[int] | None = None) -> list[CallRecord]:
        """Tell these, or all, that it is enough, and give what they saw."""
        chosen = list(self._calls if some is None else some)
        for number in chosen:
            self._enough[number].set()
        return await asyncio.gather(*(self._calls[number] for number in chosen))

    async def leave(self) -> None:
        """Be gone, if they still talk."""
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)

    def words(self, number: int, turn: int) -> str:
        """Say what a caller says in a turn."""
        return words(self._plan, number, sentence_of(turn))

    async def _have_heard(self, replies: dict[int, int]) -> None:
        def lacking() -> list[int]:
            return [each for each in replies if self._replies.get(each, 0) < replies[each]]

        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while lacking():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError as error:
            ended = {
                each: (call.result().end.value, call.result().detail)
                for each, call in self._calls.items()
                if call.done()
            }
            message = f"callers {lacking()} heard too few replies; those who are gone: {ended}"
            raise AssertionError(message) from error

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "turn":
            self._replies[facts["call"]] = self._replies.get(facts["call"], 0) + 1
            self._moved.set()

    def _begin(self, line: Line) -> None:
        caller = Caller(line, self._http, self._note)
        self._calls[line.script.plan.call] = asyncio.create_task(caller.call())

    def _line(self, number: int) -> Line:
        call = CallPlan(number, (TurnKind.PLAIN,) * _SENTENCES)
        voicebox = prepare(self._plan, call)
        endless = replace(call, kinds=(TurnKind.PLAIN,) * _MOST_TURNS)
        chance = random.Random(number)
        thinks = tuple(chance.uniform(0.3, 0.9) for _ in range(_MOST_TURNS + 1))
        enough = self._enough[number] = asyncio.Event()
        return Line(
            room=self._plan.room_of(call),
            way=Way(self._plan.livekit_url, token(self._plan, call)),
            script=_Patient(endless, thinks, Listening.MARKERS, enough),
            voicebox=replace(voicebox, turns=voicebox.turns * (_MOST_TURNS // _SENTENCES)),
            spoiler=None,
            phase_seconds=number % 10 * 0.002,
        )


@contextlib.asynccontextmanager
async def patient_callers(
    server: Server, agent_name: str, numbers: Iterator[int] | None = None
) -> AsyncIterator[PatientCallers]:
    """Give callers; whoever still talks at the end of the block is gone then."""
    async with aiohttp.ClientSession() as http:
        callers = PatientCallers(server, agent_name, http, numbers or itertools.count(1))
        try:
            yield callers
        finally:
            await callers.leave()
