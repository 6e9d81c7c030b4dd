"""Read the environment and the TOML file, and remember where each value was written.

The library's own environment source wants JSON for lists and cannot say which variable a wrong
value came from; both matter to the one who has to correct it.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

PREFIX = "CALLFLEET_"
FILE_VARIABLE = "CALLFLEET_CONFIG_FILE"
ALIASES: dict[str, tuple[str, ...]] = {
    "LIVEKIT_URL": ("livekit", "url"),
    "LIVEKIT_API_KEY": ("livekit", "api_key"),
    "LIVEKIT_API_SECRET": ("livekit", "api_secret"),
    "GOOGLE_API_KEY": ("model", "keys"),
}
# Variables of the other commands of the installation, which a worker started by one inherits.
FOREIGN_PREFIXES = ("CALLFLEET_TOOLS_", "CALLFLEET_REHEARSAL_", "CALLFLEET_EMULATOR_")
# Kubernetes sets such in every pod beside a Service called callfleet or callfleet-something.
_SERVICE_LINK = re.compile(
    r"CALLFLEET_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
    r"=.*|CALLFLEET_(\w+_)?PORT=(tcp|udp|sctp)://.*"
)

Place = tuple[str, ...]


class UnreadableFileError(ValueError):
    """The settings file cannot be read, or is no TOML."""


@dataclass(slots=True)
class Found:
    """Values as they were written, where each was written, and names that mean nothing."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Place, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def put(self, place: Place, value: Any, origin: str) -> None:
        """Note a value, unless one was noted for that place before."""
        if place in self.origins:
            return
        section = self.values
        for name in place[:-1]:
            section = section.setdefault(name, {})
        section[place[-1]] = value
        self.origins[place] = origin


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a field holds, or None for a value."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def fields_of(model: type[BaseModel], above: Place = ()) -> Iterator[tuple[Place, FieldInfo]]:
    """Walk over every value that can be set, outermost first."""
    for name, info in model.model_fields.items():
        inner = section_of(info)
        if inner is None:
            yield (*above, name), info
        else:
            yield from fields_of(inner, (*above, name))


def variable_of(place: Place) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + "__".join(place).upper()


def is_not_ours(name: str, value: str) -> bool:
    """Tell a variable that only looks like a setting of the worker."""
    if name == FILE_VARIABLE or name.startswith(FOREIGN_PREFIXES):
        return True
    return _SERVICE_LINK.fullmatch(f"{name}={value}") is not None


def _from_environment(found: Found, places: Mapping[str, Place], env: Mapping[str, str]) -> None:
    for name, value in env.items():
        if name in places:
            found.put(places[name], value, name)
        elif name.upper().startswith(PREFIX) and not is_not_ours(name, value):
            found.unknown.append(name)
    for name, place in ALIASES.items():
        if env.get(name, "").strip():
            found.put(place, env[name], name)


def _from_file(found: Found, places: Mapping[str, Place], path: Path) -> None:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = (
            f"{FILE_VARIABLE} is {str(path)!r}, which cannot be read as TOML ({error}): "
            "name a TOML file that this user may read, or unset it"
        )
        raise UnreadableFileError(message) from error
    known = set(places.values())
    tables = {place[:end] for place in known for end in range(1, len(place))}
    waiting: list[tuple[Place, Any]] = [((name,), value) for name, value in written.items()]
    while waiting:
        place, value = waiting.pop(0)
        origin = f"{path}: {'.'.join(place)}"
        if place in known:
            found.put(place, value, origin)
        elif place in tables and isinstance(value, dict):
            waiting.extend(((*place, name), inner) for name, inner in value.items())
        else:
            found.unknown.append(origin)


def look_around(model: type[BaseModel], env: Mapping[str, str]) -> Found:
    """Collect what the environment and the file it names say, the environment first.

    Raises:
        UnreadableFileError: the file cannot be read.

    """
    places = {variable_of(place): place for place, _ in fields_of(model)}
    found = Found()
    _from_environment(found, places, env)
    if env.get(FILE_VARIABLE, "").strip():
        _from_file(found, places, Path(env[FILE_VARIABLE]))
    return found


class Surroundings(PydanticBaseSettingsSource):
    """Both of them, as pydantic-settings asks for them."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: values are handed over in one piece."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return what was found."""
        settings: type[BaseSettings] = self.settings_cls
        return look_around(settings, os.environ).values
