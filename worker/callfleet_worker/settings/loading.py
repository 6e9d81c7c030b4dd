"""Load the settings, or say in sentences which variable is wrong and what to write instead."""

import difflib
import json
import os
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from callfleet_service.expectations import as_written, expected, is_secret
from callfleet_worker.settings.sources import (
    ALIASES,
    PREFIX,
    Found,
    Place,
    UnreadableFileError,
    fields_of,
    look_around,
    variable_of,
)
from callfleet_worker.settings.tree import NO_MODEL, Settings

EXIT_CODE = 2
_SHOWN_CHARACTERS = 60


class SettingsError(Exception):
    """Settings that a worker cannot start with: one sentence for each thing to correct."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and the file it names.

    Raises:
        SettingsError: something has to be corrected; nothing was started.

    """
    try:
        found = look_around(Settings, os.environ if env is None else env)
    except UnreadableFileError as error:
        raise SettingsError((str(error),)) from error
    sentences = [_about_unknown(name) for name in found.unknown]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate({"livekit": {}, **found.values})
    except ValidationError as error:
        infos = dict(fields_of(Settings))
        sentences += [_about_error(one, infos, found) for one in error.errors(include_url=False)]
        # The library looks at a whole only once its parts are right; all is to be said at once.
        if not {("model", "keys"), ("model", "vertex_project")} & set(found.origins):
            sentences.append(NO_MODEL)
    if settings is None or sentences:
        raise SettingsError(tuple(dict.fromkeys(sentences)))
    return settings


def _about_unknown(origin: str) -> str:
    # What all names share must not make any two of them alike.
    written, prefix = origin.upper().removeprefix(PREFIX), PREFIX
    known = [variable_of(place).removeprefix(PREFIX) for place, _ in fields_of(Settings)]
    if ": " in origin:
        written, prefix = origin.rsplit(": ", 1)[1], ""
        known = [".".join(place) for place, _ in fields_of(Settings)]
    near = difflib.get_close_matches(written, known, n=1)
    cure = f"did you mean {prefix}{near[0]}?" if near else "docs/settings.md lists what can be set"
    return f"{origin} is no setting of the worker: {cure}"


def _about_error(error: ErrorDetails, infos: Mapping[Place, FieldInfo], found: Found) -> str:
    place = tuple(part for part in error["loc"] if isinstance(part, str))
    while place and place not in infos and place not in _sections(infos):
        place = place[:-1]
    reason = error["msg"].removeprefix("Value error, ")
    if place not in infos:
        return reason
    info = infos[place]
    name = found.origins.get(place, _preferred_name(place))
    cure = f"write {expected(info)}" + _for_example(name, info)
    if error["type"] == "missing":
        return f"{name} is not set: {cure}. {info.description}"
    why = "" if error["type"] == "string_pattern_mismatch" else f" ({_lower(reason)})"
    return f"{name} is {_shown(place, info, found)}, which does not fit{why}: {cure}"


def _sections(infos: Mapping[Place, FieldInfo]) -> set[Place]:
    return {place[:end] for place in infos for end in range(1, len(place))}


def _preferred_name(place: Place) -> str:
    """Name a setting as most people know it."""
    for alias, target in ALIASES.items():
        if target == place:
            return alias
    return variable_of(place)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(place: Place, info: FieldInfo, found: Found) -> str:
    if is_secret(info):
        return "a secret that is not shown"
    value: Any = found.values
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, SecretStr):
        return "a secret that is not shown"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _for_example(name: str, info: FieldInfo) -> str:
    if is_secret(info):
        return ""
    value = info.examples[0] if info.examples else info.get_default(call_default_factory=False)
    return f", for example {name.rsplit(': ', 1)[-1]}={as_written(value)}"
