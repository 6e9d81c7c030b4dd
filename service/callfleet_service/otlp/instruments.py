"""Send the metrics of a registry, by their names there: what is counted there is counted here.

Gauges are read from the registry when metrics are sent, so one that is gone there is gone here.
"""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from callfleet_contract.metric import Kind, Metric
from callfleet_service.metrics import Registry

_UNITS = {"seconds": "s", "ratio": "1", "usd": "{USD}"}
"""As UCUM has them. A number of something has none: "1" would rename gauges to ratios for whoever
makes Prometheus' series of them."""


class Instruments:
    """The metrics of a catalogue, as OpenTelemetry has them."""

    def __init__(self, meter: Meter, catalogue: Iterable[Metric], registry: Registry) -> None:
        """Make them all, and have the registry pass on what it is told."""
        self._made: dict[str, Counter | Histogram] = {}
        for metric in catalogue:
            unit = _UNITS.get(metric.unit, "")
            match metric.kind:
                case Kind.COUNTER:
                    self._made[metric.name] = meter.create_counter(
                        metric.full_name, unit, metric.help
                    )
                case Kind.HISTOGRAM:
                    self._made[metric.name] = meter.create_histogram(
                        metric.full_name,
                        unit,
                        metric.help,
                        explicit_bucket_boundaries_advisory=metric.buckets,
                    )
                case Kind.GAUGE | Kind.INFO:
                    meter.create_observable_gauge(
                        metric.shown_as, [_reader(registry, metric)], unit, metric.help
                    )
        registry.mirror = self.take

    def take(self, metric: Metric, value: float, labels: tuple[str, ...]) -> None:
        """Add to a counter, or to a histogram."""
        named = dict(zip(metric.label_names, labels, strict=True))
        made = self._made.get(metric.name)
        if isinstance(made, Histogram):
            made.record(value, named)
        elif made is not None:
            made.add(value, named)


def _reader(
    registry: Registry, metric: Metric
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, labels) for labels, value in registry.values(metric)]

    return read
