"""What worker and operator can be told of a collector. Values only."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from callfleet_contract.telemetry import Signal
from callfleet_service.expectations import InWords
from callfleet_service.kinds import OptionalSecret, Section, Text, blank_is_unset, split_commas


class Protocol(StrEnum):
    """How it is spoken to."""

    HTTP = "http/protobuf"
    GRPC = "grpc"


def _with_a_host(url: str) -> str:
    where = urlsplit(url)
    if not where.hostname or where.port == 0:
        message = "there is nobody to connect to"
        raise ValueError(message)
    return url


class OtlpSettings(Section):
    """OpenTelemetry: a collector that is sent what happens, beside /metrics and the log lines."""

    otlp_endpoint: Annotated[
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, pattern=r"^https?://[^/\s]+"),
            AfterValidator(_with_a_host),
            InWords("a URL that starts with http:// or https://, with a host and maybe a port"),
        ]
        | None,
        BeforeValidator(blank_is_unset),
    ] = Field(
        default=None,
        description="OTLP collector that traces, metrics and log lines are sent to. Unset, "
        "nothing is sent.",
        examples=["http://otel-collector:4318"],
    )
    otlp_protocol: Protocol = Field(
        default=Protocol.HTTP,
        description="How the collector is spoken to: OTLP/HTTP, usually on port 4318, or gRPC, "
        "usually on 4317.",
    )
    otlp_headers: OptionalSecret = Field(
        default=None,
        description="Headers sent to it, as name=value pairs. Unset, those of "
        "OTEL_EXPORTER_OTLP_HEADERS.",
        examples=["authorization=Bearer token"],
    )
    signals: Annotated[
        tuple[Annotated[Signal, InWords("traces, metrics and logs")], ...],
        BeforeValidator(split_commas),
    ] = Field(
        default=tuple(Signal),
        description="What is sent. Leave logs out where the lines on standard output are "
        "collected anyway, and metrics where /metrics is scraped.",
        examples=["traces"],
    )
    service_name: Text = Field(
        default="callfleet",
        description="service.name of what is sent, unless OTEL_SERVICE_NAME says another.",
    )
    metrics_interval_seconds: float = Field(
        default=15, ge=1, le=600, description="How often metrics are sent."
    )
