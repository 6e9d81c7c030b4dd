"""What can be set of OpenTelemetry, and of what callers say in it. Values only."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from callfleet_contract.telemetry import Signal
from callfleet_service.expectations import InWords
from callfleet_service.kinds import Text
from callfleet_service.otlp.settings import OtlpSettings


def _lines(value: object) -> object:
    """Read each line as a value: a comma is part of many an expression."""
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    return value


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"{pattern!r} is no regular expression of Python's: {error}"
        raise ValueError(message) from error
    return pattern


class TelemetrySettings(OtlpSettings):
    """OpenTelemetry, beside /metrics: see telemetry.md."""

    service_name: Text = Field(
        default="callfleet-worker",
        description="service.name of what is sent, unless OTEL_SERVICE_NAME says another.",
    )
    content: bool = Field(
        default=False,
        description="Send what callers and agent say along with traces, redacted. There is text "
        "only of whom the model transcribes, see model.transcription.",
    )
    redact: Annotated[
        tuple[Annotated[str, AfterValidator(_compiles)], ...],
        BeforeValidator(_lines),
        InWords("regular expressions of Python's, one on a line"),
    ] = Field(
        default=(),
        description="What else is taken out of content, beside e-mail addresses and numbers of "
        "five digits or more. They are tried on all that is said: slow ones slow calls.",
        examples=[r"(?i)\bmember [a-z]\w+"],
    )

    @property
    def tells_content(self) -> bool:
        """Whether calls have to tell what is said."""
        return self.content and self.otlp_endpoint is not None and Signal.TRACES in self.signals
