"""The verdict as one JSON document, for machines: every figure that the other forms show."""

import json
from dataclasses import asdict
from typing import Any

from callfleet_rehearsal.report.facts import REAL_MODEL_SENTENCE, RunFacts, role_costs
from callfleet_rehearsal.verdict import Evidence, MeasuredTurn, ObjectiveResult, Verdict

SCHEMA = 1


def document(verdict: Verdict, evidence: Evidence, facts: RunFacts) -> str:
    """Write the document. Seconds are seconds; a figure that is not known is null."""
    body = {
        "schema": SCHEMA,
        "run": asdict(facts),
        "note": f"{facts.model_sentence} {REAL_MODEL_SENTENCE}",
        "outcome": verdict.outcome,
        "exit_code": int(verdict.exit_code),
        "reasons": verdict.reasons,
        "objectives": [_objective(result) for result in verdict.results],
        "cross_talk": verdict.cross_talk,
        "faults": [asdict(fault) for fault in verdict.faults],
        "turns": [_turn(turn) for turn in verdict.turns],
        "residual": asdict(verdict.residual),
        "calls": [_call(call) for call in evidence.calls],
        "costs": [asdict(cost) for cost in role_costs(evidence.calls, evidence.costs)],
        "machine": asdict(evidence.machine) if evidence.machine else None,
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


def _objective(result: ObjectiveResult) -> dict[str, Any]:
    return {
        **asdict(result.objective),
        "value": result.value,
        "count": result.count,
        "met": result.met,
        "untested": result.untested,
        "source": result.source,
        "spread": asdict(result.spread) if result.spread else None,
    }


def _turn(turn: MeasuredTurn) -> dict[str, Any]:
    return {
        **asdict(turn),
        "model_seconds": turn.model_seconds,
        "fleet_added_seconds": turn.fleet_added_seconds,
    }


def _call(call: Any) -> dict[str, Any]:
    body = asdict(call)
    del body["segments"], body["turns"]
    return body
