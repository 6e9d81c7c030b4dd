"""How fast the model behind a fleet is expected to be: what latency is held against. Data only."""

from dataclasses import dataclass
from enum import StrEnum


class ModelProfile(StrEnum):
    """Which model a worker speaks with, as far as its speed goes."""

    IDEAL = "ideal"
    """A yardstick: 300 ms from the last speech to the first audio. What is late is the fleet."""
    MEASURED = "measured"
    """Gemini Live as it was measured."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long a caller may wait for a reply, ``seconds``, and why so long."""

    seconds: float
    why: str


EXPECTED: dict[ModelProfile, Expectation] = {
    ModelProfile.IDEAL: Expectation(0.5, "people take longer pauses for a bad line"),
    ModelProfile.MEASURED: Expectation(
        3.0,
        "Gemini was measured at medians of 1.15 to 2.6 s voice to voice: what is later than that "
        "is no day like any other",
    ),
}
