"""All that an operator can be told: ``load()`` reads it, or says what to correct."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from callfleet_service.kinds import (
    LogFormat,
    LogLevel,
    OptionalText,
    Section,
    Text,
    blank_is_unset,
    split_commas,
)
from callfleet_service.otlp.settings import OtlpSettings

PREFIX = "CALLFLEET_OPERATOR_"
WRONG_SETTINGS = 2
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


_Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=63)
]


class LeaseSettings(Section):
    """Which operator acts, where several run."""

    name: _Name = Field(
        default="callfleet-operator",
        description="Name of the Lease. Operators that share it wait for each other: give those "
        "of different namespaces different names.",
    )
    namespace: OptionalText = Field(
        default=None,
        description="Where the Lease is. Unset, the operator's own namespace.",
        examples=["callfleet-system"],
    )


PORT = 8083
"""Where health, metrics and plans are asked for, unless it is set otherwise."""


class HttpSettings(Section):
    """Where health and metrics are asked for."""

    host: Text = Field(
        default="0.0.0.0", description="Address to listen on; a pod needs all of them."
    )
    port: int = Field(
        default=PORT,
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes any free one and logs it.",
    )


class LogSettings(Section):
    """What is written on standard output: one line for each decision."""

    level: LogLevel = Field(
        default=LogLevel.INFO, description="The least important line still written."
    )
    format: Annotated[LogFormat | None, BeforeValidator(blank_is_unset)] = Field(
        default=None,
        description="json for machines, console for people. Unset, console where standard output "
        "is a terminal, else json.",
    )


class TelemetrySettings(OtlpSettings):
    """OpenTelemetry, beside /metrics: see telemetry.md."""

    service_name: Text = Field(
        default="callfleet-operator",
        description="service.name of what is sent, unless OTEL_SERVICE_NAME says another.",
    )


class Settings(BaseSettings):
    """All of them."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        protected_namespaces=(),
    )

    private_key_file: Path = Field(
        description="File with the private key that orders to workers are signed with, on a line; "
        "further lines are earlier keys, which workers that run already believe. "
        "`callfleet operator keys` makes one.",
        examples=["/etc/callfleet/keys/private-key"],
    )
    namespaces: Annotated[tuple[_Name, ...], BeforeValidator(split_commas)] = Field(
        default=(),
        description="Namespaces whose fleets are looked after. Unset, all of them, which needs a "
        "ClusterRole.",
        examples=["voice,voice-staging"],
    )
    relist_seconds: float = Field(
        default=60,
        ge=5,
        le=3600,
        description="How often everything is listed anew, in case a watch lost something. More "
        "often costs requests, less often leaves a lost change unseen for longer.",
    )
    lease: LeaseSettings = Field(default_factory=LeaseSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @property
    def lease_namespace(self) -> str:
        """Where the Lease is."""
        if self.lease.namespace is not None:
            return self.lease.namespace
        if _NAMESPACE_FILE.is_file():
            return _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
        return self.namespaces[0] if self.namespaces else "default"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values that are given in code alone: ``load`` reads the environment itself."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class SettingsError(Exception):
    """Settings that an operator cannot start with: one sentence for each thing to correct."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def variables(
    model: type[BaseModel] = Settings, above: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """Walk over every setting, by its variable."""
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from variables(inner, f"{above}{name}__".upper())
        else:
            yield f"{PREFIX}{above}{name}".upper(), info


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: something has to be corrected; nothing was started.

    """
    known = dict(variables())
    values: dict[str, Any] = {}
    sentences = []
    for name, value in (os.environ if env is None else env).items():
        if not name.startswith(PREFIX) or _is_service_link(name):
            continue
        if name not in known:
            sentences.append(_about_unknown(name, known))
        elif value.strip():
            _put(values, name.removeprefix(PREFIX).lower().split("__"), value)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        sentences += [_about_error(one, known) for one in error.errors(include_url=False)]
    else:
        if not sentences:
            return settings
    raise SettingsError(tuple(sentences))


def _put(values: dict[str, Any], place: list[str], value: str) -> None:
    for name in place[:-1]:
        values = values.setdefault(name, {})
    values[place[-1]] = value


def _is_service_link(name: str) -> bool:
    """Tell what Kubernetes sets in every pod beside a Service called callfleet-operator."""
    rest = name.removeprefix(PREFIX)
    return rest.startswith(("SERVICE_", "PORT_")) or rest == "PORT"


def _about_unknown(name: str, known: Mapping[str, FieldInfo]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]}?" if near else "docs/operator.md lists what can be set"
    return f"{name} is no setting of the operator: {cure}"


def _about_error(error: Mapping[str, Any], known: Mapping[str, FieldInfo]) -> str:
    place = "__".join(str(part) for part in error["loc"] if isinstance(part, str))
    name = f"{PREFIX}{place}".upper()
    info = known.get(name)
    example = f", for example {info.examples[0]}" if info is not None and info.examples else ""
    if error["type"] == "missing":
        said = info.description if info is not None else ""
        return f"{name} is not set: write a value{example}. {said}"
    return f"{name} is {str(error['input'])!r:.80}, which does not fit ({error['msg']}){example}"
