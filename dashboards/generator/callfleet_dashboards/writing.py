"""Write everything that follows from the catalogue, or say what does not any more."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.slos import SLOS
from callfleet_dashboards import alerts, burning, loglines, page, runbooks
from callfleet_dashboards.boards.all import boards
from callfleet_dashboards.boards.built import compact, written
from callfleet_dashboards.files import rule_file
from callfleet_dashboards.runbooks import Measured
from callfleet_tools.generated import between_marks, put_between_marks

ROOT = Path(__file__).resolve().parents[3]
MADE_BY = "python dashboards/generator"
METRICS = ROOT / "docs" / "metrics.md"
LOGS = ROOT / "docs" / "logs.md"
RULES = ROOT / "dashboards" / "rules"
SLO_RULES, ALERTS = RULES / "slo.yaml", RULES / "alerts.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
_BEGIN = f"<!-- Written by `{MADE_BY}`; {{}}. -->"
BOARDS = ROOT / "dashboards" / "grafana"
SHIPPED = ROOT / "charts" / "callfleet" / "files"
"""What the chart installs: helm reads nothing outside of a chart."""
_CATALOGUES = (
    ("Workers", metrics.CATALOGUE),
    ("The operator", operator_metrics.CATALOGUE),
)
_PROGRAMS = (
    ("Workers", ROOT / "worker" / "callfleet_worker"),
    ("The operator", ROOT / "operator" / "callfleet_operator"),
    ("Both", ROOT / "service" / "callfleet_service"),
)


def files() -> Iterator[tuple[Path, str]]:
    """Give each file with what should be in it."""
    tables = (f"## {who}\n\n{page.table(known)}\n" for who, known in _CATALOGUES)
    yield METRICS, between_marks(METRICS, _BEGIN.format("change the catalogue"), "\n".join(tables))
    lines = (f"### {who}\n\n{loglines.table(source)}\n" for who, source in _PROGRAMS)
    begin = _BEGIN.format("change the lines where they are written")
    yield LOGS, between_marks(LOGS, begin, "\n".join(lines))
    for file, groups in ((SLO_RULES, burning.groups()), (ALERTS, [alerts.group()])):
        rules = rule_file(groups, MADE_BY)
        yield file, rules
        yield SHIPPED / "rules" / file.name, rules
    yield from _runbooks()
    yield from _boards()


def _runbooks() -> Iterator[tuple[Path, str]]:
    measured, conditions = _measured()
    known = (*alerts.known(), *(alert for slo in SLOS for alert in burning.alerts(slo)))
    parts = (
        (_BEGIN.format("change the rules"), runbooks.index(known, measured)),
        (_BEGIN.format("change the burns"), runbooks.burn_table(burning.BURNS)),
    )
    text = _text(RUNBOOKS / "README.md")
    for begin, made in parts:
        text = put_between_marks("README.md", text, begin, made)
    yield RUNBOOKS / "README.md", text
    for page_name in dict.fromkeys(alert.page for alert in known):
        file = RUNBOOKS / f"{page_name}.md"
        own = [alert for alert in known if alert.page == page_name]
        told = runbooks.how_soon(own, measured, conditions)
        yield file, between_marks(file, _BEGIN.format("from measured.json"), told)


def _measured() -> tuple[dict[str, Measured], str]:
    whole = json.loads(_text(RUNBOOKS / "measured.json"))
    return {name: Measured(**each) for name, each in whole["alerts"].items()}, whole["conditions"]


def _boards() -> Iterator[tuple[Path, str]]:
    for board in boards():
        yield BOARDS / f"{board.uid}.json", written(board)
        yield SHIPPED / "dashboards" / f"{board.uid}.json", compact(board)


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
