"""Programs are really built, on a machine that has no Go of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callfleet_tools import ToolError, cache, versions
from callfleet_tools.build import Step, build
from callfleet_tools.golang import choose
from callfleet_tools.programs import Program

HELLO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello 1.2.3") }\n'


@pytest.fixture
def hello(tmp_path: Path) -> Program:
    """A Go program that needs nothing but Go."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.invalid/hello\n\ngo 1.26\n", encoding="utf-8")
    (module / "go.sum").write_text("", encoding="utf-8")
    (module / "main.go").write_text(HELLO, encoding="utf-8")
    return Program("hello", "1.2.3", str(module), "example.invalid/hello", "CALLFLEET_TOOLS_HELLO")


def test_a_machine_without_go_gets_one_from_the_index_and_builds_with_it(
    hello: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLFLEET_TOOLS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "")
    go, target, steps = choose(hello.minimum_go), tmp_path / "programs" / "hello", list[Step]()
    assert go.ours
    build(hello, go, target, steps.append)
    assert versions.ask(target, (), hello.version_pattern) == "1.2.3"
    assert steps[0].text.startswith("installing Go")
    assert steps[-1].done > 0
    assert sorted(path.name for path in target.parent.iterdir()) == ["hello", "hello.lock"]
    assert sorted(path.name for path in cache.root().iterdir() if path.name.startswith(".")) == []


def test_a_program_that_does_not_compile_is_an_error_with_the_compilers_words(
    hello: Program, tmp_path: Path
) -> None:
    (hello.module_folder / "main.go").write_text("package main\n\nfunc main() { nope() }\n")
    with pytest.raises(ToolError, match=r"undefined: nope[\s\S]*CALLFLEET_TOOLS_HELLO"):
        build(hello, choose(hello.minimum_go), tmp_path / "hello", lambda _: None)
    assert not (tmp_path / "hello").exists()


def test_path_prints_where_a_program_is_for_scripts(livekit_program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "callfleet_tools", "path", "livekit-server"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == str(livekit_program)
