"""``make test`` runs every test, and sums up what came of all of them."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callfleet_rehearsal.sound.script import ENGINE

ROOT = Path(__file__).resolve().parents[2]
TESTING: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "test.py"))
NEED_ROOT = {"test-cluster": "tests/cluster", "test-images": "tests/images"}
"""Whoever types ``make test`` need not be root: these targets run the others."""
APART = {folder.removeprefix("tests/") for folder in NEED_ROOT.values()}
"""Their folders."""

HEARS = re.compile(r"^from (?:caller_stand|placing) ", re.MULTILINE)
"""What tests judge sound with."""
TALK = {"test_call_ears.py": "whether a microphone keeps pace and is heard, each sentence once"}
"""Tests that do so otherwise."""
JUDGES = re.compile(r"^from (?:fault_stand|rehearsing) |record_outcome", re.MULTILINE)
"""What tests judge lateness with, or the sound of more calls than leave room for others."""
MEASURE = {
    "test_capacity_command.py": "how many calls a worker carries",
    "test_operator_calls.py": "whether any of ten calls ends, which fill the machine",
    "test_operator_many.py": "the CPU time of a tick",
    "test_rehearse_elsewhere.py": "a verdict on calls to a fleet elsewhere",
}
"""Tests that do so, or measure, by a command that they type."""

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_one" name="test_a" />
<testcase classname="tests.unit.test_one" name="test_b"><skipped message="no engine" /></testcase>
<testcase classname="tests.unit.test_two" name="test_c"><failure message="it broke" /></testcase>
</testsuite></testsuites>"""


def test_every_folder_with_tests_is_in_one_round() -> None:
    named = [each for chosen in TESTING["_ROUNDS"] for each in chosen if each.startswith("tests/")]
    there = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("tests/**/test_*.py")}
    assert sorted(named) == sorted(there - set(NEED_ROOT.values()))


@pytest.mark.parametrize(
    ("folder", "sign", "others"), [("heard", HEARS, TALK), ("alone", JUDGES, MEASURE)]
)
def test_what_listens_has_room_and_what_measures_has_the_machine_to_itself_and_nothing_else_has(
    folder: str, sign: "re.Pattern[str]", others: dict[str, str]
) -> None:
    files = [file for file in ROOT.glob("tests/*/test_*.py") if file.parent.name not in APART]
    signed = {file for file in files if sign.search(file.read_text(encoding="utf-8"))}
    named = {ROOT / "tests" / folder / name for name in others}
    there = {file for file in files if file.parent.name == folder}
    assert (signed | named) - {Path(__file__)} == there


def test_files_that_are_begun_first_are_there() -> None:
    shared = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"(test_\w+\.py)"', shared))
    assert named
    assert named <= {file.name for file in ROOT.glob("tests/*/test_*.py")}


def test_those_come_last_and_two_or_one_at_a_time() -> None:
    listening, telling, measuring = TESTING["_ROUNDS"][-3:]
    assert listening[:3] == ("tests/heard", "-n", "2")
    assert telling == ("tests/oncall",)
    assert measuring == ("tests/alone",)


@pytest.mark.parametrize(("target", "folder"), NEED_ROOT.items())
def test_tests_that_need_root_have_a_target_of_their_own(target: str, folder: str) -> None:
    recipes = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(rf"^{target}:.*\n(?:\t.*\n)*?\t(.*pytest.*)$", recipes, re.MULTILINE)
    assert "$(AS_ROOT)" in recipe
    assert folder in recipe


@pytest.mark.parametrize("target", NEED_ROOT)
def test_ci_runs_what_needs_root_too(target: str) -> None:
    assert f"make {target}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_ci_has_the_engine_that_renders_the_clips_again() -> None:
    assert f"install -qq --no-install-recommends {ENGINE}" in (ROOT / ".ci" / "run").read_text()


def test_a_report_says_what_did_not_pass(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert TESTING["read"](report) == (0, [])
    report.write_text(REPORT, encoding="utf-8")
    count, told = TESTING["read"](report)
    assert count == 3
    assert told == [
        "skipped: tests/unit/test_one.py::test_b: no engine",
        "failure: tests/unit/test_two.py::test_c: it broke",
    ]


def test_what_a_test_records_is_no_error_where_a_report_is_written(
    record_property: Callable[[str, object], None], pytestconfig: pytest.Config
) -> None:
    record_property("figure", 1)
    assert pytestconfig.getini("junit_family") == "xunit1"


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 0), 0), ((1, 0), 1), ((0, 5), 0), ((5, 5), 5), ((0, 2), 2), ((-9, 0), 9)],
)
def test_one_exit_code_stands_for_all(codes: tuple[int, ...], worst: int) -> None:
    assert TESTING["worst_of"](codes) == worst


def test_who_names_tests_gets_these_alone() -> None:
    names_tests = TESTING["names_tests"]
    assert names_tests(["tests/unit", "-k", "marker"])
    assert names_tests(["tests/unit/test_one.py::test_a"])
    assert not names_tests(["--durations=40", "-k", "marker"])
