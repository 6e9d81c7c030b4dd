"""Read what the parties of a rehearsal wrote: callers' records, the model's log, the worker's."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from callfleet_contract.events import TurnMeasured
from callfleet_contract.outcomes import TurnEnd
from callfleet_rehearsal.evidence import (
    CallEnd,
    CallRecord,
    Dispatch,
    HeardMarker,
    ModelTurn,
    Party,
    Segment,
    TurnKind,
    TurnRecord,
)

_TURN_FIELDS = tuple(field.name for field in fields(TurnMeasured))


class UnreadableError(ValueError):
    """A file does not hold what its writer should have written."""


def read_calls(file: Path) -> tuple[CallRecord, ...]:
    """Read the callers' records, one JSON object a line.

    Raises:
        UnreadableError: the file is missing, or a line is no record of this version.

    """
    try:
        with file.open(encoding="utf-8") as lines:
            return tuple(_call(json.loads(line)) for line in lines if line.strip())
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = (
            f"{file} does not hold callers' records ({type(error).__name__}: {error}); "
            "look into the log of the callers beside it"
        )
        raise UnreadableError(message) from error


def read_model_turns(file: Path) -> tuple[ModelTurn, ...]:
    """Read the emulator's event log: one entry for each reply whose first audio was sent.

    Raises:
        UnreadableError: the file is missing, or an event lacks what it should say.

    """
    log = _ModelLog()
    try:
        for line in _objects(file):
            log.take(line)
    except (OSError, KeyError, TypeError) as error:
        message = (
            f"{file} is no event log of the emulator ({type(error).__name__}: {error}); "
            "run emulator and rehearsal from one installation"
        )
        raise UnreadableError(message) from error
    return tuple(log.turns)


class _ModelLog:
    """Follows each session, so that a reply after tools is told from the speech that asked."""

    def __init__(self) -> None:
        self.turns: list[ModelTurn] = []
        self._ended: dict[tuple[str, int, int], dict[str, Any]] = {}
        self._called_ns: dict[str, int] = {}
        self._tools: dict[str, list[tuple[int, int]]] = {}

    def take(self, line: dict[str, Any]) -> None:
        """Take one event; those of other kinds change nothing."""
        session = line.get("session", "")
        match line.get("event"):
            case "end_of_turn" if line.get("call") is not None:
                self._ended[session, line["call"], line["turn"]] = line
                self._tools.pop(session, None)
            case "tool_call":
                self._called_ns[line["id"]] = line["at_ns"]
            case "tool_response":
                called_ns = self._called_ns.pop(line["id"], line["at_ns"])
                self._tools.setdefault(session, []).append((called_ns, line["at_ns"]))
            case "reply_first_audio" if line.get("call") is not None:
                self._reply(session, line)

    def _reply(self, session: str, reply: dict[str, Any]) -> None:
        if reply.get("last_speech_received_ns") is None:
            return
        asked, tool_seconds = reply, reply.get("tool_seconds", 0.0)
        ended = self._ended.get((session, reply["call"], reply["turn"]))
        if reply.get("source") == "tool_result" and ended is not None:
            asked, tool_seconds = ended, _covered(self._tools.get(session, [])) / 1e9
        self.turns.append(
            ModelTurn(
                call=reply["call"],
                turn=reply["turn"],
                last_speech_received_ns=asked["last_speech_received_ns"],
                end_of_turn_ns=asked["at_ns"] if asked is ended else asked["end_of_turn_ns"],
                first_audio_sent_ns=reply["at_ns"],
                tool_seconds=tool_seconds,
            )
        )


def _covered(spans: list[tuple[int, int]]) -> int:
    """How long at least one of the spans lasted."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def read_inside_turns(file: Path) -> tuple[TurnMeasured, ...]:
    """Read the turns that a worker logged. Lines of other kinds, JSON or not, are passed over.

    Raises:
        UnreadableError: the file is missing, or a turn lacks what it should say.

    """
    try:
        turns = [line for line in _objects(file) if line.get("event") == "turn"]
        return tuple(
            TurnMeasured(
                **{name: line[name] for name in _TURN_FIELDS if name != "end"},
                end=TurnEnd(line["end"]),
            )
            for line in turns
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        message = (
            f"{file} is no log of a worker ({type(error).__name__}: {error}); "
            "run worker and rehearsal from one installation"
        )
        raise UnreadableError(message) from error


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    """Give the lines that are JSON objects: native libraries write into the same stream."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                body = json.loads(line)
            except ValueError:
                continue
            if isinstance(body, dict):
                yield body


def _call(body: dict[str, Any]) -> CallRecord:
    own = {
        "end": CallEnd(body["end"]),
        "turns": tuple(_turn(turn) for turn in body["turns"]),
        "dispatch": Dispatch(**body["dispatch"]),
        "segments": tuple(
            Segment(**{**segment, "party": Party(segment["party"])}) for segment in body["segments"]
        ),
    }
    return CallRecord(**{**body, **own})


def _turn(body: dict[str, Any]) -> TurnRecord:
    heard = tuple(HeardMarker(**marker) for marker in body["heard"])
    return TurnRecord(**{**body, "kind": TurnKind(body["kind"]), "heard": heard})
