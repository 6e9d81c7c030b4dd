"""Write everything that follows from the catalogue, or say what does not any more."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from callfleet_contract import metrics, operator_metrics
from callfleet_dashboards import burning, page
from callfleet_dashboards.files import rule_file
from callfleet_tools.generated import between_marks

ROOT = Path(__file__).resolve().parents[3]
MADE_BY = "python dashboards/generator"
METRICS = ROOT / "docs" / "metrics.md"
RULES = ROOT / "dashboards" / "rules" / "slo.yaml"
_CATALOGUES = (
    ("Workers", metrics.CATALOGUE),
    ("The operator", operator_metrics.CATALOGUE),
)


def files() -> Iterator[tuple[Path, str]]:
    """Give each file with what should be in it."""
    tables = (f"## {who}\n\n{page.table(known)}\n" for who, known in _CATALOGUES)
    begin = f"<!-- Written by `{MADE_BY}`; change the catalogue. -->"
    yield METRICS, between_marks(METRICS, begin, "\n".join(tables))
    yield RULES, rule_file(burning.groups(), MADE_BY)


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them."""
    wrong = [(file, text) for file, text in files() if not file.exists() or _text(file) != text]
    if "--check" not in arguments:
        for file, text in wrong:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return 0
    for file, _ in wrong:
        sys.stderr.write(f"{file.relative_to(ROOT)} is not as it is made now: run {MADE_BY}\n")
    return 1 if wrong else 0


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
