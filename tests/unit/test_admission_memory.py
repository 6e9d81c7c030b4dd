"""The last order outlives the container; what cannot be read is said and never guessed."""

import os
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from callfleet_contract.admission import MOST_BYTES, Order, encode
from callfleet_worker.parent.admission import memory
from callfleet_worker.parent.admission.memory import (
    Recalled,
    StateFolderError,
    check,
    keep,
    recall,
)
from callfleet_worker.parent.admission.opening import make_port
from callfleet_worker.settings import AdmissionSettings

ORDER = Order("uid", 3, cordon=True, reason="node leaves")
OLDER = Order("uid", 2, cordon=False)


def test_the_last_order_is_found_again(tmp_path: Path) -> None:
    assert recall(tmp_path, "uid") == Recalled()
    keep(tmp_path, OLDER)
    keep(tmp_path, ORDER)
    assert recall(tmp_path, "uid") == Recalled(ORDER)
    assert [file.name for file in tmp_path.iterdir()] == ["order.json"]


def test_the_order_of_another_pod_is_not_heeded(tmp_path: Path) -> None:
    keep(tmp_path, ORDER)
    assert recall(tmp_path, "another") == Recalled(not_ours="uid")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", encode(ORDER)[:-1], b"\0" * 100, b"x" * (MOST_BYTES + 9), b'{"epoch":3}'],
)
def test_a_damaged_order_is_told_from_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "order.json").write_bytes(content)
    recalled = recall(tmp_path, "uid")
    assert recalled.order is None
    assert recalled.forgot


def test_what_is_no_file_is_damaged_too(tmp_path: Path) -> None:
    (tmp_path / "order.json").mkdir()
    assert recall(tmp_path, "uid").forgot
    with pytest.raises(OSError, match=r"order\.json"):
        keep(tmp_path, ORDER)


def test_an_order_that_cannot_be_written_leaves_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, OLDER)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(tmp_path, ORDER)
    assert recall(tmp_path, "uid") == Recalled(OLDER)


def test_an_order_is_on_the_disk_before_it_takes_the_place_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(file: int) -> None:
        done.append("sync")
        sync(file)

    def noted_rename(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(memory.os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    keep(tmp_path, ORDER)
    assert done == ["sync", "rename", "sync"]


def test_a_folder_that_is_not_there_stops_the_start_with_the_cure(tmp_path: Path) -> None:
    check(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StateFolderError, match=r"STATE_FOLDER .*mount an emptyDir there"):
        check(tmp_path / "missing")


class Started:
    """What a worker is told as its port is made."""

    def __init__(self, folder: Path) -> None:
        self.cordoned: bool | None = None
        settings = AdmissionSettings.model_validate(
            {
                "public_keys": "yNWy27TOYJJ8LHi5mJuUA0zmm1/tUVQ4TBwvBPLMF4Y=",
                "pod_uid": "uid",
                "state_folder": str(folder),
            }
        )
        with capture_logs() as self.logs:
            make_port(settings, self._look, self._cordon)

    def _look(self) -> NoReturn:
        raise AssertionError

    def _cordon(self, *, cordoned: bool) -> None:
        self.cordoned = cordoned


async def test_a_restarted_container_of_a_cordoned_pod_starts_cordoned(tmp_path: Path) -> None:
    assert Started(tmp_path).cordoned is None
    keep(tmp_path, OLDER)
    assert Started(tmp_path).cordoned is None
    keep(tmp_path, ORDER)
    assert Started(tmp_path).cordoned is True


async def test_a_worker_with_a_damaged_order_starts_cordoned_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_bytes(b"{")
    started = Started(tmp_path)
    assert started.cordoned is True
    assert [line["log_level"] for line in started.logs] == ["error", "info"]
    assert "cannot be read" in started.logs[0]["event"]


async def test_a_worker_that_finds_another_pods_order_starts_as_if_there_were_none(
    tmp_path: Path,
) -> None:
    keep(tmp_path, Order("another", 9, cordon=True))
    started = Started(tmp_path)
    assert started.cordoned is None
    assert [line["pod_uid"] for line in started.logs] == ["another"]
