"""The one settings object of a worker."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from callfleet_service.expectations import InWords
from callfleet_service.kinds import Text, blank_is_unset
from callfleet_worker.settings.admission import AdmissionSettings
from callfleet_worker.settings.model import ModelSettings
from callfleet_worker.settings.sections import (
    CallerSettings,
    DrainSettings,
    EarsSettings,
    FarewellSettings,
    HttpSettings,
    LivekitSettings,
    LogSettings,
    MouthSettings,
    PersonaSettings,
)
from callfleet_worker.settings.sources import Surroundings
from callfleet_worker.settings.telemetry import TelemetrySettings

NO_MODEL = (
    "no model can be reached: set GOOGLE_API_KEY or CALLFLEET_MODEL__KEYS to a Gemini API key, or "
    "CALLFLEET_MODEL__VERTEX_PROJECT to a Google Cloud project"
)
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


def _with_async_driver(value: object) -> object:
    """Write ``postgresql://…`` as SQLAlchemy's asyncio wants it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.strip().partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"


class Settings(BaseSettings):
    """All that a worker can be told, from the environment, a TOML file, or code."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=()
    )

    livekit: LivekitSettings
    agent_name: Text = Field(
        default="callfleet",
        description="Name under which calls ask for this agent. Explicit, so that rooms which "
        "name another agent, or none, are left alone.",
    )
    slots: int = Field(
        default=10,
        ge=1,
        le=200,
        description="Calls held at once; the next one goes to another worker. Two cores carry "
        "ten. More than the machine carries makes every call slow. The LiveKit server needs "
        "agents.target_load: 1.0 in its configuration: at its default, 0.7, it sends seven of ten.",
    )
    calls_per_process: int = Field(
        default=10,
        ge=1,
        le=200,
        description="Calls that share a process. One call in a process of its own is safe from all "
        "others; calls that share one need half the CPU and a quarter of the memory, and are lost "
        "together if it dies.",
    )
    idle_processes: int | None = Field(
        default=None,
        ge=0,
        le=200,
        description="Processes kept warm for the next calls, where each has its own. Unset, as "
        "many as slots: a burst is answered at once. Fewer save memory (about 15 MB each), make "
        "bursts wait and are refused.",
        examples=["10"],
    )
    process_start_seconds: float = Field(
        default=60,
        ge=5,
        le=600,
        description="How long a process may take to get ready before it is given up. Slow or "
        "busy machines need more.",
    )
    process_memory_limit_mb: int = Field(
        default=0,
        ge=0,
        description="A call's own process that needs more is killed, and its call dropped. One "
        "that calls share is given no more of them, and another takes its place. 0 sets no limit.",
    )
    agent_class: Annotated[
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"),
            InWords("an import path, package.module:Class"),
        ]
        | None,
        BeforeValidator(blank_is_unset),
    ] = Field(
        default=None,
        description="Import path of an Agent class with tools. Unset, the persona alone is the "
        "agent.",
        examples=["callfleet_worker.agents.orders:OrdersAgent"],
    )
    database_url: Annotated[SecretStr, BeforeValidator(_with_async_driver)] = Field(
        default=SecretStr("sqlite+aiosqlite:///callfleet-orders.db"),
        description="Database of the example agent.",
        examples=["postgresql://user:password@db/orders"],
    )
    model: ModelSettings = Field(default_factory=ModelSettings)
    persona: PersonaSettings = Field(default_factory=PersonaSettings)
    caller: CallerSettings = Field(default_factory=CallerSettings)
    ears: EarsSettings = Field(default_factory=EarsSettings)
    mouth: MouthSettings = Field(default_factory=MouthSettings)
    farewell: FarewellSettings = Field(default_factory=FarewellSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    admission: AdmissionSettings = Field(default_factory=AdmissionSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    drain: DrainSettings = Field(default_factory=DrainSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @property
    def warm_processes(self) -> int:
        """Processes to keep warm."""
        return self.slots if self.idle_processes is None else self.idle_processes

    @model_validator(mode="after")
    def _somebody_must_talk(self) -> Self:
        if not self.model.keys and self.model.vertex_project is None:
            raise ValueError(NO_MODEL)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values given in code before the variables, and variables before the file."""
        del env_settings, dotenv_settings, file_secret_settings
        return (init_settings, Surroundings(settings_cls))
