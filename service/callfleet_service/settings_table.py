"""Write settings as a table for a page, each with what it takes, its default and what it does."""

from collections.abc import Iterable, Sequence

from pydantic.fields import FieldInfo

from callfleet_service.expectations import as_written, expected, is_secret


def table(settings: Iterable[tuple[Sequence[str], FieldInfo]]) -> str:
    """Write the table; each setting comes with the variables that set it."""
    head = "| variable | takes | default | what it does |\n|---|---|---|---|"
    return "\n".join([head, *(_row(variables, info) for variables, info in settings)])


def _row(variables: Sequence[str], info: FieldInfo) -> str:
    if info.is_required():
        default = "required"
    else:
        written = as_written(info.get_default(call_default_factory=False))
        default = f"`{written}`" if written else "unset"
    example = "" if is_secret(info) or not info.examples else f" Example: `{info.examples[0]}`."
    names = " or ".join(f"`{name}`" for name in variables)
    cells = (names, expected(info), default, f"{info.description}{example}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
