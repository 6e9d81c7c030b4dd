"""What can be set, section by section. Values only: nothing here reads a file or a variable."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from callfleet_service.expectations import InWords
from callfleet_service.kinds import (
    LogFormat,
    LogLevel,
    OptionalFile,
    Section,
    Text,
    blank_is_unset,
)


class FarewellWay(StrEnum):
    """What follows the apology when no model is left to talk."""

    GOODBYE = "goodbye"
    TRANSFER = "transfer"


class LivekitSettings(Section):
    """Where calls come from."""

    url: Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=r"^(ws|wss|http|https)://[^/\s]+"),
        InWords("a URL that starts with ws://, wss://, http:// or https://"),
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
    cut_off: str = Field(
        default="Say in one short sentence that you are sorry and that the line was cut off, then "
        "ask how you can help.",
        description="What the agent is told to say first, in place of the greeting, to a caller "
        "whose call it takes over because the process of the agent before it died. That one's "
        "memory of the call is gone. Empty, the caller is greeted as any other.",
    )
    language: Text = Field(
        default="en-US", description="BCP-47 code of the language spoken.", examples=["de-DE"]
    )


class CallerSettings(Section):
    """How long a call waits for its caller."""

    wait_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="How long an empty room is kept before the call counts as never joined. Its "
        "slot is taken meanwhile. LiveKit closes the room itself after its empty_timeout, 300 s.",
    )
    return_seconds: float = Field(
        default=10,
        ge=0,
        le=300,
        description="How long a caller whose network broke may take to come back before the call "
        "counts as dropped. Its slot is taken meanwhile. LiveKit closes the room itself after its "
        "departure_timeout, 20 s: more needs that raised too.",
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
    subscription_wait_seconds: float = Field(
        default=5,
        ge=0,
        le=60,
        description="How long the agent's first words wait for the caller's device to listen. "
        "After that they are spoken all the same, whoever may hear them.",
    )
    settle_seconds: float = Field(
        default=0.2,
        ge=0,
        le=5,
        description="How long a device that has just begun to listen is given before the first "
        "word. Less clips it; more makes every greeting as much later.",
    )
    bitrate_kbps: int = Field(
        default=64,
        ge=12,
        le=128,
        description="How much of the network a second of the agent's voice takes, before it is "
        "sent twice. Below 64 Opus codes speech as such, which sounds as good on a phone and costs "
        "an eighth more CPU.",
    )
    dtx: bool = Field(
        default=True,
        description="Send next to no packets while the agent is silent, as LiveKit's own clients "
        "do. Off costs server and caller a quarter more work, for devices that take missing "
        "packets for a broken line.",
    )
    red: bool = Field(
        default=True,
        description="Send each packet twice, so that a single lost one is not heard. Off halves "
        "what is sent, and callers on bad networks hear gaps.",
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
        Annotated[
            str,
            StringConstraints(pattern=r"^(tel:\+?[0-9]+|sips?:[^\s]+)$"),
            InWords("a tel: or sip: address"),
        ]
        | None,
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
        description="How long a call that is cut may take to close. A stopped worker says no "
        "goodbye.",
    )


class LogSettings(Section):
    """What is written on standard output. Never what a caller said."""

    level: LogLevel = Field(
        default=LogLevel.INFO,
        description="The least important line still written. Other libraries' lines below info "
        "never are: keys and what callers say are in them.",
    )
    format: Annotated[LogFormat | None, BeforeValidator(blank_is_unset)] = Field(
        default=None,
        description="json for machines, console for people. Unset, console where standard output "
        "is a terminal, else json.",
    )
