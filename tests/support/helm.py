"""Run helm, as a person with a kubeconfig would, or without any cluster."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).resolve().parents[2] / "charts"
_MADE_ANEW = re.compile(
    r"^(  (?:private-key|LIVEKIT_API_KEY|LIVEKIT_API_SECRET|ca\.crt|tls\.crt|tls\.key): )\S+$",
    re.MULTILINE,
)
Object = dict[str, Any]


class HelmError(Exception):
    """Helm refused; the text is what it said."""


@dataclass(frozen=True)
class Helm:
    """A helm. It inherits nothing of the machine's own settings."""

    program: Path
    home: Path
    kubeconfig: Path | None = None
    namespace: str = "voice"

    def __call__(self, *arguments: str) -> str:
        """Run it to its end, and give what it printed.

        Raises:
            HelmError: it refused.

        """
        environment = {"HOME": str(self.home)}
        if self.kubeconfig is not None:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        done = subprocess.run(
            [str(self.program), "--namespace", self.namespace, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise HelmError(done.stderr or done.stdout)
        return done.stdout

    def render(self, chart: str, *arguments: str) -> str:
        """Render a chart, with words in the place of what each rendering makes anew."""
        name = "livekit" if chart == "livekit" else "callfleet"
        text = self("template", name, str(CHARTS / chart), *arguments)
        return _MADE_ANEW.sub(r"\1bWFkZSBhbmV3", text)

    def objects(self, chart: str, *arguments: str) -> list[Object]:
        """Give what a chart renders, read."""
        return [one for one in yaml.safe_load_all(self.render(chart, *arguments)) if one]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Pick those of one kind."""
    return [one for one in objects if one["kind"] == kind]
