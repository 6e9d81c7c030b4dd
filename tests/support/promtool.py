"""Ask Prometheus' own tool what alerts rules would send, given series over time."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from callfleet_dashboards.alerts.alert import Alert

SECONDS = 15
"""Between two samples, as a Prometheus is told to scrape."""
A_MINUTE = 60 // SECONDS


@dataclass(frozen=True)
class Grows:
    """A counter that grows by so much each minute."""

    a_minute: float

    def during(self, minutes: int, since: float = 0.0) -> str:
        return f"{since:g}+{self.a_minute / A_MINUTE:.9g}x{minutes * A_MINUTE - 1}"

    def after(self, minutes: int, since: float = 0.0) -> float:
        return since + self.a_minute * minutes


@dataclass(frozen=True)
class Stays:
    """A gauge that stays what it is."""

    value: float

    def during(self, minutes: int, since: float = 0.0) -> str:
        del since
        return f"{self.value:g}x{minutes * A_MINUTE - 1}"

    def after(self, minutes: int, since: float = 0.0) -> float:
        del minutes, since
        return 0.0


Course = Mapping[str, Grows | Stays]
"""By a series' name with labels, what becomes of it."""
Series = Mapping[str, str]
"""The same as promtool writes it."""


def over(course: Course, *minutes: int) -> Series:
    """Have it go on for so long; a number more, and processes begin anew there."""
    return {name: " ".join(what.during(each) for each in minutes) for name, what in course.items()}


def first_then(before: Course, minutes: int, after: Course, more: int) -> Series:
    """Have one thing go on, then another; what only one of them has is not there in the other."""
    names = dict.fromkeys((*before, *after))
    told = {}
    for name in names:
        one, other = before.get(name), after.get(name)
        since = one.after(minutes) if one else 0.0
        first = one.during(minutes) if one else f"_x{minutes * A_MINUTE - 1}"
        second = other.during(more, since) if other else f"stale _x{more * A_MINUTE - 2}"
        told[name] = f"{first} {second}"
    return told


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
class Told:
    """At a minute, what one alert that fires says: its own labels, and its description."""

    alert: Alert
    minute: int
    labels: Mapping[str, str]
    description: str

    def case(self) -> dict[str, Any]:
        rule: dict[str, Any] = self.alert.rule()
        told = {
            "exp_labels": {**rule["labels"], **self.labels},
            "exp_annotations": {**rule["annotations"], "description": self.description},
        }
        return {
            "alertname": self.alert.name,
            "eval_time": f"{self.minute}m",
            "exp_alerts": [told],
        }


@dataclass(frozen=True)
class Value:
    """At a minute, what an expression gives; None where it gives nothing."""

    expression: str
    minute: int
    value: float | None

    def case(self) -> dict[str, Any]:
        found = [] if self.value is None else [{"labels": "{}", "value": self.value}]
        return {
            "expr": f"sum({self.expression})",
            "eval_time": f"{self.minute}m",
            "exp_samples": found,
        }


@dataclass(frozen=True)
class Promtool:
    """The program, and a folder for what it reads."""

    program: Path
    folder: Path

    def complaint(
        self,
        rules: Sequence[Path],
        series: Series,
        expected: Sequence[Expected | Value],
        told: Sequence[Told] = (),
    ) -> str:
        """Give what it says where something is not as expected; nothing where all is."""
        case = {
            "rule_files": [str(each) for each in rules],
            "evaluation_interval": f"{SECONDS}s",
            "tests": [
                {
                    "interval": f"{SECONDS}s",
                    "input_series": [
                        {"series": name, "values": values} for name, values in series.items()
                    ],
                    "promql_expr_test": [each.case() for each in expected],
                    "alert_rule_test": [each.case() for each in told],
                }
            ],
        }
        file = self.folder / "case.yaml"
        file.write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")
        return self._run("test", "rules", str(file))

    def check(self, *rules: Path) -> str:
        """Give what is wrong with rules themselves; nothing where they can be loaded."""
        return self._run("check", "rules", *map(str, rules))

    def check_settings(self, file: Path) -> str:
        """Give what is wrong with a configuration, its rules included; nothing where it is good."""
        return self._run("check", "config", str(file))

    def _run(self, *command: str) -> str:
        ran = subprocess.run(
            [self.program, *command], capture_output=True, text=True, check=False, timeout=120
        )
        return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def labelled(name: str, **labels: str) -> str:
    """Name a series of a worker of the one fleet there is."""
    whole = {"namespace": "voice", "fleet": "support", "pod": "support-1", **labels}
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in whole.items())}}}"
