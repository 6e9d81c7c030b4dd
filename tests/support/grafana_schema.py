"""Hold a dashboard's JSON against Grafana's schema, as its foundation SDK has it in types.

The SDK's own readers pass over what they do not know. Here that is a complaint, as is a value of
another type, or one that is missing.
"""

import enum
import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard

UNKNOWN_TO_THE_SDK = {"traces"}
"""Plugins of Grafana whose options the SDK has no types for."""
_AS_THEY_ARE = {"auto_min", "auto_count"}
"""Grafana's own names of these are not in camel case."""
_MODULES = {"state-timeline": "statetimeline"}
_OF_OVERRIDES: dict[str, Any] = {
    "displayName": str,
    "unit": str,
    "decimals": float,
    "thresholds": dashboard.ThresholdsConfig,
    "color": dashboard.FieldColor,
    "links": list[dict[str, str]],
    "custom.cellOptions": common.TableColorTextCellOptions,
}


def complaints(board: dict[str, Any]) -> list[str]:
    """Say what Grafana would not understand; nothing where it understands all."""
    told = list(_of(board, dashboard.Dashboard, "board"))
    for panel in board.get("panels", []):
        told += _of_plugin(panel, f"“{panel.get('title')}”")
    return told


def _of_plugin(panel: dict[str, Any], where: str) -> Iterator[str]:
    kind = panel.get("type", "")
    if kind in {"row", *UNKNOWN_TO_THE_SDK}:
        return
    model = _model(_MODULES.get(kind, kind))
    if model is None:
        yield f"{where}: there is no plugin {kind}"
        return
    yield from _of(panel.get("options"), model.Options, f"{where}.options")
    fields = panel.get("fieldConfig", {})
    custom = fields.get("defaults", {}).get("custom")
    if custom is not None:
        yield from _of(custom, model.FieldConfig, f"{where}.custom")
    for override in fields.get("overrides", []):
        for one in override["properties"]:
            hint = _OF_OVERRIDES.get(one["id"], typing.Never)
            yield from _of(one["value"], hint, f"{where}.overrides.{one['id']}")


def _model(name: str) -> Any:
    try:
        return importlib.import_module(f"grafana_foundation_sdk.models.{name}")
    except ModuleNotFoundError:
        return None


def _of(value: Any, hint: Any, where: str) -> Iterator[str]:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        yield from _of_one(value, typing.get_args(hint), where)
    elif origin in (list, dict):
        yield from _of_many(value, hint, where)
    elif hint is Dataquery:
        yield from _of_query(value, where)
    elif hasattr(hint, "to_json"):
        yield from _of_model(value, hint, where)
    elif not _is_plain(value, hint):
        yield f"{where}: {value!r} is no {getattr(hint, '__name__', hint)}"


def _is_plain(value: Any, hint: Any) -> bool:
    if hint is object:
        return True
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if inspect.isclass(hint) and issubclass(hint, enum.Enum):
        return value in {each.value for each in hint}
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if hint is float:
        return isinstance(value, int | float)
    return inspect.isclass(hint) and isinstance(value, hint)


def _of_one(value: Any, hints: tuple[Any, ...], where: str) -> Iterator[str]:
    if value is None and type(None) in hints:
        return
    of_each = [list(_of(value, hint, where)) for hint in hints if hint is not type(None)]
    # Of several, the one that fits best has the most to the point to say.
    yield from min(of_each, key=len)


def _of_many(value: Any, hint: Any, where: str) -> Iterator[str]:
    *_, inner = typing.get_args(hint)
    if not isinstance(value, typing.get_origin(hint)):
        yield f"{where}: {value!r} is no {typing.get_origin(hint).__name__}"
        return
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _of(one, inner, f"{where}.{key}")


def _of_query(value: Any, where: str) -> Iterator[str]:
    kind = value.get("datasource", {}).get("type", "")
    model = _model(kind)
    if model is None:
        yield f"{where}: there is no source {kind!r}"
        return
    query = getattr(model, "Dataquery", None) or model.TempoQuery
    yield from _of_model(value, query, where)


def _of_model(value: Any, model: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no {model.__name__}"
        return
    hints = {_as_json(name): hint for name, hint in typing.get_type_hints(model).items()}
    for key, one in value.items():
        if key in hints:
            yield from _of(one, hints[key], f"{where}.{key}")
        else:
            yield f"{where}: {model.__name__} has no {key}"
    for key, hint in hints.items():
        if key not in value and type(None) not in typing.get_args(hint):
            yield f"{where}: {key} of {model.__name__} is missing"


def _as_json(name: str) -> str:
    if name in _AS_THEY_ARE:
        return name
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name.removesuffix("_val"))
