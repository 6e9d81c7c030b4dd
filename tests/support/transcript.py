"""Read what a document has its reader type, and type it: line by line, into one shell."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "callfleet-end-of-answer"


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, and what the document shows as its answer: ``…`` stands for anything."""

    command: str
    shown: tuple[str, ...]

    def missing_in(self, answer: str) -> list[str]:
        """Name the lines that are shown and do not come, in that order, in what was answered."""
        lines = iter(answer.splitlines())
        return [line for line in self.shown if not any(_fits(line, each) for each in lines)]


def transcript(text: str, heading: str) -> list[Typed]:
    """Read the commands below a heading of a document, each with what is shown below it."""
    section = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)
    typed: list[Typed] = []
    for block in _BLOCK.findall(section[0]):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, rest = _command(part.splitlines())
            typed.append(Typed(command, tuple(line for line in rest if line.strip(" …"))))
    return typed


def _command(lines: list[str]) -> tuple[str, list[str]]:
    """Part a command, which goes on after a backslash, from what is shown below it."""
    count = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
    return "\n".join(lines[:count]), lines[count:]


def _fits(shown: str, line: str) -> bool:
    words = [".*".join(map(re.escape, word.split("…"))) for word in shown.split()]
    return re.fullmatch(r"\s+".join(words), line.strip()) is not None


class Shell:
    """A shell that goes on from one command to the next, as a person's does."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def type(self, command: str) -> tuple[int, str]:
        """Run a command to its end, and give its exit code and all that it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\nprintf '\\n%s %s\\n' {_END} $?\n")
        self._process.stdin.flush()
        answer: list[str] = []
        for line in self._process.stdout:
            if line.startswith(_END):
                return int(line.split()[1]), "".join(answer)
            answer.append(line)
        raise AssertionError("the shell ended: " + "".join(answer))


@contextmanager
def shell(folder: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
    """Have a shell in a folder while the block runs."""
    with subprocess.Popen(
        ["/bin/bash", "--norc", "-s"],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Shell(process)
        finally:
            process.kill()
