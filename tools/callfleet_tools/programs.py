"""Which programs there are, at which version, built from what. Data only.

A new program is a row here and a folder ``go/<module>`` with a pinned ``go.mod`` and ``go.sum``.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from callfleet_tools.errors import ToolError

_MODULES = Path(__file__).parent / "go"


@dataclass(frozen=True, slots=True)
class Program:
    """One program.

    ``variable`` names an environment variable that may hold the path of one to use instead;
    ``version_pattern`` finds the version in what the program prints for ``version_arguments``.
    """

    name: str
    version: str
    module: str
    package: str
    variable: str
    version_arguments: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+\.\d+\.\d+)"
    ldflags: str = "-s -w"
    tags: str = ""

    @property
    def module_folder(self) -> Path:
        """Where the pinned Go module of this program is."""
        return _MODULES / self.module

    @property
    def minimum_go(self) -> str:
        """The oldest Go that the module builds with, by its own ``go`` line."""
        text = (self.module_folder / "go.mod").read_text(encoding="utf-8")
        found = re.search(r"^go (\S+)$", text, re.MULTILINE)
        if found is None:
            message = f"{self.module_folder / 'go.mod'} has no go line; add the one it needs"
            raise ToolError(message)
        return found[1]

    @property
    def recipe(self) -> str:
        """A short digest of everything that decides what the build makes, the Go aside."""
        digest = sha256(f"{self.package}\0{self.ldflags}\0{self.tags}".encode())
        for name in ("go.mod", "go.sum"):
            digest.update((self.module_folder / name).read_bytes())
        return digest.hexdigest()[:12]


PROGRAMS: tuple[Program, ...] = (
    Program(
        name="livekit-server",
        version="1.13.5",
        module="livekit-server",
        package="github.com/livekit/livekit-server/cmd/server",
        variable="CALLFLEET_TOOLS_LIVEKIT_SERVER",
    ),
)


def named(name: str) -> Program:
    """Look a program up.

    Raises:
        ToolError: there is none of that name.

    """
    for program in PROGRAMS:
        if program.name == name:
            return program
    known = ", ".join(program.name for program in PROGRAMS)
    message = f"no program is called {name!r}; there are: {known}"
    raise ToolError(message)
