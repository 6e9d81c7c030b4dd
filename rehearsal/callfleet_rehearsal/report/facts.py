"""What a report says of the run itself, and the figures that all of its forms share."""

from dataclasses import dataclass

from callfleet_rehearsal.evidence import CallRecord, ProcessCost

REAL_MODEL_SENTENCE = (
    "Real Gemini Live has been measured slower: 1.15 to 2.6 s voice to voice. "
    "So the fleet's share and the model's share stand apart everywhere."
)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was rehearsed. ``model`` is a short name, ``timing`` the emulator's profile or empty."""

    started_at: str
    calls: int
    turns: int
    seed: int
    model: str
    timing: str = ""
    emulated: bool = True

    @property
    def model_sentence(self) -> str:
        """Say who answered the callers."""
        if self.emulated:
            timing = f", timing profile {self.timing}" if self.timing else ""
            return f"The model was the embedded Gemini Live emulator{timing}, not Gemini."
        return f"The model was {self.model}, the real one."


@dataclass(frozen=True, slots=True)
class RoleCost:
    """One role's cost, also by the minute of a call."""

    role: str
    processes: int
    cpu_seconds: float
    cpu_seconds_per_call_minute: float | None
    pss_bytes: int


def call_minutes(calls: tuple[CallRecord, ...]) -> float:
    """How many minutes of calls there were."""
    spans = (call.ended_ns - call.joined_ns for call in calls if call.joined_ns is not None)
    return sum(spans) / 60e9


def role_costs(
    calls: tuple[CallRecord, ...], costs: tuple[ProcessCost, ...]
) -> tuple[RoleCost, ...]:
    """Each role's cost, the dearest first."""
    minutes = call_minutes(calls)
    return tuple(
        RoleCost(
            cost.role,
            cost.processes,
            cost.cpu_seconds,
            cost.cpu_seconds / minutes if minutes else None,
            cost.pss_bytes,
        )
        for cost in sorted(costs, key=lambda cost: -cost.cpu_seconds)
    )
