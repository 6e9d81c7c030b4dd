"""Callers who talk until they are told that it is enough, and hang up after the next reply.

However slow a machine is, whatever happens to a fleet meanwhile happens to calls that are up.
"""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from callfleet_rehearsal.callers.caller import Caller
from callfleet_rehearsal.callers.line import Line
from callfleet_rehearsal.callers.plan import CallPlan, Listening, RunPlan
from callfleet_rehearsal.callers.presence import Way
from callfleet_rehearsal.callers.run import prepare, token
from callfleet_rehearsal.callers.script import Action, Script, State
from callfleet_rehearsal.evidence import CallRecord, HeardMarker, TurnKind
from callfleet_rehearsal.stack.livekit import LiveKitServer

_SENTENCES = 4
"""Each caller says so many, over and over."""
_MOST_TURNS = 50 * _SENTENCES


@dataclass(frozen=True, slots=True)
class _Patient(Script):
    """A script without an end of its own."""

    enough: asyncio.Event = asyncio.Event()  # noqa: RUF009 - always given

    def _is_for_this_turn(self, state: State, heard: HeardMarker) -> bool:
        said = (state.turn - 1) % _SENTENCES + 1
        return state.turn == 0 or heard.call != self.plan.call or heard.turn == said

    def _think(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        is_over = state.turn > 0 and self.enough.is_set()
        script: Script = replace(self, plan=replace(self.plan, kinds=())) if is_over else self
        return Script._think(script, state, now_ns)


class PatientCallers:
    """Callers of one agent."""

    def __init__(
        self, livekit: LiveKitServer, agent_name: str, http: aiohttp.ClientSession
    ) -> None:
        self._http = http
        self._enough = asyncio.Event()
        self._calls: list[asyncio.Task[CallRecord]] = []
        self._talked: set[int] = set()
        self._moved = asyncio.Event()
        self._plan = RunPlan(
            livekit_url=livekit.url,
            api_key=livekit.api_key,
            api_secret=livekit.api_secret,
            agent_name=agent_name,
            run_id=uuid.uuid4().hex[:6],
            calls=(),
        )

    async def call(self, callers: int) -> None:
        """Have more of them call, one after the other."""
        for number in range(len(self._calls) + 1, len(self._calls) + callers + 1):
            line = await asyncio.to_thread(self._line, number)
            caller = Caller(line, self._http, self._note)
            self._calls.append(asyncio.create_task(caller.call()))

    async def have_talked(self, seconds: float = 60.0) -> None:
        """Wait until each has heard one reply to its end, and the beginning of the next."""
        async with asyncio.timeout(seconds):
            while len(self._talked) < len(self._calls):
                self._moved.clear()
                await self._moved.wait()

    async def hang_up(self) -> list[CallRecord]:
        """Tell them that it is enough, and give what they saw."""
        self._enough.set()
        return await asyncio.gather(*self._calls)

    async def leave(self) -> None:
        """Be gone, if they still talk."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "turn" and facts["turn"] > 1:
            self._talked.add(facts["call"])
            self._moved.set()

    def _line(self, number: int) -> Line:
        call = CallPlan(number, (TurnKind.PLAIN,) * _SENTENCES)
        voicebox = prepare(self._plan, call)
        endless = replace(call, kinds=(TurnKind.PLAIN,) * _MOST_TURNS)
        chance = random.Random(number)
        thinks = tuple(chance.uniform(0.3, 0.9) for _ in range(_MOST_TURNS + 1))
        return Line(
            room=self._plan.room_of(call),
            way=Way(self._plan.livekit_url, token(self._plan, call)),
            script=_Patient(endless, thinks, Listening.MARKERS, self._enough),
            voicebox=replace(voicebox, turns=voicebox.turns * (_MOST_TURNS // _SENTENCES)),
            spoiler=None,
            phase_seconds=number % 10 * 0.002,
        )


@contextlib.asynccontextmanager
async def patient_callers(livekit: LiveKitServer, agent_name: str) -> AsyncIterator[PatientCallers]:
    """Give callers; whoever still talks at the end of the block is gone then."""
    async with aiohttp.ClientSession() as http:
        callers = PatientCallers(livekit, agent_name, http)
        try:
            yield callers
        finally:
            await callers.leave()
