"""What can be set, section by section. Values only: nothing here reads a file or a variable."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)


def split_commas(value: Any) -> Any:
    """Read ``a, b`` as two values; a list stays what it is."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def blank_is_unset(value: Any) -> Any:
    """Read an empty variable as one that is not set: charts and shells leave such behind."""
    return None if isinstance(value, str) and not value.strip() else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
OptionalText = Annotated[Text | None, BeforeValidator(blank_is_unset)]
OptionalFile = Annotated[FilePath | None, BeforeValidator(blank_is_unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(blank_is_unset)]


class Section(BaseModel):
    """A group of settings: frozen, and a name it does not know is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=()
    )


class Sensitivity(StrEnum):
    """How readily the model's activity detection decides."""

    LOW = "low"
    HIGH = "high"


class FarewellWay(StrEnum):
    """What follows the apology when no model is left to talk."""

    GOODBYE = "goodbye"
    TRANSFER = "transfer"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least important line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LivekitSettings(Section):
    """Where calls come from."""

    url: Annotated[
        str, StringConstraints(strip_whitespace=True, pattern=r"^(ws|wss|http|https)://[^/\s]+")
    ] = Field(
        description="LiveKit server that sends calls to this worker.",
        examples=["wss://livekit.example.com"],
    )
    api_key: Text = Field(
        description="Name of the API key that the worker registers with.", examples=["devkey"]
    )
    api_secret: SecretStr = Field(
        description="Secret of that key. LiveKit refuses to start with fewer than 32 characters.",
        examples=["the secret beside the key in LiveKit's configuration"],
        min_length=1,
    )


class CompressionSettings(Section):
    """Whether and when the model forgets the oldest part of a call."""

    enabled: bool = Field(
        default=True,
        description="Compress the context. Off, a call ends after about 15 minutes and each turn "
        "costs more than the one before.",
    )
    trigger_tokens: int = Field(
        default=7000,
        ge=5000,
        le=128000,
        description="Context at which the oldest part is dropped. The whole context is billed "
        "again each turn: 7000 (about 4.5 minutes of audio) holds a call near $0.05 a minute, "
        "more remembers longer and costs more.",
    )
    target_tokens: int = Field(
        default=3500,
        ge=0,
        le=128000,
        description="Context that is kept when the oldest part is dropped. More remembers longer "
        "and compresses more often.",
    )

    @model_validator(mode="after")
    def _target_below_trigger(self) -> Self:
        if self.target_tokens >= self.trigger_tokens:
            message = (
                f"CALLFLEET_MODEL__COMPRESSION__TARGET_TOKENS is {self.target_tokens}, but must "
                f"be below its TRIGGER_TOKENS ({self.trigger_tokens}): write half of that"
            )
            raise ValueError(message)
        return self


class TranscriptionSettings(Section):
    """Whether the model also writes down what is said. Text stays in the call's memory."""

    caller: bool = Field(
        default=False,
        description="Transcribe the caller. Needed by agents that read what was said; costs a "
        "little CPU and tokens.",
    )
    agent: bool = Field(
        default=False,
        description="Transcribe the agent. Needed to know in words how much of an interrupted "
        "reply the caller heard.",
    )


class ModelSettings(Section):
    """Gemini Live: which model, whose keys, and when it thinks that the caller has finished."""

    keys: Annotated[tuple[SecretStr, ...], BeforeValidator(split_commas)] = Field(
        default=(),
        description="API keys in order of preference. Limits are per project: a second key helps "
        "against a quota only if it belongs to another project.",
        examples=["key-of-project-a,key-of-project-b"],
    )
    names: Annotated[tuple[Text, ...], BeforeValidator(split_commas)] = Field(
        default=("gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"),
        min_length=1,
        description="Models in order of preference. The next one is taken when one fails with "
        "every key.",
        examples=["gemini-3.8-live,gemini-3.1-flash-live-preview"],
    )
    base_url: Annotated[
        Annotated[str, StringConstraints(pattern=r"^(https|wss)://[^/\s]+")] | None,
        BeforeValidator(blank_is_unset),
    ] = Field(
        default=None,
        description="Where the model is spoken to instead of at Google: an emulator or a proxy. "
        "Always TLS.",
        examples=["https://127.0.0.1:8443"],
    )
    ca_file: OptionalFile = Field(
        default=None,
        description="Certificates (PEM) that prove the server at base_url. Unset, the machine's "
        "own are used.",
        examples=["/etc/callfleet/model-ca.pem"],
    )
    vertex_project: OptionalText = Field(
        default=None,
        description="Google Cloud project. Set, the model is spoken to through Vertex AI with the "
        "machine's credentials, and keys are not used.",
        examples=["my-project"],
    )
    vertex_location: Text = Field(
        default="us-central1",
        description="Vertex AI region. One far from the worker adds its round trip.",
    )
    setup_seconds: float = Field(
        default=3,
        ge=0.5,
        le=30,
        description="How long a connection to a model may take to be set up before the next way "
        "is tried. The caller hears nothing meanwhile.",
    )
    silence_ms: int = Field(
        default=800,
        ge=100,
        le=5000,
        description="Silence that ends an unfinished sentence. Callers pause 300 to 700 ms inside "
        "sentences, and a phone line adds jitter: 800 does not talk into those pauses. Less "
        "answers sooner and interrupts people; finished sentences end sooner anyway.",
    )
    prefix_padding_ms: int = Field(
        default=100,
        ge=0,
        le=1000,
        description="Speech needed before the caller counts as speaking. Less is quicker to "
        "interrupt and takes clicks on the line for speech.",
    )
    start_sensitivity: Sensitivity = Field(
        default=Sensitivity.HIGH,
        description="How readily a sound counts as speech. Low misses soft callers, high hears "
        "a noisy street.",
    )
    end_sensitivity: Sensitivity = Field(
        default=Sensitivity.LOW,
        description="How readily a pause counts as the end of speech. High answers sooner and "
        "talks into more pauses.",
    )
    compression: CompressionSettings = Field(default_factory=CompressionSettings)
    resumption: bool = Field(
        default=True,
        description="Resume the model's session after its connection is lost (one lasts about "
        "ten minutes). Off, the model forgets the call whenever that happens.",
    )
    transcription: TranscriptionSettings = Field(default_factory=TranscriptionSettings)

    @field_validator("base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value


class PersonaSettings(Section):
    """Who the agent is, when no agent_class says it."""

    instructions: Text = Field(
        default="You are a friendly assistant on the phone. Answer in one or two short sentences. "
        "Ask when something is unclear.",
        description="The model's instructions. Spoken answers should be short: say so.",
    )
    voice: Text = Field(default="Puck", description="Name of a Gemini voice.", examples=["Kore"])
    temperature: float = Field(
        default=0.8,
        ge=0,
        le=2,
        description="0 answers the same each time; higher is livelier, less exact.",
    )
    greeting: str = Field(
        default="Greet the caller in one short sentence and ask how you can help.",
        description="What the agent is told to say first. Empty, it waits for the caller, who "
        "then hears silence on answering.",
    )
    language: Text = Field(
        default="en-US", description="BCP-47 code of the language spoken.", examples=["de-DE"]
    )


class EarsSettings(Section):
    """What happens to the caller's sound before the model hears it."""

    noise_gate_dbfs: Annotated[float | None, BeforeValidator(blank_is_unset)] = Field(
        default=None,
        ge=-90,
        le=-10,
        description="Sound below this level is passed on as silence. Unset, nothing is. Too high "
        "swallows soft callers.",
        examples=["-50"],
    )
    echo_cancellation: bool = Field(
        default=True,
        description="Take the agent's own sound out of the caller's. Off saves a little CPU, and "
        "callers on loudspeakers make the agent interrupt itself.",
    )


class MouthSettings(Section):
    """How the agent's sound leaves the worker."""

    queue_ms: int = Field(
        default=100,
        ge=20,
        le=1000,
        description="Sound queued ahead of playing. Too little stutters on a busy machine; it "
        "delays neither the start of a reply nor its stop.",
    )


class FarewellSettings(Section):
    """What a caller hears when no model is left, instead of silence."""

    apology: OptionalFile = Field(
        default=None,
        description="Sound file that is played. Unset, the built-in English apology is.",
        examples=["/etc/callfleet/apology.wav"],
    )
    goodbye: OptionalFile = Field(
        default=None,
        description="Sound file that is played last, before the call is closed. Unset, the "
        "built-in English one is, except after an apology of your own: that is the last word then.",
        examples=["/etc/callfleet/goodbye.wav"],
    )
    then: FarewellWay = Field(
        default=FarewellWay.GOODBYE, description="Close the call after the apology, or hand it on."
    )
    transfer_to: Annotated[
        Annotated[str, StringConstraints(pattern=r"^(tel:\+?[0-9]+|sips?:[^\s]+)$")] | None,
        BeforeValidator(blank_is_unset),
    ] = Field(
        default=None,
        description="Where phone calls are handed on to. Callers in a browser hear goodbye.",
        examples=["tel:+15550100"],
    )

    @model_validator(mode="after")
    def _transfer_needs_a_target(self) -> Self:
        if self.then is FarewellWay.TRANSFER and self.transfer_to is None:
            message = (
                "CALLFLEET_FAREWELL__THEN is transfer, but CALLFLEET_FAREWELL__TRANSFER_TO is not "
                "set: write where to, for example tel:+15550100, or set THEN to goodbye"
            )
            raise ValueError(message)
        return self


class HttpSettings(Section):
    """Where health and metrics are asked for."""

    host: Text = Field(
        default="0.0.0.0", description="Address to listen on; a pod needs all of them."
    )
    port: int = Field(
        default=8081,
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes any free one and logs it.",
    )


class TelemetrySettings(Section):
    """OpenTelemetry, beside /metrics."""

    otlp_endpoint: Annotated[
        Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")] | None,
        BeforeValidator(blank_is_unset),
    ] = Field(
        default=None,
        description="OTLP/HTTP collector that spans and metrics are sent to. Unset, none are.",
        examples=["http://otel-collector:4318"],
    )
    otlp_headers: OptionalSecret = Field(
        default=None,
        description="Headers sent to it, as name=value pairs.",
        examples=["authorization=Bearer token"],
    )
    service_name: Text = Field(
        default="callfleet-worker", description="service.name of what is sent."
    )
    metrics_interval_seconds: float = Field(
        default=15, ge=1, le=600, description="How often metrics are sent."
    )


class DrainSettings(Section):
    """How a worker goes."""

    seconds: int = Field(
        default=900,
        ge=1,
        le=86400,
        description="How long calls may finish after SIGTERM. Longer slows rollouts, shorter cuts "
        "calls. terminationGracePeriodSeconds must be longer, see drain.md.",
    )
    close_seconds: int = Field(
        default=10,
        ge=1,
        le=300,
        description="How long a call that is cut may take to say goodbye and close.",
    )


class LogSettings(Section):
    """What is written on standard output. Never what a caller said."""

    level: LogLevel = Field(
        default=LogLevel.INFO, description="The least important line still written."
    )
    format: LogFormat = Field(
        default=LogFormat.JSON, description="json for machines, console for people."
    )
