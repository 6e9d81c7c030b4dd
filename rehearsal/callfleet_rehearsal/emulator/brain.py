"""Decide what the emulated model answers. Scripted, never clever. Pure.

The default brain answers a caller's marker with the same call and turn, and the clip that both
sides can work out; typed text with the greeting; and an unmarked voice with the clips in turn.
"""

from dataclasses import dataclass, field

import orjson

from callfleet_rehearsal.emulator.settings import Function
from callfleet_rehearsal.emulator.speech import GREETING_CLIP, clip_count, clip_text
from callfleet_rehearsal.emulator.turns import ReplyPlan, Source, ToolPlan
from callfleet_rehearsal.sound.marker import MAX_TURN, UNKNOWN_CALL, UNMARKED_CALL, Marker

LATER_TEXT_TURN = MAX_TURN


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """What a script says of one turn; empty fields leave the default brain's choice."""

    text: str | None = None
    clip: int | None = None
    tool: str | None = None
    args: dict[str, object] | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Turns by number. ``greeting`` answers the first text.

    ``tool`` and ``args`` are what a caller gets whose marker wants a tool; without them it is the
    first declared one, with made-up values.
    """

    turns: dict[int, ScriptedTurn] = field(default_factory=dict)
    greeting: ScriptedTurn = ScriptedTurn()
    tool: str | None = None
    args: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation remembers of its caller; it outlives a connection that is resumed."""

    call: int = UNKNOWN_CALL
    greeted: bool = False
    unmarked_turns: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What the brain is to answer."""

    source: Source
    marker: Marker | None = None
    only_a_dot: bool = False


def answer(
    question: Question, memory: Memory, script: Script, functions: tuple[Function, ...]
) -> tuple[ReplyPlan, Memory]:
    """Plan the reply, and say what is remembered after it."""
    if question.source is Source.TEXT:
        return _answer_text(question, memory, script)
    marker = question.marker
    if marker is None:
        number = memory.unmarked_turns + 1
        scripted = script.turns.get(number, ScriptedTurn())
        turn = (number - 1) % (MAX_TURN - 1) + 1
        plan = _plan(
            UNMARKED_CALL, turn, scripted, _tool(scripted, script, functions, wanted=False)
        )
        known = Memory(memory.call, memory.greeted, number)
        return plan, known
    scripted = script.turns.get(marker.turn, ScriptedTurn())
    tool = _tool(scripted, script, functions, wanted=marker.wants_tool)
    return (
        _plan(marker.call, marker.turn, scripted, tool),
        Memory(marker.call, memory.greeted, memory.unmarked_turns),
    )


def _answer_text(question: Question, memory: Memory, script: Script) -> tuple[ReplyPlan, Memory]:
    known = Memory(memory.call, greeted=True, unmarked_turns=memory.unmarked_turns)
    if question.only_a_dot:
        return ReplyPlan(memory.call, 0, GREETING_CLIP, "", empty=True), memory
    if memory.greeted:
        return _plan(memory.call, LATER_TEXT_TURN, ScriptedTurn()), known
    scripted = script.greeting
    clip = GREETING_CLIP if scripted.clip is None else scripted.clip
    text = clip_text(clip) if scripted.text is None else scripted.text
    return ReplyPlan(memory.call, 0, clip, text, empty=scripted.empty), known


def _plan(call: int, turn: int, scripted: ScriptedTurn, tool: ToolPlan | None = None) -> ReplyPlan:
    clip = scripted.clip if scripted.clip is not None else (call * 7 + turn) % clip_count()
    text = clip_text(clip) if scripted.text is None else scripted.text
    return ReplyPlan(call, turn, clip, text, tool=tool, empty=scripted.empty)


def _tool(
    scripted: ScriptedTurn, script: Script, functions: tuple[Function, ...], *, wanted: bool
) -> ToolPlan | None:
    name = scripted.tool or (script.tool if wanted else None)
    if name is None and not wanted:
        return None
    chosen = [each for each in functions if name is None or each.name == name]
    if not chosen:
        return None
    args = script.args if scripted.args is None else scripted.args
    written = chosen[0].sample_args if args is None else orjson.dumps(args).decode()
    return ToolPlan(chosen[0].name, written, chosen[0].blocking)
