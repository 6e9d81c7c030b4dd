"""What can be set about the admission port. Values only: nothing here reads a file or a variable.

The secret half of a key is the operator's: a worker holds none.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from callfleet_contract.fleet.names import ADMISSION_PORT, STATE_FOLDER
from callfleet_contract.signing import read_public_key
from callfleet_service.expectations import InWords
from callfleet_service.kinds import (
    OptionalText,
    Section,
    Text,
    blank_is_unset,
    split_commas,
)


def _is_public_key(text: str) -> str:
    read_public_key(text)
    return text


def _blank_is_usual(value: Any) -> Any:
    return STATE_FOLDER if blank_is_unset(value) is None else value


PublicKey = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9+/]{43}=$"),
    InWords("Ed25519 public keys, each of 32 bytes in base64 (44 characters)"),
    AfterValidator(_is_public_key),
]


class AdmissionSettings(Section):
    """Where an operator watches this worker and cordons it. In pods the operator sets all of it."""

    public_keys: Annotated[tuple[PublicKey, ...], BeforeValidator(split_commas)] = Field(
        default=(),
        description="Whose requests are heeded: the operator's public key, and a second one while "
        "it is changed. Unset, the port is not opened and nobody can cordon this worker.",
        examples=["yNWy27TOYJJ8LHi5mJuUA0zmm1/tUVQ4TBwvBPLMF4Y="],
    )
    pod_uid: OptionalText = Field(
        default=None,
        description="Uid of this pod, from the downward API. Orders for another pod, which had "
        "this address before, are refused. Needed where there are keys.",
        examples=["5d0c5a4e-6a57-4bfb-9d0e-6d5c3c1f5f0a"],
    )
    host: Text = Field(
        default="0.0.0.0", description="Address to listen on; a pod needs all of them."
    )
    port: int = Field(
        default=ADMISSION_PORT,
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes any free one and logs it.",
    )
    state_folder: Annotated[Path, BeforeValidator(_blank_is_usual)] = Field(
        default=Path(STATE_FOLDER),
        description="Where the last order is kept, so that a cordoned worker whose container is "
        "restarted takes no calls. An emptyDir: it lives as long as its pod.",
    )

    @property
    def is_open(self) -> bool:
        """Whether there is anybody to listen to."""
        return bool(self.public_keys)

    @model_validator(mode="after")
    def _orders_are_for_one_pod(self) -> Self:
        if self.is_open and self.pod_uid is None:
            message = (
                "CALLFLEET_ADMISSION__PUBLIC_KEYS is set, but CALLFLEET_ADMISSION__POD_UID is "
                "not: give it metadata.uid by the downward API, or unset the keys"
            )
            raise ValueError(message)
        return self
