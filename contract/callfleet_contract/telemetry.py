"""What goes to an OpenTelemetry collector, and why some of it does not get there."""

from enum import StrEnum


class Signal(StrEnum):
    """What a collector is sent."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class LossReason(StrEnum):
    """Why something was not sent."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    QUEUE_FULL = "queue_full"
