"""The kinds of values that settings are made of. Pure."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FilePath,
    SecretStr,
    StringConstraints,
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


class LogFormat(StrEnum):
    """How lines are written."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least important line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Section(BaseModel):
    """A group of settings: frozen, and a name it does not know is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=()
    )
