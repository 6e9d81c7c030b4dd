"""Write the queries of panels. Pure. What the catalogue does not have cannot be asked for.

Everything is of the fleets that are chosen above the board. What was not counted gives no value and
not NaN, which Grafana would show as one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.metric import Kind, Metric
from callfleet_contract.slos import Above, Labels
from callfleet_dashboards.promql import SHARED, bucket_label

RATE = "$__rate_interval"
SHOWN = "$__range"
POD = ("pod", "$pod")
CHOSEN = tuple((label, f"${label}") for label in SHARED)
REVISION = "revision"
"""Prometheus gives a worker's series the revision of its pod."""


@dataclass(frozen=True, slots=True)
class Of:
    """Series of a metric, ``only`` those with such labels, of the chosen fleets or their pod."""

    metric: Metric
    only: Labels = ()
    of_pod: bool = False

    def __post_init__(self) -> None:
        """Refuse what the catalogue does not know.

        Raises:
            ValueError: there is no such metric, or it has no such label or no such value of it.

        """
        if self.metric not in (*metrics.CATALOGUE, *operator_metrics.CATALOGUE):
            message = f"{self.metric.full_name} is not in the catalogue: nothing exports it"
            raise ValueError(message)
        known = dict(self.metric.labels)
        for label, values in self.only:
            self._know(label)
            if not set(values) <= set(known.get(label) or values):
                message = f"{self.metric.full_name} has no {label} of {', '.join(values)}"
                raise ValueError(message)

    def _know(self, label: str) -> None:
        given = (*SHARED, "pod", REVISION) if self._is_of_workers else SHARED[:1]
        # The facts of an info are labels that the catalogue does not name.
        if self.metric.kind is not Kind.INFO and label not in (*self.metric.label_names, *given):
            message = f"{self.metric.full_name} has no label {label}"
            raise ValueError(message)

    @property
    def _is_of_workers(self) -> bool:
        return self.metric in metrics.CATALOGUE

    def _must_be(self, *kinds: Kind) -> None:
        if self.metric.kind not in kinds:
            message = f"{self.metric.full_name} is a {self.metric.kind}: ask it something else"
            raise ValueError(message)

    def series(self, part: str = "", *more: str) -> str:
        """Name the series themselves; ``part`` is a histogram's, such as ``_count``."""
        chosen = [f'{label}=~"{"|".join(sorted(values))}"' for label, values in self.only]
        if self._is_of_workers or SHARED[0] in self.metric.label_names:
            shared = (*CHOSEN, POD) if self.of_pod else CHOSEN
            chosen = [*(f'{label}=~"{value}"' for label, value in shared), *chosen]
        inner = ", ".join([*chosen, *more])
        return f"{self.metric.shown_as}{part}" + (f"{{{inner}}}" if inner else "")

    def _by(self, by: Iterable[str]) -> str:
        named = tuple(by)
        for label in named:
            if label != "le":
                self._know(label)
        return grouped(named)

    def now(self, *by: str, how: str = "sum", ago: str = "") -> str:
        """Give a gauge's or an info's value, added up or as ``how`` says; now, or so long ago."""
        self._must_be(Kind.GAUGE, Kind.INFO)
        return f"{how} {self._by(by)}({self.series()}{f' offset {ago}' if ago else ''})"

    def rate(self, *by: str, window: str = RATE) -> str:
        """Say how often something was counted or observed in each second."""
        return self._counted("rate", by, window)

    def increase(self, *by: str, window: str = RATE) -> str:
        """Say how often something was counted or observed within the window."""
        return self._counted("increase", by, window)

    def happened(self, *by: str) -> str:
        """Say how often something was counted, where only that it was makes a series.

        Such a series does not begin at nought, so its first value is no increase to Prometheus.
        """
        self._must_be(Kind.COUNTER)
        first = f"{self.series()} unless {self.series()} offset {RATE}"
        grown = f"{self.increase(*by)} > 0"
        return f"{grown}\nor\nsum {self._by(by)}({first}) > 0"

    def _counted(self, how: str, by: Iterable[str], window: str) -> str:
        self._must_be(Kind.COUNTER, Kind.HISTOGRAM)
        part = "_count" if self.metric.kind is Kind.HISTOGRAM else ""
        return f"sum {self._by(by)}({how}({self.series(part)}[{window}]))"

    def for_each(self, events: "Of", window: str = RATE) -> str:
        """Share what a histogram observed within the window among all that others counted."""
        self._must_be(Kind.HISTOGRAM)
        return ratio(f"sum (rate({self.series('_sum')}[{window}]))", events.rate(window=window))

    def quantile(self, share: float, *by: str, window: str = RATE) -> str:
        """Give the value that such a share of observations is not above."""
        self._must_be(Kind.HISTOGRAM)
        buckets = f"sum {self._by((*by, 'le'))}(rate({self.series('_bucket')}[{window}]))"
        return f"histogram_quantile({share:g}, {buckets}) >= 0"

    def share_above(self, limit: float, *by: str, window: str = RATE) -> str:
        """Say which share of observations was above a limit, one of the histogram's buckets.

        Raises:
            ValueError: no bucket ends there.

        """
        Above(self.metric, limit)
        bound = f'le="{bucket_label(limit)}"'
        within = f"sum {self._by(by)}(rate({self.series('_bucket', bound)}[{window}]))"
        return f"1 - {ratio(within, self.rate(*by, window=window))}"

    def buckets(self) -> str:
        """Say how often each bucket was observed, for a heatmap."""
        self._must_be(Kind.HISTOGRAM)
        return f"sum by (le) (increase({self.series('_bucket')}[{RATE}]))"


def of(metric: Metric, *, of_pod: bool = False, **only: str | tuple[str, ...]) -> Of:
    """Choose series of a metric by their labels."""
    chosen = tuple(
        (label, (values,) if isinstance(values, str) else tuple(values))
        for label, values in only.items()
    )
    return Of(metric, chosen, of_pod)


def grouped(by: Iterable[str]) -> str:
    """Say by which labels something is added up; nothing where all of it is."""
    named = ", ".join(by)
    return f"by ({named}) " if named else ""


def ratio(part: str, whole: str) -> str:
    """Divide; no value where there is nothing to divide by."""
    return f"({part})\n/\n(({whole}) > 0)"


def recorded(name: str, *by: str, how: str = "sum", **only: str) -> str:
    """Ask for what a rule has recorded of the chosen fleets."""
    chosen = [f'{label}=~"{value}"' for label, value in (*CHOSEN, *only.items())]
    return f"{how} {grouped(by)}({name}{{{', '.join(chosen)}}})"


def recorded_share(name: str, *by: str, **only: str) -> str:
    """Ask for the greatest share of the chosen fleets'; no value where nothing was counted."""
    return f"({recorded(name, *by, how='max', **only)} >= 0)"
