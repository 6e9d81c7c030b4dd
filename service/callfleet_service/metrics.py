"""One Prometheus registry a program, built from its catalogue: a metric has no other name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from callfleet_contract.metric import Kind, Metric
from callfleet_contract.metrics import BUILD_INFO, TELEMETRY_LOST_TOTAL

# OpenMetrics allows so many characters in an exemplar's names and values together.
EXEMPLAR_CHARACTERS = 128


def package_version() -> str:
    """Return the installed version, or say that it runs from source."""
    try:
        return version("callfleet")
    except PackageNotFoundError:
        return "source"


def exemplar(facts: Mapping[str, str]) -> dict[str, str]:
    """Keep the facts that fit into an exemplar, the first ones first."""
    kept: dict[str, str] = {}
    left = EXEMPLAR_CHARACTERS
    for name, value in facts.items():
        size = len(name) + len(value)
        if value and size <= left:
            kept[name] = value
            left -= size
    return kept


Mirror = Callable[[Metric, float, tuple[str, ...]], None]
"""Told a metric, by how much it rose or what was observed, and its labels' values."""


def _nowhere(_: Metric, __: float, ___: tuple[str, ...]) -> None:
    """Tell nobody."""


class Registry:
    """Every metric of a catalogue. What a metric is not, is not done to it: no gauge is raised."""

    def __init__(
        self, catalogue: Iterable[Metric], role: str, own: Mapping[str, str] | None = None
    ) -> None:
        """Build them all.

        Args:
            catalogue: What there is.
            role: Who exports them.
            own: Labels that have one value in all of this process: no other begins at nought.

        """
        self.mirror: Mirror = _nowhere
        """Told as well of whatever raises a counter or goes into a histogram."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream gives it no types
        self.prometheus = CollectorRegistry(auto_describe=True)
        self._own = own or {}
        known = tuple(catalogue)
        self._metrics = {metric.name: self._build(metric) for metric in known}
        for metric in known:
            self.begin_at_nought(metric)
        ProcessCollector(registry=self.prometheus)
        self.inform(BUILD_INFO, {"version": package_version(), "role": role})

    def _build(self, metric: Metric) -> MetricWrapperBase:
        name, labels = metric.full_name, metric.label_names
        match metric.kind:
            case Kind.COUNTER:
                return Counter(name, metric.help, labels, registry=self.prometheus)
            case Kind.GAUGE:
                return Gauge(name, metric.help, labels, registry=self.prometheus)
            case Kind.INFO:
                return Info(name, metric.help, labels, registry=self.prometheus)
            case Kind.HISTOGRAM:
                return Histogram(
                    name, metric.help, labels, buckets=metric.buckets, registry=self.prometheus
                )

    def begin_at_nought(self, metric: Metric, first: tuple[str, ...] = ()) -> None:
        """Show what was never counted as nought, where the catalogue names all values of labels.

        A series that begins with 1 is no increase to Prometheus: the first of anything, which is
        often the only one, would be counted by nobody. ``first`` are values of the first labels.
        """
        if metric.kind not in (Kind.COUNTER, Kind.HISTOGRAM):
            return
        own = self._own
        named = [
            (own[name],) if name in own else values for name, values in metric.labels[len(first) :]
        ]
        if metric.labels and all(named):
            for values in product(*named):
                self._metrics[metric.name].labels(*first, *values)

    def inform(self, metric: Metric, facts: dict[str, str]) -> None:
        """Say the facts of an info."""
        info = self._metrics[metric.name]
        if isinstance(info, Info):
            info.info(facts)

    def add(self, metric: Metric, amount: float = 1.0, labels: Iterable[str] = ()) -> None:
        """Raise a counter."""
        values = tuple(labels)
        series = self._series(metric, values)
        if isinstance(series, Counter):
            series.inc(amount)
            self.mirror(metric, amount, values)

    def set(self, metric: Metric, value: float, labels: Iterable[str] = ()) -> None:
        """Set a gauge."""
        series = self._series(metric, tuple(labels))
        if isinstance(series, Gauge):
            series.set(value)

    def observe(
        self,
        metric: Metric,
        value: float,
        labels: Iterable[str] = (),
        leads_to: Mapping[str, str] | None = None,
    ) -> None:
        """Add a value to a histogram, with facts that lead to what was measured."""
        values = tuple(labels)
        series = self._series(metric, values)
        if isinstance(series, Histogram):
            series.observe(value, exemplar(leads_to) if leads_to else None)
            self.mirror(metric, value, values)

    def values(self, metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
        """Give each series of a gauge or an info by its labels, with its value now."""
        for family in self._metrics[metric.name].collect():
            for sample in family.samples:
                yield sample.labels, sample.value

    def lost(self, signal: str, reason: str, items: int) -> None:
        """Count what a collector was not given."""
        self.add(TELEMETRY_LOST_TOTAL, items, (signal, reason))

    def forget_series(self, metric: Metric, labels: dict[str, str]) -> None:
        """Take the series with these labels away."""
        self._metrics[metric.name].remove_by_labels(labels)

    def shown(self, accepts: str) -> tuple[bytes, str]:
        """Write all of them, in the newest form that a reader accepts; give its type as well."""
        encode, content_type = choose_encoder(accepts)
        return encode(self.prometheus), content_type

    def _series(self, metric: Metric, values: tuple[str, ...]) -> MetricWrapperBase:
        whole = self._metrics[metric.name]
        return whole.labels(*values) if values else whole
