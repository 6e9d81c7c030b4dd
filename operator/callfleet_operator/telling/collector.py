"""Send to a collector what the operator tells: ticks as traces, metrics, log lines."""

from typing import TYPE_CHECKING, Protocol

from callfleet_contract import operator_metrics
from callfleet_operator.settings import TelemetrySettings
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.ticks import NoTraces, TickTraces

if TYPE_CHECKING:
    from callfleet_service.otlp.sending import Sending


class Collecting(Protocol):
    """What is sent, while it is."""

    @property
    def traces(self) -> TickTraces:
        """Told of ticks."""

    def stop(self) -> None:
        """Send the rest; blocks for as long as a collector is given."""


class _Nothing:
    """Sends nothing."""

    traces = NoTraces()

    def stop(self) -> None:
        """Do nothing."""


NOTHING: Collecting = _Nothing()


class _Sent:
    """Sends."""

    def __init__(self, sending: "Sending", traces: TickTraces) -> None:
        self._sending, self.traces = sending, traces

    def stop(self) -> None:
        """Send the rest."""
        self._sending.stop()


def start_sending(settings: TelemetrySettings, registry: Metrics) -> Collecting:
    """Start sending to the endpoint; without one there is nothing to start, or to load."""
    if settings.otlp_endpoint is None:
        return NOTHING
    from callfleet_operator.telling.spans import TickSpans  # noqa: PLC0415 - as below
    from callfleet_service.otlp.instruments import Instruments  # noqa: PLC0415 - 10 MB
    from callfleet_service.otlp.sending import Sending  # noqa: PLC0415 - as above

    sending = Sending.start(settings, registry.lost)
    if sending is None:
        return NOTHING
    if sending.meter is not None:
        Instruments(sending.meter, operator_metrics.CATALOGUE, registry)
    return _Sent(sending, TickSpans(sending.tracer))
