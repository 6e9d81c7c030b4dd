"""What runbooks have whoever is on call type is there: metrics, labels, verbs and their options."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from callfleet.command import VERBS, _app
from callfleet_contract import metrics, operator_metrics
from callfleet_contract.fleet import names
from callfleet_contract.metric import Kind
from callfleet_contract.slos import SLOS, WINDOW_DAYS, Slo, Urgency
from callfleet_dashboards import burning
from callfleet_dashboards.alerts import callers, fleet
from callfleet_dashboards.writing import LOGS, ROOT, RUNBOOKS
from callfleet_operator.objects import statuses
from callfleet_operator.planning import troubles

PAGES = sorted(RUNBOOKS.glob("*.md"))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
ENDINGS = {Kind.HISTOGRAM: ("_bucket", "_count", "_sum"), Kind.INFO: ("_info",)}
LABELS = {
    f"{metric.full_name}{ending}": metric.label_names
    for metric in (*metrics.CATALOGUE, *operator_metrics.CATALOGUE)
    for ending in ENDINGS.get(metric.kind, ("",))
}
GIVEN = {"namespace", "fleet", "pod", "le", "version", "role"}
"""By Prometheus, by histograms, and by infos, whose facts the catalogue does not name."""
CHARTS = ROOT / "tests" / "chart" / "golden"


def typed(page: Path) -> Iterator[str]:
    """Give the lines of a page's blocks."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


def said(page: Path, program: str) -> Iterator[str]:
    """Give the commands of a program: lines of blocks, and those in the midst of a sentence."""
    inline = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    for line in (*typed(page), *inline):
        if line.startswith(f"{program} "):
            yield line.partition(" | ")[0].partition("  #")[0].removesuffix(" &")


def labels_of_the_charts() -> set[str]:
    """Give every label of everything that the charts make, as a selector has it."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in CHARTS.rglob("*.yaml"))
    found = re.findall(r"^ +(app\.kubernetes\.io/name): (\S+)$", text, re.MULTILINE)
    return {f"{name}={value}" for name, value in found}


@EACH
def test_a_query_names_metrics_that_are_exported_and_labels_that_they_have(page: Path) -> None:
    for line in typed(page):
        named = re.findall(r"\bcallfleet_[a-z_]+", line)
        assert set(named) <= set(LABELS), line
        has = {label for name in named for label in LABELS[name]} | GIVEN
        asked = [
            each for group in re.findall(r"by \(([^)]*)\)", line) for each in group.split(", ")
        ]
        chosen = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", line)
        assert not named or set(asked) | set(chosen) <= has | {"job"}, line


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)
def test_a_limit_is_said_as_it_is(slo: Slo) -> None:
    page = (RUNBOOKS / f"{burning.budget_name(slo)}.md").read_text(encoding="utf-8")
    limit = slo.limit
    told = (f"{limit:g} s", f"{1000 * limit:g} ms", f"{100 * limit:g} %")
    assert any(each in page for each in told)


@EACH
def test_a_page_is_said_to_burn_no_faster_than_the_slowest_that_pages(page: Path) -> None:
    slowest = min(burn.factor for burn in burning.BURNS if burn.urgency is Urgency.PAGE)
    for said_days in re.findall(r"As a page .*? spent within (.+?) days", page.read_text("utf-8")):
        assert said_days == f"{WINDOW_DAYS / slowest:g}"


def test_the_share_of_calls_without_a_model_is_said_as_it_is() -> None:
    said_so = (RUNBOOKS / "CallfleetModelConnectFailing.md").read_text(encoding="utf-8")
    assert (callers.FAILING_SHARE, callers.FAILING_CALLS) == (0.25, 3)
    assert "More than a quarter of the calls of five minutes, and at least three," in said_so


def test_whatever_may_be_absent_is_looked_for() -> None:
    (absent,) = [each for each in fleet.alerts() if each.name == "CallfleetSliAbsent"]
    may_be = set(re.findall(r"\bcallfleet_[a-z_]+", absent.expression))
    looked_for = "\n".join(typed(RUNBOOKS / f"{absent.name}.md"))
    assert {name for name in may_be if name not in looked_for} == set()


def reasons(module: ModuleType) -> Iterator[str]:
    """Give the words that a module calls a fleet degraded by: its own, not those of Kubernetes."""
    takes_it_at = {"Trouble": 0, "_some": 1, "_degraded": 1}
    for call in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            place = takes_it_at.get(call.func.id)
            word = call.args[place] if place is not None else None
            if isinstance(word, ast.Constant):
                yield str(word.value)


def test_every_reason_for_a_degraded_fleet_is_explained() -> None:
    answers = [word for word, _, _ in troubles.ANSWERS.values()]
    found = {*reasons(troubles), *reasons(statuses), *answers}
    assert {"NoNode", "Fallback", "CannotAct"} <= found
    told = (RUNBOOKS / "CallfleetFleetDegraded.md").read_text(encoding="utf-8")
    assert {word for word in found if f"`{word}`" not in told} == set()


@EACH
def test_lines_that_are_looked_through_are_not_the_last_ten_alone(page: Path) -> None:
    """Of pods that a label chooses, kubectl gives no more than that unless it is told to."""
    for command in said(page, "kubectl"):
        if command.startswith("kubectl logs") and " -l " in command:
            assert "--tail=" in command


@EACH
def test_a_line_of_a_log_that_is_looked_for_is_written_by_somebody(page: Path) -> None:
    events = set(re.findall(r"^\| ([^|`]+) \|", LOGS.read_text(encoding="utf-8"), re.MULTILINE))
    for wanted in re.findall(r"""'"event": \?"(.+?)"'""", page.read_text(encoding="utf-8")):
        before, _, group = wanted.partition("(")
        assert {before + each for each in group.removesuffix(")").split("|")} <= events


@EACH
def test_a_label_that_pods_are_chosen_by_is_on_pods(page: Path) -> None:
    ours = {f"{names.FLEET_LABEL}=FLEET", *labels_of_the_charts()}
    for command in said(page, "kubectl"):
        for label in re.findall(r"-l (\S+)", command):
            is_of_others = re.search(
                r"name=(prometheus|alertmanager|opentelemetry-collector)$", label
            )
            assert is_of_others or label in ours, command


@EACH
def test_a_command_of_callfleet_has_such_verbs_and_options(page: Path) -> None:
    for command in said(page, "callfleet"):
        _, name, *rest = shlex.split(command)
        (verb,) = [each for each in VERBS if each.name == name]
        found: Any = typer.main.get_command(_app(verb))
        while commands := getattr(found, "commands", None):
            found = commands[rest.pop(0)]
        found.make_context(name, rest)
