"""Write rules as a file that Prometheus loads. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import yaml

SOON = "15s"
"""How often rules are looked at that wake somebody: as often as Prometheus scrapes."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are looked at together, every ``interval``, one after the other."""

    name: str
    interval: str
    rules: list[dict[str, object]]


class _Dumper(yaml.SafeDumper):
    """Writes long texts as people do."""

    def ignore_aliases(self, data: object) -> bool:
        """Repeat what is alike: nobody reads anchors."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def rule_file(groups: Iterable[Group], made_by: str) -> str:
    """Write groups of rules; the first line says what made it."""
    told = {"groups": [asdict(group) for group in groups]}
    whole = yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return f"# Made by `{made_by}`; change what it is made from.\n{whole}"
