"""Write the operator's rights as templates, from the one list of them in docs/operator.md. Pure."""

import re
from typing import Any, Final

import yaml

_LIST: Final = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_OF_THE_CLUSTER: Final = {"nodes", "customresourcedefinitions"}
_WHERE_THE_LEASE_IS: Final = {"leases"}
_OPENING: Final = "{{/* Written by `python charts/generator`; change docs/operator.md. */}}\n"


def templates(page: str) -> str:
    """Write three lists: on fleets and what belongs to them, on the lease, of the cluster.

    Raises:
        ValueError: the page has not exactly one list of rights.

    """
    (text,) = _LIST.findall(page)
    parts: dict[str, list[dict[str, Any]]] = {"fleets": [], "lease": [], "cluster": []}
    for rule in yaml.safe_load(text)["rules"]:
        parts[_part(set(rule["resources"]))].append(rule)
    return _OPENING + "\n".join(_template(name, rules) for name, rules in parts.items())


def _part(resources: set[str]) -> str:
    if resources <= _OF_THE_CLUSTER:
        return "cluster"
    return "lease" if resources <= _WHERE_THE_LEASE_IS else "fleets"


def _template(name: str, rules: list[dict[str, Any]]) -> str:
    written = yaml.safe_dump(rules, sort_keys=False, default_flow_style=None, width=100)
    return f'{{{{- define "callfleet.rights.{name}" -}}}}\n{written}{{{{- end -}}}}\n'
