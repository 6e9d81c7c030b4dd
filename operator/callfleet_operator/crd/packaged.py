"""Read the CustomResourceDefinition that this operator was built with."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from callfleet_contract.fleet.names import SCHEMA_ANNOTATION

FILE = Path(__file__).with_name("voicefleets.yaml")


def definition() -> dict[str, Any]:
    """Give the definition, as it is to be applied."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


@cache
def our_number() -> int:
    """Give the age of the schema that this operator knows."""
    number = number_of(definition())
    if number is None:
        message = f"{FILE} has no annotation {SCHEMA_ANNOTATION}; install callfleet anew"
        raise ValueError(message)
    return number


def number_of(read: dict[str, Any]) -> int | None:
    """Give the age of a definition's schema; None where it says none, or nonsense."""
    told = read.get("metadata", {}).get("annotations", {}).get(SCHEMA_ANNOTATION, "")
    return int(told) if isinstance(told, str) and told.isascii() and told.isdigit() else None
