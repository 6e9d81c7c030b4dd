"""Open the namespaces of a cluster's nodes, join them to the machine, and end them again."""

import contextlib
import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from callfleet_tools import debian
from callfleet_tools.node import cgroups, furnishing, keeper, parts, record
from callfleet_tools.node.errors import FolderBusyError, NodeError
from callfleet_tools.node.files import node_files
from callfleet_tools.node.layout import MOST_CLUSTERS, Layout, Place
from callfleet_tools.node.parts import Part
from callfleet_tools.node.record import First, Record

END_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.02
OURS = "callfleet-cluster"
"""A file by which a folder is known to be a cluster's: what is in it may be removed."""
KEPT = (OURS, "containerd", "log", "logs")
"""In a cluster's folder: images, for the next one, and what its programs and pods said."""


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder for the bringing up of one cluster.

    Raises:
        FolderBusyError: a cluster is up in it, or is being brought up.
        NodeError: it has other things in it.

    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / OURS).exists():
        if any(folder.iterdir()):
            message = f"{folder} has other things in it than a cluster; empty it, or name another"
            raise NodeError(message)
        (folder / OURS).touch()
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another process brings a cluster up in {folder}; wait, or name another"
            raise FolderBusyError(message) from None
        started = record.read(folder)
        if started is not None and started.alive:
            message = f"a cluster is up in {folder}; `make cluster-down` ends it"
            raise FolderBusyError(message)
        yield


def claim_number(folder: Path) -> int:
    """Take the lowest number that no cluster of this machine has.

    Raises:
        NodeError: all are taken.

    """
    for number in range(MOST_CLUSTERS):
        if Path(f"/sys/class/net/callfleet{number}").exists():
            continue
        done = subprocess.run(
            furnishing.claim(f"callfleet{number}"),
            env=debian.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            Record(number, {}).write(folder)
            return number
        if "File exists" not in done.stderr:
            message = f"no link to a node can be made: {done.stderr.strip()}"
            raise NodeError(message)
    message = (
        f"{MOST_CLUSTERS} clusters are up on this machine; end one (`make cluster-down`), or "
        "remove a link that a killed one left (`ip link delete callfleet0`)"
    )
    raise NodeError(message)


def write(files: Mapping[Path, str]) -> None:
    """Write files that only we may read."""
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")


def open_nodes(layout: Layout, *, owned: bool) -> dict[str, Part]:
    """Open the namespaces of every node and join them. What ``owned`` ones leave ends with us.

    Raises:
        NodeError: the machine does not allow it.

    """
    opened: dict[str, Part] = {}
    firsts = {place.name: First(0, 0) for place in layout.places}
    Record(layout.number, firsts).write(layout.folder)
    for place in layout.places:
        cgroups.make(place.cgroup)
        write(node_files(place))
        place.log.mkdir(exist_ok=True)
        node = _open(place, owned=owned)
        opened[place.name] = node
        firsts[place.name] = First.of(node.pid)
        Record(layout.number, firsts).write(layout.folder)
        _join(place, opened)
    return opened


def close(folder: Path, *, everything: bool = False) -> bool:
    """End what was started in a folder, and remove what it left; False where nothing was.

    ``everything`` removes images and logs too.

    Raises:
        NodeError: something does not end.

    """
    started = record.read(folder)
    if started is not None:
        for first in reversed(list(started.nodes.values())):
            first.kill(END_SECONDS)
        _remove_link(f"callfleet{started.number}")
        for name in started.nodes:
            cgroups.remove(f"/callfleet{started.number}-{name}", END_SECONDS)
        record.forget(folder)
    _tidy(folder, everything=everything)
    return started is not None


def _open(place: Place, *, owned: bool) -> Part:
    plan = place.folder / "plan.json"
    write({plan: furnishing.plan(place, owned=owned)})
    log = place.cluster.logs / f"{place.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            furnishing.unshared(place, sys.executable, Path(keeper.__file__), plan),
            env=debian.environment(),
            stdin=subprocess.PIPE if owned else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    node = Part(place.name, process, log)
    node.wait_until(place.furnished.exists, END_SECONDS, "furnished")
    return node


def _join(place: Place, opened: Mapping[str, Part]) -> None:
    """Join a node to the machine, or to the first node."""
    layout, pid = place.cluster, opened[place.name].pid
    first_pid = opened[layout.places[0].name].pid
    if place.number == 1:
        commands = furnishing.attach_machine(layout, pid)
    else:
        commands = furnishing.attach_node(place, first_pid, pid)
    inner = [
        [*furnishing.inside_network(pid), *command] for command in furnishing.inner_network(place)
    ]
    for command in [*commands, *inner]:
        parts.run(command, f"joining {place.name} to the network")


def _remove_link(interface: str) -> None:
    """Wait until the kernel has removed a link whose other end has gone, or remove it."""
    deadline = time.monotonic() + END_SECONDS
    place = Path(f"/sys/class/net/{interface}")
    asked = False
    while place.exists():
        if not asked:
            asked = True
            subprocess.run(
                ["/usr/bin/env", "ip", "link", "delete", interface],
                env=debian.environment(),
                capture_output=True,
                check=False,
            )
        if time.monotonic() > deadline:
            message = f"the link {interface} does not go away; `ip link delete {interface}`"
            raise NodeError(message)
        time.sleep(_LOOK_AGAIN_SECONDS)


def _tidy(folder: Path, *, everything: bool) -> None:
    if not (folder / OURS).exists():
        return
    if everything:
        shutil.rmtree(folder)
        return
    for entry in folder.iterdir():
        of_a_node = entry.is_dir() and entry.name.startswith("node")
        for each in list(entry.iterdir()) if of_a_node else [entry]:
            if each.name in KEPT:
                _remove_empty(each)
            elif each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink()
        if of_a_node:
            _remove_empty(entry)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
