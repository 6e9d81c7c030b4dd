"""Take out of installed packages what no role runs, and see that what is left still loads.

    python3 thin.py /opt/callfleet

Three things go: files for developers, debug information, and the insides of two video encoders.
Needs binutils. What it does depends on the packages alone, so that two builds give the same files.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FOLDERS = ("tests", "test")
_DEVELOPERS = (
    "numpy/distutils",
    "numpy/f2py",
    "sqlalchemy/testing",
)
_SUFFIXES = (".a", ".c", ".cpp", ".h", ".hpp", ".lib", ".proto", ".pxd", ".pxi", ".pyi", ".pyx")
_KEPT_FOLDERS = ("numpy/_core/tests",)
"""Imported by numpy.testing, which others import."""


@dataclass(frozen=True, slots=True)
class Hollow:
    """A library that is only ever linked against: its functions stay, as ones that fail.

    ``answer`` is what each of them gives: a null pointer, or the library's own code for an error.
    """

    name: str
    answer: int


HOLLOWS = (
    Hollow("libx265", 0),
    Hollow("libSvtAv1Enc", 0x80001005),
)
"""Encoders of H.265 and AV1 video, 27 MB. PyAV then reports an error when one is opened."""

_ANSWERS = {
    "x86_64": ("movl ${answer}, %eax", "ret"),
    "aarch64": ("ldr w0, ={answer}", "ret"),
}


class ThinError(RuntimeError):
    """Packages are not what this was written for. The message says what to change."""


def is_for_developers(path: str) -> bool:
    """Say whether a file, by its path below site-packages, is of no use where nothing is built."""
    folders = path.split("/")[:-1]
    inside = any(path.startswith(f"{one}/") for one in _DEVELOPERS)
    tests = any(name in _FOLDERS for name in folders)
    kept = any(path.startswith(f"{one}/") for one in _KEPT_FOLDERS)
    return inside or path.endswith(_SUFFIXES) or (tests and not kept)


def may_be_stripped(path: str) -> bool:
    """Say whether debug information may be taken out of a library.

    What wheels bring along in ``NAME.libs`` was rewritten after it was linked, which strip is known
    to break; it has none left anyway.
    """
    return not any(name.endswith(".libs") for name in path.split("/"))


def assembly(symbols: Iterable[str], answer: int, machine: str) -> str:
    """Write functions of these names that all give the same answer.

    Raises:
        ThinError: nobody has said how on this kind of machine.

    """
    if machine not in _ANSWERS:
        message = f"no instructions for {machine!r}: add some to _ANSWERS in thin.py"
        raise ThinError(message)
    lines = [".text"]
    for symbol in symbols:
        lines += [f".globl {symbol}", f".type {symbol}, %function", f"{symbol}:"]
    lines += [one.format(answer=answer) for one in _ANSWERS[machine]]
    return "\n".join([*lines, '.section .note.GNU-stack,"",%progbits', ""])


def main(arguments: list[str]) -> int:
    """Thin the environment at a path, and say how many megabytes went."""
    (root,) = (Path(one) for one in arguments)
    (packages,) = root.glob("lib/python3*/site-packages")
    before = _megabytes(root)
    _remove(packages)
    _strip(packages)
    if (packages / "av.libs").exists():
        for hollow in HOLLOWS:
            _hollow(packages / "av.libs", hollow)
    _check(packages)
    print(f"thin: {before:.0f} MB before, {_megabytes(root):.0f} MB after")
    return 0


def _remove(packages: Path) -> None:
    for file in _files(packages):
        if is_for_developers(file.relative_to(packages).as_posix()):
            file.unlink()
    for folder in sorted(packages.rglob("__pycache__"), reverse=True):
        shutil.rmtree(folder)
    for folder in sorted(packages.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _strip(packages: Path) -> None:
    files = _libraries(packages)
    chosen = [one for one in files if may_be_stripped(one.relative_to(packages).as_posix())]
    if chosen:
        _run("strip", "--strip-unneeded", *chosen)


def _hollow(folder: Path, hollow: Hollow) -> None:
    found = sorted(folder.glob(f"{hollow.name}-*.so*"))
    if len(found) != 1:
        message = f"{len(found)} files are {folder}/{hollow.name}-*.so*: put HOLLOWS right"
        raise ThinError(message)
    offered = _symbols(found[0], "--defined-only")
    (codecs,) = folder.glob("libavcodec-*.so*")
    used = sorted(offered & _symbols(codecs, "--undefined-only"))
    if not used:
        message = f"{codecs.name} asks nothing of {found[0].name}: put HOLLOWS right"
        raise ThinError(message)
    written = assembly(used, hollow.answer, os.uname().machine)
    compiled = folder / "hollow.o"
    _run("as", "-o", compiled, "-", told=written)
    _run("ld", "-shared", "-s", "-soname", found[0].name, "-o", found[0], compiled)
    compiled.unlink()


def _symbols(library: Path, which: str) -> set[str]:
    lines = _run("nm", "--dynamic", which, library).splitlines()
    return {line.split()[-1].partition("@")[0] for line in lines}


def _check(packages: Path) -> None:
    """Load every library as Python does, in a process each: some end theirs when it ends."""
    for file in _libraries(packages):
        code = _loaded_apart(file)
        if code != 0:
            message = f"{file} does not load any more (exit code {code}): leave it as it was"
            raise ThinError(message)


def _loaded_apart(library: Path) -> int:
    # Forked, not started: there are hundreds, and Python starts slower than they load.
    child = os.fork()
    if child == 0:
        code = 1
        try:
            ctypes.CDLL(str(library), mode=os.RTLD_NOW)
            code = 0
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())


def _libraries(packages: Path) -> list[Path]:
    return [file for file in _files(packages) if file.suffix == ".so" or ".so." in file.name]


def _megabytes(folder: Path) -> float:
    return sum(one.stat().st_size for one in _files(folder)) / 1e6


def _run(*command: str | Path, told: str | None = None) -> str:
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{command[0]} failed: {done.stderr.strip()}"
        raise ThinError(message)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
