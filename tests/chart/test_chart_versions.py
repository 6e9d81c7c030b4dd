"""What a chart says of versions and takes from other rooms is what those rooms have."""

import tomllib
from pathlib import Path

import yaml
from helm import CHARTS, Helm, of_kind

from callfleet_rehearsal.command import capacity
from callfleet_tools.programs import named


def about(chart: str) -> dict[str, str]:
    text = (CHARTS / chart / "Chart.yaml").read_text(encoding="utf-8")
    told: dict[str, str] = yaml.safe_load(text)
    return told


def test_a_chart_installs_the_version_that_it_is_released_with() -> None:
    project = tomllib.loads((CHARTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    assert about("callfleet")["appVersion"] == version
    assert about("callfleet")["version"] == version


def test_livekit_is_the_one_that_rehearsals_run() -> None:
    assert about("livekit")["appVersion"] == f"v{named('livekit-server').version}"


def test_what_capacity_measures_is_a_value_of_the_chart(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "capacity.yaml"
    values.write_text(capacity._values(14), encoding="utf-8")
    objects = helm.objects("callfleet", "--values", str(values), "--set", "fleets.a.paused=true")
    (fleet,) = of_kind(objects, "VoiceFleet")
    assert fleet["spec"]["slotsPerPod"] == 14
