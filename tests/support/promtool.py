"""Ask Prometheus' own tool what alerts rules would send, given series over time."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Series = Mapping[str, str]
"""By a series' name with labels, its values: one a minute, as promtool writes them."""


@dataclass(frozen=True)
class Expected:
    """At a minute, whether an alert fires for anybody."""

    alert: str
    minute: int
    fires: bool

    def case(self) -> dict[str, Any]:
        found = [{"labels": "{}", "value": 1}] if self.fires else []
        firing = f'ALERTS{{alertname="{self.alert}", alertstate="firing"}}'
        return {
            "expr": f"count({firing})",
            "eval_time": f"{self.minute}m",
            "exp_samples": found,
        }


@dataclass(frozen=True)
class Promtool:
    """The program, and a folder for what it reads."""

    program: Path
    folder: Path

    def complaint(self, rules: Sequence[Path], series: Series, expected: Sequence[Expected]) -> str:
        """Give what it says where something is not as expected; nothing where all is."""
        told = {
            "rule_files": [str(each) for each in rules],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": name, "values": values} for name, values in series.items()
                    ],
                    "promql_expr_test": [each.case() for each in expected],
                }
            ],
        }
        case = self.folder / "case.yaml"
        case.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
        return self._run("test", "rules", str(case))

    def check(self, *rules: Path) -> str:
        """Give what is wrong with rules themselves; nothing where they can be loaded."""
        return self._run("check", "rules", *map(str, rules))

    def _run(self, *command: str) -> str:
        ran = subprocess.run(
            [self.program, *command], capture_output=True, text=True, check=False, timeout=120
        )
        return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def labelled(name: str, **labels: str) -> str:
    """Name a series of a worker of the one fleet there is."""
    whole = {"namespace": "voice", "fleet": "support", "pod": "support-1", **labels}
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in whole.items())}}}"
