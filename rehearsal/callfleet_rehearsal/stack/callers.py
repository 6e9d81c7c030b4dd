"""Run the callers as a process of their own, and read what they lived through."""

import json
import sys
from pathlib import Path
from typing import Any

from callfleet_rehearsal.callers import plan as plans
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.evidence import (
    CallEnd,
    CallRecord,
    HeardMarker,
    Party,
    Segment,
    TurnKind,
    TurnRecord,
)
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment


def start_callers(children: Children, plan: RunPlan) -> tuple[Child, Path]:
    """Start the callers; they place their calls as soon as their speech is ready."""
    plan_file, out = children.folder / "plan.json", children.folder / "calls.jsonl"
    plans.write(plan, plan_file)
    command = [sys.executable, "-m", "callfleet_rehearsal.callers", str(plan_file), str(out)]
    return children.start("callers", command, inherited_environment(), piped=True), out


def read_records(file: Path) -> tuple[CallRecord, ...]:
    """Read what the callers wrote.

    Raises:
        StackError: they wrote nothing, or something else.

    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return tuple(_record(json.loads(line)) for line in lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{file} does not hold the callers' records ({error}); see callers.log beside it"
        raise StackError(message) from error


def _record(body: dict[str, Any]) -> CallRecord:
    own = {
        "end": CallEnd(body["end"]),
        "turns": tuple(_turn(turn) for turn in body["turns"]),
        "segments": tuple(
            Segment(**{**segment, "party": Party(segment["party"])}) for segment in body["segments"]
        ),
    }
    return CallRecord(**{**body, **own})


def _turn(body: dict[str, Any]) -> TurnRecord:
    heard = tuple(HeardMarker(**marker) for marker in body["heard"])
    return TurnRecord(**{**body, "kind": TurnKind(body["kind"]), "heard": heard})
