"""What a machine lacks for a node is named with how to get it."""

import os
from pathlib import Path

import pytest

from callfleet_tools.node import NodeError, needs


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no program at all, where we are root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(needs, "_SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr(needs, "PACKAGES", (needs.Package("runc", ("runc",)),))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_who_is_not_root_is_told_to_be(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del bare
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NodeError, match=r"needs root.*sudo"):
        needs.provide()


def test_a_machine_without_apt_is_told_what_to_install(bare: Path) -> None:
    del bare
    with pytest.raises(NodeError, match=r"missing.*no Debian: runc"):
        needs.provide()


def test_packages_that_are_missing_are_installed(bare: Path) -> None:
    script(bare / "apt-get", f"printf '#!/bin/sh\\n' >{bare}/runc; /bin/chmod +x {bare}/runc")
    assert needs.provide() == ["runc"]
    assert needs.obstacle() is None
    assert needs.provide() == []


def test_packages_that_cannot_be_installed_are_named_with_what_apt_says(bare: Path) -> None:
    script(bare / "apt-get", "echo no network >&2; exit 100")
    with pytest.raises(NodeError, match=r"(?s)apt-get install runc.*by hand.*no network"):
        needs.provide()
