"""Compare a spoiled rehearsal with a sound one."""

from synthetic import rehearsal

from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.verdict import FaultKind, Verdict

SOUND = rehearsal()
BEFORE = judge(SOUND)


def moved(after: Verdict) -> dict[str, float]:
    """Say which objectives' values differ from the sound rehearsal's, and by how much."""
    pairs = zip(BEFORE.results, after.results, strict=True)
    return {
        old.objective.key: (new.value or 0.0) - (old.value or 0.0)
        for old, new in pairs
        if new.value != old.value
    }


def kinds(verdict: Verdict) -> list[FaultKind]:
    return [fault.kind for fault in verdict.faults]
