"""Where built programs are kept, and how two builds of one program keep out of each other's way."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from callfleet_tools.errors import ToolError


def root(environment: Mapping[str, str] = os.environ) -> Path:
    """Name the cache's folder: CALLFLEET_TOOLS_CACHE_DIR, else the user's caches."""
    own = environment.get("CALLFLEET_TOOLS_CACHE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    caches = environment.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "callfleet"


@contextmanager
def locked(target: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a target while it is made. The lock ends with its process, however it ends.

    ``on_wait`` is called once where another process holds it.
    """
    lock = target.with_name(target.name + ".lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a")
    except OSError as error:
        message = (
            f"cannot write to the cache ({error}); "
            "set CALLFLEET_TOOLS_CACHE_DIR to a folder of yours"
        )
        raise ToolError(message) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for what compilers keep between the builds of one run, shared by all of them.

    Who leaves it last removes it: gigabytes that nobody asked for. What a killed build left there
    speeds up the next one.
    """
    folder = root() / "building"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            yield folder
        finally:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another build is in it
            else:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a path to make the target at; it becomes the target in one step, and only on success.

    The lock must be held. The path's folder is for this making alone and vanishes with it, as do
    those that makings left behind which were killed.
    """
    prefix = f".making-{target.name}-"
    for left in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield folder / target.name
        (folder / target.name).replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
