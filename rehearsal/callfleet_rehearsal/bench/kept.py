"""What a run of the bench leaves for later ones: one JSON document, checked when it is read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from callfleet_rehearsal.bench.carried import Carried
from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.stack.hardware import Hardware

SCHEMA = 2
CURE = "compare with the bench.json that `make bench` of this version leaves in rehearsals/"


class UnkeptError(ValueError):
    """A file is not what a bench of this version keeps."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One run: where and with what, every cell, and what contenders carry where that was searched.

    ``contenders`` are the SHA-256 of the texts of those that are programs of their own.
    """

    started_at: str
    machine: Hardware
    versions: Mapping[str, str]
    contenders: Mapping[str, str]
    seed: int
    turns: int
    cells: tuple[Cell, ...] = ()
    carried: tuple[Carried, ...] = ()
    schema: int = SCHEMA


_KEPT = TypeAdapter(Kept)


def document(kept: Kept) -> str:
    """Write the document. Seconds are seconds; a figure that is not known is null."""
    return json.dumps(asdict(kept), indent=1, allow_nan=False) + "\n"


def read(file: Path) -> Kept:
    """Read what an earlier run has kept.

    Raises:
        UnkeptError: it cannot be read, is of another schema, or lacks something.

    """
    try:
        text = file.read_text(encoding="utf-8")
        body = json.loads(text, parse_constant=_refuse)
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror}); {CURE}"
        raise UnkeptError(message) from error
    except ValueError as error:
        message = f"{file} is no JSON document ({error}); {CURE}"
        raise UnkeptError(message) from error
    schema = body.get("schema") if isinstance(body, dict) else None
    if schema != SCHEMA:
        message = f"{file} has schema {schema} where a bench of this version has {SCHEMA}; {CURE}"
        raise UnkeptError(message)
    try:
        kept = _KEPT.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{file} is damaged ({place}: {first['msg']}); {CURE}"
        raise UnkeptError(message) from error
    if not kept.cells:
        message = f"{file} holds no run: its bench was stopped before the first ended; {CURE}"
        raise UnkeptError(message)
    return kept


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no figure"
    raise ValueError(message)
