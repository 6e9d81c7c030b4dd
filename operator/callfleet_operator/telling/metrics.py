"""The operator's one Prometheus registry, built from the catalogue: a metric has no other name."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from callfleet_contract import operator_metrics as catalogue
from callfleet_contract.metrics import BUILD_INFO, Kind, Metric
from callfleet_operator.objects.seen import Key


def package_version() -> str:
    """Return the installed version, or say that it runs from source."""
    try:
        return version("callfleet")
    except PackageNotFoundError:
        return "source"


class Metrics:
    """Every metric of the operator."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream gives it no types
        self.prometheus = CollectorRegistry(auto_describe=True)
        self._metrics = {one.name: self._build(one) for one in catalogue.CATALOGUE}
        ProcessCollector(registry=self.prometheus)
        build = self._metrics[BUILD_INFO.name]
        if isinstance(build, Info):
            build.info({"version": package_version(), "role": "operator"})

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

    def add(self, metric: Metric, amount: float = 1.0, labels: Iterable[str] = ()) -> None:
        """Raise a counter."""
        series = self._series(metric, labels)
        if isinstance(series, Counter):
            series.inc(amount)

    def set(self, metric: Metric, value: float, labels: Iterable[str] = ()) -> None:
        """Set a gauge."""
        series = self._series(metric, labels)
        if isinstance(series, Gauge):
            series.set(value)

    def observe(self, metric: Metric, value: float, labels: Iterable[str] = ()) -> None:
        """Add a value to a histogram."""
        series = self._series(metric, labels)
        if isinstance(series, Histogram):
            series.observe(value)

    def forget(self, fleet: Key) -> None:
        """Take a fleet that is gone out of the gauges; counters stay what they are."""
        which = {"namespace": fleet.namespace, "fleet": fleet.name}
        for metric in catalogue.CATALOGUE:
            if metric.kind is Kind.GAUGE and metric.label_names[:2] == ("namespace", "fleet"):
                self._metrics[metric.name].remove_by_labels(which)

    def _series(self, metric: Metric, labels: Iterable[str]) -> MetricWrapperBase:
        whole = self._metrics[metric.name]
        values = tuple(labels)
        return whole.labels(*values) if values else whole
