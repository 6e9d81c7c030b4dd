"""Write the table of settings in docs/operator.md from the settings themselves.

``python -m callfleet_operator.settings_docs`` writes what stands between the page's two marks. With
``--check`` nothing is written: the exit code says whether it is as it should be.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from callfleet_operator.settings import variables
from callfleet_service.settings_table import table
from callfleet_tools.generated import between_marks, settle

PAGE = Path(__file__).parents[2] / "docs" / "operator.md"
_MADE_BY = "python -m callfleet_operator.settings_docs"
_BEGIN = f"<!-- Written by `{_MADE_BY}`; change the settings. -->"


def main(arguments: Sequence[str]) -> int:
    """Write the page's table, or check it."""
    made = table(([name], info) for name, info in variables())
    return settle(PAGE, between_marks(PAGE, _BEGIN, f"{made}\n"), _MADE_BY, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
