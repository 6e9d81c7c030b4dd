"""Print a pyproject.toml that requires what one role does, and says nothing else.

    python3 wanted.py pyproject.toml worker

An image's packages are built anew when this changes, and not with every line of pyproject.toml.
"""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def wanted(project: Mapping[str, Any], role: str) -> list[str]:
    """Give what everybody requires and what the role's extra adds, sorted.

    Raises:
        KeyError: there is no such extra.

    """
    told = project["project"]
    return sorted({*told["dependencies"], *told["optional-dependencies"][role]})


def main(arguments: list[str]) -> int:
    """Print it. A JSON list of texts is a TOML list too."""
    file, role = arguments
    requirements = wanted(tomllib.loads(Path(file).read_text(encoding="utf-8")), role)
    print(f'[project]\nname = "wanted"\nversion = "0"\ndependencies = {json.dumps(requirements)}')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
