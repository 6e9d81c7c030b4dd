"""Run kubectl, as a person in one namespace would."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kubectl:
    """A kubectl and whom it speaks with. It inherits nothing of the machine's own settings."""

    program: Path
    kubeconfig: Path
    home: Path
    namespace: str

    @property
    def environment(self) -> dict[str, str]:
        """What it is told by its environment."""
        return {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home)}

    def command(self, *arguments: str) -> list[str]:
        """Give the whole command, for who runs it otherwise."""
        return [str(self.program), "-n", self.namespace, *arguments]

    def __call__(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run it to its end; ``given`` is what it reads from its standard input."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
