"""The worker's one Prometheus registry, built from the catalogue: a metric has no other name."""

from collections.abc import Mapping
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

from callfleet_contract import metrics
from callfleet_contract.metrics import Kind, Metric
from callfleet_worker.parent.prices import PriceTable
from callfleet_worker.parent.samples import Sample

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


class Registry:
    """Every metric of the catalogue, ready to be fed with samples."""

    def __init__(self, prices: PriceTable) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream gives it no types
        self.prometheus = CollectorRegistry(auto_describe=True)
        self._metrics = {metric.name: self._build(metric) for metric in metrics.CATALOGUE}
        ProcessCollector(registry=self.prometheus)
        self._info(metrics.BUILD_INFO, {"version": package_version(), "role": "worker"})
        self._info(metrics.PRICE_TABLE_INFO, {"name": prices.name, "as_of": prices.as_of})

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

    def _info(self, metric: Metric, facts: dict[str, str]) -> None:
        info = self._metrics[metric.name]
        if isinstance(info, Info):
            info.info(facts)

    def feed(self, sample: Sample, exemplar_facts: Mapping[str, str] | None = None) -> None:
        """Add one sample; counters and histograms only."""
        whole = self._metrics[sample.metric.name]
        series = whole.labels(*sample.labels) if sample.labels else whole
        if isinstance(series, Histogram):
            series.observe(sample.value, exemplar(exemplar_facts) if exemplar_facts else None)
        elif isinstance(series, Counter):
            series.inc(sample.value)

    def set(self, metric: Metric, value: float) -> None:
        """Set a gauge."""
        gauge = self._metrics[metric.name]
        if isinstance(gauge, Gauge):
            gauge.set(value)
