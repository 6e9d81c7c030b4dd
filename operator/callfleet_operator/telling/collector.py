"""Send to a collector what the operator tells: ticks as traces, metrics, log lines."""

from typing import TYPE_CHECKING

from callfleet_contract import operator_metrics
from callfleet_operator.settings import TelemetrySettings
from callfleet_operator.telling.metrics import Metrics

if TYPE_CHECKING:
    from callfleet_service.otlp.sending import Sending


def start_sending(settings: TelemetrySettings, registry: Metrics) -> "Sending | None":
    """Start sending to the endpoint; without one there is nothing to start, or to load."""
    if settings.otlp_endpoint is None:
        return None
    from callfleet_service.otlp.instruments import Instruments  # noqa: PLC0415 - 10 MB
    from callfleet_service.otlp.sending import Sending  # noqa: PLC0415 - as above

    sending = Sending.start(settings, registry.lost)
    if sending is not None and sending.meter is not None:
        Instruments(sending.meter, operator_metrics.CATALOGUE, registry)
    return sending
