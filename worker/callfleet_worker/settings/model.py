"""What can be set about the model. Values only: nothing here reads a file or a variable."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from callfleet_contract.profiles import ModelProfile
from callfleet_service.expectations import InWords
from callfleet_service.kinds import (
    OptionalFile,
    OptionalText,
    Section,
    Text,
    blank_is_unset,
    split_commas,
)


class Sensitivity(StrEnum):
    """How readily the model's activity detection decides."""

    LOW = "low"
    HIGH = "high"


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
        Annotated[
            str,
            StringConstraints(pattern=r"^(https|wss)://[^/\s]+"),
            InWords("a URL that starts with https:// or wss://"),
        ]
        | None,
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
    profile: ModelProfile = Field(
        default=ModelProfile.MEASURED,
        description="How fast the model is expected to be, which latency objectives go by: "
        "measured, as Gemini Live was, or ideal, as the emulator is.",
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
