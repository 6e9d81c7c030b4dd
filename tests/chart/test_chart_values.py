"""Values: what is misspelt is refused with its place, and each one is told and does something."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import CHARTS, Helm, HelmError, of_kind

from callfleet_charts.schema import takes
from callfleet_charts.values import Value, read

HERE = Path(__file__).parent
NAMES = ("callfleet", "livekit")
ANOTHER: dict[str, Any] = {
    "prometheusRule.disabled": ["CallfleetOrphanedRooms"],
    "commonLabels": {"team": "other"},
    "fleetDefaults": {"paused": True},
    "fleets": {"third": {}},
    "networkPolicy.livekit.cidrs": ["10.9.0.0/16"],
    "networkPolicy.livekit.udpPorts": [{"port": 9}],
    "networkPolicy.model.cidrs": ["10.9.0.0/16"],
    "networkPolicy.apiServer.cidrs": ["10.9.0.0/16"],
    "networkPolicy.collector.cidrs": ["10.9.0.0/16"],
    "livekit.url": "wss://another.example.com",
    "livekit.apiSecret": "another-secret-of-32-characters-or-more",
    "keys.apiSecret": "another-secret-of-32-characters-or-more",
    "model.baseUrl": "https://another.example.com",
    "telemetry.otlp.endpoint": "https://another.example.com:4318",
    "telemetry.otlp.signals": ["traces"],
    "test.fleet": "support",
    "server.config": {"room": {"max_participants": 7}},
    "sip.config": {"sip_port": 5066},
}
"""Values other than those of the matrix, where one of the right type does not do."""


def values_of(chart: str) -> tuple[Value, ...]:
    return read((CHARTS / chart / "values.yaml").read_text(encoding="utf-8"))


LEAVES = [(chart, one) for chart in NAMES for one in values_of(chart) if not one.is_section]


@pytest.mark.parametrize("chart", NAMES)
def test_helm_finds_nothing_to_complain_of(helm: Helm, chart: str) -> None:
    for values in sorted(HERE.glob(f"values/{chart}/*.yaml")):
        said = helm("lint", "--strict", str(CHARTS / chart), "--values", str(values))
        assert "[WARNING]" not in said
        assert "[ERROR]" not in said


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("operator.replica=2", r"at '/operator': additional properties 'replica' not allowed"),
        ("operators=2", r"additional properties 'operators' not allowed"),
        ("operator.replicas=two", r"at '/operator/replicas': got string, want integer"),
        ("operator.log.level=loud", r"at '/operator/log/level': value must be one of 'debug'"),
        ("livekit.url=livekit.example.com", r"at '/livekit/url': .* does not match pattern"),
        ("livekit.apiSecret=short", r"at '/livekit/apiSecret': .* does not match pattern"),
        ("model.keys=one", r"at '/model/keys': got string, want array"),
        ("slotsPerPod=0", r"at '/slotsPerPod': minimum: got 0, want 1"),
        ("fleets.a.replica=1", r"at '/fleets/a': additional properties 'replica' not allowed"),
        (
            "fleets.a.autoscaling.headroom.minIdleSlot=1",
            r"at '/fleets/a/autoscaling/headroom': additional properties 'minIdleSlot' not",
        ),
        ("fleets.a.template.env[0].nam=B", r"at '/fleets/a/template/env/0'"),
        ("fleetDefaults.template.imag=x", r"at '/fleetDefaults/template': additional"),
        ("fleets.Support.paused=true", r"invalid propertyName 'Support'"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(helm: Helm, wrong: str, says: str) -> None:
    with pytest.raises(HelmError, match=says):
        helm.render("callfleet", "--set", wrong)


@pytest.mark.parametrize("peer", ["model", "apiServer", "collector"])
def test_a_policy_that_names_no_port_is_refused_as_it_would_open_all(helm: Helm, peer: str) -> None:
    with pytest.raises(HelmError, match=f"at '/networkPolicy/{peer}/tcpPorts': minItems"):
        helm.render("callfleet", "--set-json", f"networkPolicy.{peer}.tcpPorts=[]")


@pytest.mark.parametrize(
    ("chart", "told", "says"),
    [
        (
            "callfleet",
            "livekit.apiKey=a,fleets.a.paused=true",
            "livekit.apiSecret is not: set both",
        ),
        ("callfleet", "test.fleet=b,fleets.a.paused=true", r"none of fleets \(a\)"),
        ("callfleet", "emulator.enabled=true,model.keys={a}", "enabled and model.keys contradict"),
        ("callfleet", "emulator.enabled=true,model.existingSecret=a", "and model.existingSecret"),
        ("callfleet", "emulator.enabled=true,model.baseUrl=https://a", "and model.baseUrl"),
        ("callfleet", "emulator.enabled=true,model.vertex.project=a", "and model.vertex.project"),
        ("livekit", "turn.enabled=true", "turn.enabled needs turn.domain"),
        ("livekit", "ingress.enabled=true", "ingress.enabled needs ingress.host"),
        ("livekit", "sip.enabled=true,redis.enabled=false", "sip.enabled needs Redis"),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_cure(
    helm: Helm, chart: str, told: str, says: str
) -> None:
    with pytest.raises(HelmError, match=says):
        helm.render(chart, "--set", told)


def test_a_fleet_may_be_called_what_yaml_takes_for_something_else(helm: Helm) -> None:
    told = "networkPolicy.enabled=true,podMonitor.enabled=true,operator.enabled=false"
    told += ",test.enabled=false"
    objects = helm.objects("callfleet", "--set", f"{told},fleets.no.paused=true")
    (fleet,) = of_kind(objects, "VoiceFleet")
    assert fleet["metadata"]["name"] == "no"
    (policy,), (monitor,) = of_kind(objects, "NetworkPolicy"), of_kind(objects, "PodMonitor")
    for selector in (policy["spec"]["podSelector"], monitor["spec"]["selector"]):
        assert selector["matchExpressions"][0]["values"] == ["no"]


@pytest.mark.parametrize(("chart", "value"), LEAVES, ids=lambda one: getattr(one, "name", one))
def test_every_value_does_something(helm: Helm, tmp_path: Path, chart: str, value: Value) -> None:
    changed = tmp_path / "changed.yaml"
    for values in sorted(HERE.glob(f"values/{chart}/*.yaml")):
        there = yaml.safe_load(values.read_text(encoding="utf-8"))
        changed.write_text(yaml.safe_dump(with_another(there, value)), encoding="utf-8")
        try:
            after = helm.render(chart, "--values", str(changed))
        except HelmError:
            continue  # it does not go with these
        if after != rendered(helm, chart, values):
            return
    pytest.fail(f"{value.name} changes nothing that is rendered")


@cache
def rendered(helm: Helm, chart: str, values: Path) -> str:
    return helm.render(chart, "--values", str(values))


def with_another(there: dict[str, Any], value: Value) -> dict[str, Any]:
    """Change one value of a file."""
    at = there
    for name in value.path[:-1]:
        at = at.setdefault(name, {})
    before = at.get(value.path[-1], value.default)
    at[value.path[-1]] = ANOTHER.get(value.name, another(takes(value), before))
    return there


def another(schema: dict[str, Any], before: Any) -> Any:
    """Give a value of the same kind."""
    if "enum" in schema:
        return next(one for one in schema["enum"] if one not in ("", before))
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else kind[0]
    inner = schema.get("items", {}).get("type", "object")
    if kind in ("integer", "number"):
        return (before or 7) + 1
    if kind == "array":
        named = next(iter(schema.get("items", {}).get("properties", {"name": {}})))
        return {"string": ["other"], "integer": [12]}.get(inner, [{named: "other"}])
    first = next(iter(schema.get("properties", ())), "")
    made: dict[str, Any] = {
        "boolean": not before,
        "string": "other" if before != "other" else "another",
        "object": {first: {"other": "one"}} if first else {"other": "one"},
    }
    return made[kind]


def test_what_is_generated_is_fresh() -> None:
    generator = CHARTS / "generator"
    done = subprocess.run(
        [sys.executable, str(generator), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
