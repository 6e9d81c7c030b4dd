"""Have py-spy look into processes while they run."""

import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_LOOK_SECONDS = 20.0
_WRITE_SECONDS = 60.0
_KILLED_SECONDS = 5.0
_LAST_LINES = 3


class SamplerError(RuntimeError):
    """py-spy is not there, may not look, or broke; the message says which and what to do."""


def find_py_spy() -> Path:
    """Find the program beside this Python, or on PATH.

    Raises:
        SamplerError: it is in neither place.

    """
    beside = Path(sys.executable).with_name("py-spy")
    found = beside if beside.exists() else shutil.which("py-spy")
    if found is None:
        message = "py-spy is not installed: pip install py-spy (here `make setup` does)"
        raise SamplerError(message)
    return Path(found)


def try_to_look(program: Path, pid: int) -> None:
    """Look into a process once, so that a run is not made in vain.

    Raises:
        SamplerError: it cannot be looked into.

    """
    command = [str(program), "dump", "--nonblocking", "--pid", str(pid)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LOOK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"py-spy does not look into process {pid}: {error}"
        raise SamplerError(message) from error
    if done.returncode != 0:
        raise SamplerError(complaint(pid, done.stderr))


def complaint(pid: int, said: str) -> str:
    """Say why py-spy does not look into a process, and what to do."""
    ends = " ".join(said.split("\n")[-_LAST_LINES:]).strip() if said.strip() else "nothing"
    if "ermission" in said or "perm" in said.lower():
        return (
            f"this user may not look into process {pid}, which py-spy does as a debugger would: "
            "run it as root, or allow it (`sysctl kernel.yama.ptrace_scope=0`; in a container "
            "`--cap-add SYS_PTRACE`)"
        )
    return f"py-spy cannot read process {pid}; it said: {ends}"


class Sampler:
    """One py-spy that looks into one process until it is stopped."""

    def __init__(self, program: Path, pid: int, output: Path, *, rate: int, timed: bool) -> None:
        """Begin to look.

        Args:
            program: py-spy.
            pid: Whom to look into. It is not paused: a sample that was torn is thrown away.
            output: Where it writes, once it is stopped.
            rate: Samples a second.
            timed: Write down when each function began and ended, idle threads too; else how many
                samples showed each stack, of threads that did something.

        """
        kind = ["-f", "chrometrace", "--idle"] if timed else ["-f", "raw"]
        options = ["--nonblocking", "--full-filenames", "-r", str(rate), "-o", str(output)]
        self._pid, self._output = pid, output
        self._log = output.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(program), "record", "-p", str(pid), *kind, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for the run, which stops this one itself.
                start_new_session=True,
            )

    def stop(self) -> Path:
        """Have it write what it saw.

        Raises:
            SamplerError: it wrote nothing.

        """
        self._end(signal.SIGINT, _WRITE_SECONDS)
        if not self._output.is_file():
            said = self._log.read_text(encoding="utf-8", errors="replace")
            raise SamplerError(complaint(self._pid, said))
        return self._output

    def cancel(self) -> None:
        """End it, whatever it has seen."""
        self._end(signal.SIGKILL, _KILLED_SECONDS)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
