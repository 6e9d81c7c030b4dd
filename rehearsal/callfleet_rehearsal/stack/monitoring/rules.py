"""Find the rules that this project makes for Prometheus: in its checkout, or as installed."""

from pathlib import Path

from callfleet_rehearsal.stack.errors import StackError

_CHECKOUT = Path(__file__).parents[4] / "dashboards" / "rules"
_INSTALLED = Path(__file__).parent / "shipped"
"""Where a wheel has them, by pyproject.toml. A checkout's own are newer than its installation."""


def rule_files(folders: tuple[Path, ...] = (_CHECKOUT, _INSTALLED)) -> tuple[Path, ...]:
    """Give every file of rules.

    Raises:
        StackError: there are none.

    """
    for folder in folders:
        if found := tuple(sorted(folder.glob("*.yaml"))):
            return found
    looked = " and ".join(str(folder) for folder in folders)
    message = f"there are no rules for Prometheus in {looked}; install callfleet again"
    raise StackError(message)
