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

_OPENING = (
    "# Written by `python -m callfleet_operator.crd.generate`; change the model, not this file.\n"
)
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
    wanted = text(next_number(there))
    if "--check" not in arguments:
        packaged.FILE.write_text(wanted, encoding="utf-8")
        return 0
    if there is not None and packaged.FILE.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write(
        f"{packaged.FILE} is not what the model says: run "
        "python -m callfleet_operator.crd.generate\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
