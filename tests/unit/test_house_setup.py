"""Set-up needs Python and make alone, and says in one sentence what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "mktemp", "mkdir", "rm", "mv", "tail", "dirname")
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$*" in
*version_info*) exit 0 ;;
*sys.executable*) echo "$0" ;;
*) echo "ensurepip is not available"; exit 1 ;;
esac
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A machine's programs: a shell and little else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return programs


def set_up(bare: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    told = {"PATH": str(bare), "CALLFLEET_TOOLS_CACHE_DIR": str(bare.parent / "cache")}
    return subprocess.run(
        [bare / "sh", ROOT / "tools" / "setup.sh", str(bare.parent / "venv")],
        env={**told, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_no_python_is_one_sentence(bare: Path) -> None:
    done = set_up(bare)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: no Python 3.11 or newer is on PATH; install one")


def test_a_python_that_is_too_old_is_passed_over_and_named_when_asked_for(bare: Path) -> None:
    old = program(bare, "python3", "#!/bin/sh\nexit 1\n")
    assert "no Python 3.11 or newer" in set_up(bare).stderr
    assert f"PYTHON is '{old}'" in set_up(bare, PYTHON=str(old)).stderr


def test_a_python_without_venv_is_told_which_package_has_it(bare: Path) -> None:
    program(bare, "python3", PYTHON_WITHOUT_VENV)
    done = set_up(bare)
    assert done.returncode == 1
    assert "apt install python3-venv. It said: ensurepip is not available" in done.stderr
    assert list((bare.parent / "cache").iterdir()) == []


def test_an_index_that_cannot_be_reached_is_one_sentence(bare: Path) -> None:
    done = set_up(bare, PYTHON=sys.executable, PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "cannot be installed from the package index that pip is set to use" in done.stderr
    assert list((bare.parent / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_sentence(bare: Path) -> None:
    (bare.parent / "file").write_text("", encoding="utf-8")
    done = set_up(bare, PYTHON=sys.executable, CALLFLEET_TOOLS_CACHE_DIR=f"{bare.parent}/file/in")
    assert done.returncode == 1
    assert "set CALLFLEET_TOOLS_CACHE_DIR to a folder of yours" in done.stderr


def test_a_second_make_does_nothing_until_a_pin_changes(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "tools/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    ready = tmp_path / ".venv" / ".ready"
    ready.parent.mkdir()
    ready.touch()
    assert "Nothing to be done" in make(tmp_path, "-n", "setup")
    lock = tmp_path / "requirements.lock"
    os.utime(lock, (lock.stat().st_atime, ready.stat().st_mtime + 10))
    assert "tools/setup.sh" in make(tmp_path, "-n", "setup")


def make(folder: Path, *arguments: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL"}}
    done = subprocess.run(
        ["/usr/bin/env", "make", *arguments],
        cwd=folder,
        env=inherited,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
