"""Build one program from its pinned Go module."""

import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callfleet_tools import cache
from callfleet_tools.errors import ToolError
from callfleet_tools.golang import Go, provide
from callfleet_tools.programs import Program

_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Step:
    """What a build does now; ``done`` of ``total`` packages where it compiles."""

    text: str
    done: int = 0
    total: int = 0


Tell = Callable[[Step], None]


def build(program: Program, go: Go, target: Path, tell: Tell) -> None:
    """Build a program to ``target``, at once or not at all.

    Raises:
        ToolError: there is no Go, a module cannot be fetched, or it does not compile.

    """
    with cache.locked(target, lambda: tell(Step("waiting for another process that builds it"))):
        if target.exists():
            return
        provide(go, lambda text: tell(Step(text)))
        tell(Step(f"fetching the modules of {program.name} {program.version}"))
        with cache.staged(target) as making, cache.scratch() as scratch:
            environment = go.environment(scratch)
            total = _count_packages(program, go, environment)

            def compiled(packages: int) -> None:
                tell(Step("compiling", packages, total))

            _compile(program, go, environment, making, compiled)


def _count_packages(program: Program, go: Go, environment: dict[str, str]) -> int:
    done = subprocess.run(
        [go.path, "list", "-deps", *_tags(program), program.package],
        cwd=program.module_folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(_failed(program, "fetching its modules", done.stderr.splitlines()))
    return len(done.stdout.splitlines())


def _compile(
    program: Program,
    go: Go,
    environment: dict[str, str],
    target: Path,
    tell: Callable[[int], None],
) -> None:
    command = [str(go.path), "build", "-v", "-trimpath", "-ldflags", program.ldflags]
    # What debuggers need is left out of each program: not to make it saves a fifth of the time.
    command += ["-gcflags", "all=-dwarf=false"]
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        [*command, *_tags(program), "-o", target, program.package],
        cwd=program.module_folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        tell(0)
        for done, line in enumerate(process.stderr or (), start=1):
            last.append(line.rstrip())
            tell(done)
    if process.returncode != 0:
        raise ToolError(_failed(program, "compiling it", last))


def _tags(program: Program) -> list[str]:
    return ["-tags", program.tags] if program.tags else []


def _failed(program: Program, doing: str, lines: "deque[str] | list[str]") -> str:
    said = "\n  ".join(list(lines)[-_LAST_LINES:])
    return (
        f"{program.name} {program.version} cannot be built, {doing} failed:\n  {said}\n"
        f"Let Go reach a module proxy (GOPROXY), or set {program.variable} to the path of a "
        f"{program.name} of version {program.version} or newer."
    )
