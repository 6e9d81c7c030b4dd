"""Check a client's JSON against the schema, and say what is wrong in the real API's words. Pure."""

import binascii
import math
from dataclasses import dataclass
from typing import Any

import orjson

from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.schema import MESSAGES, Field, Kind

INVALID_ARGUMENT_CODE = 1007
POLICY_CODE = 1008
MAX_REASON_BYTES = 123
INVALID_ARGUMENT = "Request contains an invalid argument."
INT32_LIMIT = 2**31
_BAD_JSON = "Invalid JSON payload received."
BAD_TOKEN = f"{_BAD_JSON} Unexpected token."
END_OF_STRING = f"{_BAD_JSON} Unexpected end of string. Expected a value."
BAD_ROOT = f'{_BAD_JSON} Unknown name "": Root element must be a message.'
SET_TWICE = "Proto field is not repeating, cannot be set twice."


def fit_reason(text: str) -> str:
    """Cut a close reason to the 123 bytes that a websocket close frame can carry."""
    raw = text.encode()
    if len(raw) <= MAX_REASON_BYTES:
        return text
    return raw[:MAX_REASON_BYTES].decode(errors="ignore")


@dataclass(slots=True)
class RefusedError(Exception):
    """The client sent what the real API answers by closing."""

    code: int
    reason: str

    def __post_init__(self) -> None:
        self.reason = fit_reason(self.reason)

    def __str__(self) -> str:
        return f"{self.code} {self.reason}"


def invalid(reason: str = INVALID_ARGUMENT) -> RefusedError:
    """Make the refusal that closes with 1007."""
    return RefusedError(INVALID_ARGUMENT_CODE, reason)


def snake(name: str) -> str:
    """``topK`` → ``top_k``: complaints of the real API name fields so."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


_NAMES: dict[str, dict[str, tuple[str, str]]] = {
    message: {alias: (name, snake(name)) for name in fields for alias in (name, snake(name))}
    for message, fields in MESSAGES.items()
}


def parse_json(data: str | bytes) -> dict[str, Any]:
    """Read a frame as one JSON object."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise invalid(BAD_TOKEN if data else END_OF_STRING) from error
    if not isinstance(body, dict):
        raise invalid(BAD_ROOT)
    return body


def check(body: dict[str, Any], message: str, path: str, api: Api) -> dict[str, Any]:
    """Return the object with camelCase names and checked types.

    Raises:
        RefusedError: a name is unknown to this API, or a value is of the wrong type.

    """
    if message == "Open":
        return body
    names, fields = _NAMES[message], MESSAGES[message]
    checked: dict[str, Any] = {}
    for key, value in body.items():
        name, shown = names.get(key, ("", ""))
        if not name or not _exists(fields[name], api):
            raise _unknown(key, path, "Cannot find field.")
        if value is None:
            continue
        if name in checked:
            raise _unknown(key, path, SET_TWICE)
        inner = f"{path}.{shown}" if path else shown
        checked[name] = _value(value, fields[name], key, inner, api)
    return checked


def _exists(field: Field, api: Api) -> bool:
    return field.apis is None or api in field.apis


def _unknown(key: str, path: str, why: str) -> RefusedError:
    where = f" at '{path}'" if path else ""
    return invalid(f'{_BAD_JSON} Unknown name "{key}"{where}: {why}')


def _value(value: Any, field: Field, key: str, path: str, api: Api) -> Any:
    if not field.repeated:
        if isinstance(value, list) and field.kind is not Kind.ANY:
            parent = path.rpartition(".")[0]
            raise _unknown(key, parent, "Proto field is not repeating, cannot start list.")
        return _single(value, field, path, api)
    items = value if isinstance(value, list) else [value]
    return [_single(item, field, f"{path}[{index}]", api) for index, item in enumerate(items)]


def _single(value: Any, field: Field, path: str, api: Api) -> Any:
    if field.kind is Kind.MESSAGE:
        if not isinstance(value, dict):
            raise _bad(value, field.kind.value, path)
        return check(value, field.message, path, api)
    if field.kind in {Kind.STRING_MAP, Kind.SCHEMA_MAP}:
        return _map(value, field, path, api)
    return _scalar(value, field, path)


def _scalar(value: Any, field: Field, path: str) -> Any:
    if field.kind is Kind.ENUM:
        return _enum(value, field, path)
    if field.kind in {Kind.INT, Kind.FLOAT}:
        return _number(value, field.kind, path)
    kept = {Kind.BOOL: bool, Kind.STRING: str, Kind.BYTES: str}.get(field.kind, object)
    if not isinstance(value, kept):
        raise _bad(value, field.kind.value, path)
    return value


def _map(value: Any, field: Field, path: str, api: Api) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(value, field.kind.value, path)
    if field.kind is Kind.SCHEMA_MAP:
        inner = Field(Kind.MESSAGE, message="Schema")
        return {key: _single(each, inner, f"{path}.{key}", api) for key, each in value.items()}
    return {key: _single(each, Field(Kind.STRING), path, api) for key, each in value.items()}


def _enum(value: Any, field: Field, path: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(field.values):
        return field.values[value]
    if isinstance(value, str) and value.upper() in field.values:
        return value.upper()
    raise _bad(value, field.kind.value, path)


def _number(value: Any, kind: Kind, path: str) -> float | int:
    number: float
    if isinstance(value, bool):
        raise _bad(value, kind.value, path)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise _bad(value, kind.value, path) from error
    if kind is Kind.FLOAT:
        return number
    if not math.isfinite(number) or number != int(number) or abs(number) >= INT32_LIMIT:
        raise _bad(value, kind.value, path)
    return int(number)


def _bad(value: Any, kind: str, path: str) -> RefusedError:
    shown = orjson.dumps(value).decode()
    return invalid(f"Invalid value at '{path}' ({kind}), {shown}")


_URL_SAFE = str.maketrans("-_", "+/")


def decode_base64(data: str, path: str) -> bytes:
    """Read base64 of either alphabet, padded or not, as the real API's JSON reader does."""
    text = data.translate(_URL_SAFE) if "-" in data or "_" in data else data
    missing = -len(text) % 4
    try:
        return binascii.a2b_base64(text + "=" * missing if missing else text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        message = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed"
        raise invalid(message) from error
