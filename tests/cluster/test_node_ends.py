"""A cluster ends with everything that it brought, also where whoever started it was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from callfleet_tools.node import FolderBusyError, NodeError, Wish, bring_up, record, starting
from callfleet_tools.node.layout import Layout

OPEN = """
import os, sys, time
from pathlib import Path
from callfleet_tools.node import furnishing, parts, starting
from callfleet_tools.node.layout import Layout

folder = Path(sys.argv[1])
layout = Layout(folder, starting.claim_number(folder), 2, {"containerd-shim-runc-v2": folder})
layout.logs.mkdir()
(folder / starting.OURS).touch()
nodes = starting.open_nodes(layout, owned=sys.argv[2] == "owned")
enter = furnishing.inside(nodes["node2"].pid)
command = ["unshare", "--pid", "--fork", "sh", "-c", "mount -t tmpfs pod /mnt; sleep 8765"]
part = parts.start("sleeping", enter, command, folder / "sleeping.log")
print(layout.number, part.pid, flush=True)
sys.stdin.read() if sys.argv[2] == "owned" else os._exit(0)
"""


def opened(folder: Path, how: str) -> "subprocess.Popen[str]":
    """Have another process open two nodes with something in them."""
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, str(folder), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def left(folder: Path, number: int) -> list[str]:
    """What is left on this machine of a cluster."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    routes = Path("/proc/net/route").read_text(encoding="utf-8").splitlines()
    spaces = {each.pid for each in (record.read(folder) or record.Record(0, {})).nodes.values()}
    return [
        *(line for line in mounts if str(folder) in line or " pod " in line),
        *(line for line in routes if line.startswith(f"callfleet{number}\t")),
        *(str(each) for each in Path("/sys/class/net").glob(f"callfleet{number}*")),
        *(str(each) for each in Path("/sys/fs/cgroup").glob(f"**/callfleet{number}-*")),
        *(f"process {each}" for each in spaces if Path(f"/proc/{each}").exists()),
        *(f"process {each}" for each in sleeping()),
    ]


def sleeping() -> list[str]:
    done = subprocess.run(
        ["/bin/sh", "-c", "pgrep -fx 'sleep 8765' || true"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def until(fulfilled: Callable[[], bool]) -> None:
    """Wait for something; the test's own limit of time ends it where it does not come."""
    while not fulfilled():
        time.sleep(0.05)


def test_a_cluster_that_is_left_up_is_found_and_ended_by_a_later_command(
    cluster_folder: Path,
) -> None:
    with opened(cluster_folder, "left") as opener:
        number, program = map(int, opener.communicate(timeout=60)[0].split())
    found = record.read(cluster_folder)
    assert found is not None
    assert found.alive
    until(lambda: bool(sleeping()))
    # Who led a program into a node stops with it, and so takes no note of its end.
    os.kill(program, signal.SIGSTOP)
    with pytest.raises(FolderBusyError, match="make cluster-down"):
        bring_up(Wish(cluster_folder))
    assert starting.close(cluster_folder, everything=True)
    assert left(cluster_folder, number) == []
    assert not cluster_folder.exists()


def test_a_cluster_whose_owner_is_killed_ends_by_itself(cluster_folder: Path) -> None:
    with opened(cluster_folder, "owned") as opener:
        assert opener.stdout is not None
        number, _ = map(int, opener.stdout.readline().split())
        started = record.read(cluster_folder)
        assert started is not None
        until(lambda: bool(sleeping()))
        opener.kill()
    until(lambda: not started.alive and not sleeping())
    starting.close(cluster_folder, everything=True)
    assert left(cluster_folder, number) == []


@pytest.mark.usefixtures("able")
def test_a_cluster_that_cannot_come_up_leaves_nothing_but_logs(
    cluster_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Layout, "api_url", "https://127.0.0.1:1")
    monkeypatch.setattr("callfleet_tools.node.order.READY_SECONDS", 1.0)
    with pytest.raises(NodeError, match=r"kube-apiserver was not .* within 1 s"):
        bring_up(Wish(cluster_folder))
    assert {each.name for each in cluster_folder.iterdir()} == {"logs", starting.OURS}


def test_a_folder_with_other_things_in_it_is_left_alone(cluster_folder: Path) -> None:
    cluster_folder.mkdir()
    (cluster_folder / "letters").touch()
    with pytest.raises(NodeError, match="other things in it"):
        bring_up(Wish(cluster_folder))
    starting.close(cluster_folder, everything=True)
    assert [each.name for each in cluster_folder.iterdir()] == ["letters"]
