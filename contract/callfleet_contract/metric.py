"""What a metric is: name, type, unit, labels with the values they may have, buckets. Pure."""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "callfleet_"
UNITS = frozenset({"seconds", "ratio", "usd"})
"""Of time, of a share of 0 to 1, of money. Prometheus wants them in names, and in base units."""


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``labels`` names each label with its allowed values; empty means free text."""

    name: str
    kind: Kind
    help: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels' names, in order."""
        return tuple(name for name, _ in self.labels)

    @property
    def full_name(self) -> str:
        """The name as programs register it."""
        return PREFIX + self.name

    @property
    def shown_as(self) -> str:
        """The name as Prometheus has it: of an info with the ending that its client adds."""
        return self.full_name + ("_info" if self.kind is Kind.INFO else "")

    @property
    def unit(self) -> str:
        """What its values are in, as its name says; "1" where they are a number of something."""
        word = self.name.removesuffix("_total").rpartition("_")[2]
        return word if word in UNITS else "1"
