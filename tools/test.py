"""Pass all tests, and say at the end what was skipped: ``python tools/test.py [pytest's options]``.

Tests of single parts share the machine's processors. Those that run real programs come after them,
side by side as well, for they wait more than they work. What is heard is judged with two at a time,
in ``tests/heard``; what measures has the machine to itself, one at a time, in ``tests/alone``, as
has a night of faults that somebody is to be told of, in ``tests/oncall``.
Where the options name tests, only these are run, as pytest would.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

_ROOT = Path(__file__).resolve().parents[1]
# What pytest's exit codes say.
_INTERRUPTED, _NO_TESTS = 2, 5
# More at once than a small machine has processors: many wait for a clock.
_SPREAD = ("-n", "4", "--dist=worksteal")
# Each process of these has servers of its own, and starts them once: a file stays in one process.
_SIDE_BY_SIDE = ("--dist=loadfile", "--no-loadscope-reorder")
_ROUNDS = (
    ("tests/unit", "tests/chart", "tests/rules", *_SPREAD),
    ("tests/api", "-n", "5", *_SIDE_BY_SIDE),
    # Fewer at once: in some of them somebody speaks, and sound does not wait.
    ("tests/calls", "tests/boards", "-n", "3", *_SIDE_BY_SIDE),
    ("tests/heard", "-n", "2", *_SIDE_BY_SIDE),
    ("tests/oncall",),
    ("tests/alone",),
)


def names_tests(arguments: Sequence[str]) -> bool:
    """Tell whether the options say which tests to run: a path does, ``-k`` and ``-m`` do not."""
    return any(each == "tests" or each.startswith("tests/") for each in arguments)


def read(report: Path) -> tuple[int, list[str]]:
    """Read a report: how many tests there were, and what came of those that did not pass."""
    if not report.exists():
        return 0, []
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it just now
    told = []
    for case in cases:
        for kind in ("skipped", "failure", "error"):
            for one in case.findall(kind):
                where = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
                told.append(f"{kind}: {where}: {one.get('message', '')[:200]}")
    return len(cases), told


def worst_of(codes: Sequence[int]) -> int:
    """Give one exit code for all: a part without a test of the kind asked for is no failure."""
    return max((abs(code) for code in codes if code != _NO_TESTS), default=_NO_TESTS)


def main(arguments: Sequence[str]) -> int:
    """Run them all; give the worst exit code."""
    # Ctrl-C is pytest's to heed, which ends what tests started: this waits for it and sums up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if names_tests(arguments):
        return _pytest(arguments)
    codes, count, told = [], 0, list[str]()
    with tempfile.TemporaryDirectory(prefix="tests-") as folder:
        for number, chosen in enumerate(_ROUNDS):
            report = Path(folder) / f"{number}.xml"
            codes.append(_pytest([*chosen, f"--junitxml={report}", *arguments]))
            more, new = read(report)
            count, told = count + more, told + new
            if codes[-1] == _INTERRUPTED:
                break
    print(f"== {count} tests, {count - len(told)} passed", *told, sep="\n")
    return worst_of(codes)


def _pytest(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=_ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
