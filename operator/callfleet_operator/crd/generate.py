"""Write ``voicefleets.yaml`` from the fleet's model.

``python -m callfleet_operator.crd.generate`` writes the file, and numbers it anew where it changed.
With ``--check`` nothing is written: the exit code says whether the file is as it should be.
"""

import sys
from collections.abc import Sequence
from typing import Any

import yaml

from callfleet_contract.fleet.crd import crd
from callfleet_operator.crd import packaged
from callfleet_tools.generated import settle

_MADE_BY = "python -m callfleet_operator.crd.generate"
_OPENING = f"# Written by `{_MADE_BY}`; change the model, not this file.\n"
_WIDTH = 100


def text(number: int) -> str:
    """Write the definition as YAML."""
    written: str = yaml.safe_dump(crd(number), sort_keys=False, width=_WIDTH, allow_unicode=True)
    return _OPENING + written


def next_number(there: dict[str, Any] | None) -> int:
    """Number the definition: as the one that is there, or one more where it changed."""
    if there is None:
        return 1
    number = packaged.number_of(there) or 0
    return number if there == crd(number) else number + 1


def main(arguments: Sequence[str]) -> int:
    """Write the file, or check it."""
    there = packaged.definition() if packaged.FILE.exists() else None
    return settle(packaged.FILE, text(next_number(there)), _MADE_BY, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
