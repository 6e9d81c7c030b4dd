"""What a machine lacks is named with how to get it, and installed for root."""

import os
from pathlib import Path

import pytest

from callfleet_tools import ToolError, debian
from callfleet_tools.images import needs as of_images
from callfleet_tools.node import NodeError
from callfleet_tools.node import needs as of_nodes

HOUSE = debian.Needs("a house", "walls", (debian.Package("runc", ("runc",)),), "; or buy one")


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no program at all, where we are root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "_SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_who_is_not_root_is_told_to_be_and_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolError, match=r"a house needs root, for walls;.*sudo\); or buy one"):
        HOUSE.provide()


def test_a_machine_without_apt_is_told_what_to_install() -> None:
    with pytest.raises(ToolError, match=r"missing.*no Debian: runc"):
        HOUSE.provide()


def test_packages_that_are_missing_are_told_and_installed(bare: Path) -> None:
    told: list[str] = []
    script(bare / "apt-get", f"printf '#!/bin/sh\\n' >{bare}/runc; /bin/chmod +x {bare}/runc")
    assert HOUSE.provide(told.append) == ["runc"]
    assert HOUSE.obstacle() is None
    assert HOUSE.provide(told.append) == []
    assert told == ["installing runc"]


def test_packages_that_cannot_be_installed_are_named_with_what_apt_says(bare: Path) -> None:
    script(bare / "apt-get", "echo no network >&2; exit 100")
    with pytest.raises(ToolError, match=r"(?s)apt-get install runc.*by hand.*no network"):
        HOUSE.provide()


def test_a_package_that_is_installed_and_still_lacks_its_program_is_no_success(bare: Path) -> None:
    script(bare / "apt-get", "exit 0")
    with pytest.raises(ToolError, match=r"not here: apt-get install runc; or buy one"):
        HOUSE.provide()


def test_what_a_node_lacks_is_an_error_of_nodes() -> None:
    with pytest.raises(NodeError, match=r"no Debian: .*iptables.*runc.*slirp4netns"):
        of_nodes.provide(of_nodes.SPEAKER)


def test_who_cannot_make_images_here_is_told_of_docker_and_podman(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = of_images.STORE.more(*of_images.BASE).obstacle()
    assert said is not None
    assert "docker or podman, see docs/images.md" in said
    assert of_images.STORE.more(*of_images.BASE).lacking() == ["buildah", "debootstrap", "tar"]
