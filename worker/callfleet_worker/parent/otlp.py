"""Send spans, metrics and log lines over OTLP, made from the same events that feed Prometheus.

Made in the parent, so that calls' processes stay light and nothing depends on their ending well.
"""

from typing import Self

from callfleet_contract import metrics
from callfleet_contract.events import CallEvent
from callfleet_service.otlp.instruments import Instruments
from callfleet_service.otlp.sending import DEFAULT_LIMITS, Limits, Sending
from callfleet_worker.parent.genai import GEMINI, VERTEX, GenAiMetrics
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.spans import CallTraces, Whose
from callfleet_worker.settings import Settings, TelemetrySettings


class Otlp:
    """What goes to the collector."""

    def __init__(self, sending: Sending, registry: Registry, whose: Whose) -> None:
        self._sending = sending
        gen_ai = None
        if sending.meter is not None:
            Instruments(sending.meter, metrics.CATALOGUE, registry)
            gen_ai = GenAiMetrics(sending.meter, whose.provider)
        self._traces = CallTraces(sending.tracer, gen_ai, whose)

    @classmethod
    def start(
        cls,
        settings: TelemetrySettings,
        registry: Registry,
        whose: Whose,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self | None:
        """Start sending to the endpoint; without one there is nothing to start.

        Args:
            settings: Where the collector is, and what it is sent.
            registry: Whose metrics are sent, and where is counted what was lost.
            whose: What all calls of the worker have in common.
            limits: How much may wait for the collector, and for how long.

        """
        sending = Sending.start(settings, registry.lost, limits)
        return None if sending is None else cls(sending, registry, whose)

    def trace(self, event: CallEvent) -> str:
        """Add an event to its call's trace; give the trace's id."""
        return self._traces.trace(event)

    def stop(self) -> None:
        """Send the rest. Blocks for as long as a collector is given."""
        self._traces.close()
        self._sending.stop()


def whose_of(settings: Settings) -> Whose:
    """Say what all calls of a worker have in common."""
    provider = VERTEX if settings.model.vertex_project is not None else GEMINI
    return Whose(settings.agent_name, provider)
