"""The parts of the response time and the residual, named and spread, for every form of report."""

from collections.abc import Iterable
from dataclasses import dataclass

from callfleet_rehearsal.verdict import Spread, Verdict, spread_of

FLEET = "fleet"
MODEL = "model"
TOOLS = "tools"
BOTH = "both"
RESIDUAL = "inside / outside"


@dataclass(frozen=True, slots=True)
class Figure:
    """One part: its title, whose share it is, its samples and their spread."""

    key: str
    title: str
    share: str
    samples: tuple[float, ...]

    @property
    def spread(self) -> Spread:
        """How the samples are spread."""
        return spread_of(self.samples)


def figures(verdict: Verdict) -> tuple[Figure, ...]:
    """All parts in the order in which they happen, the totals, and the residual."""
    turns, residual = verdict.turns, verdict.residual
    parts = (
        ("uplink", "caller's last word to the model", FLEET, (t.uplink_seconds for t in turns)),
        ("silence", "silence the model waits for", MODEL, (t.silence_seconds for t in turns)),
        ("thinking", "the model thinks", MODEL, (t.thinking_seconds for t in turns)),
        ("tool", "tools work", TOOLS, (t.tool_seconds or None for t in turns)),
        (
            "downlink",
            "the model's first audio to the caller",
            FLEET,
            (t.downlink_seconds for t in turns),
        ),
        ("ear", "caller's jitter buffer", FLEET, (t.ear_seconds for t in turns)),
        ("model", "all of the model", MODEL, (t.model_seconds for t in turns)),
        ("fleet", "all of the fleet", FLEET, (t.fleet_added_seconds for t in turns)),
        ("arrival", "voice to voice, to arrival only", BOTH, (t.arrival_seconds for t in turns)),
        ("heard", "voice to voice, as heard", BOTH, (t.voice_to_voice_seconds for t in turns)),
        ("residual", "outside less inside", RESIDUAL, (t.total_seconds for t in residual.turns)),
    )
    made = (Figure(key, title, share, _known(samples)) for key, title, share, samples in parts)
    return tuple(figure for figure in made if figure.samples)


def _known(samples: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(sample for sample in samples if sample is not None)


def milliseconds(seconds: float | None) -> str:
    """Write a time for people."""
    if seconds is None:
        return ""
    return f"{seconds * 1e3:.0f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"
