"""A collector is said once, and operator and workers of all fleets are told of it."""

import json
from typing import Any

import pytest
from helm import Helm, of_kind

from callfleet_operator.settings import load
from callfleet_worker.settings import TelemetrySettings

ENDPOINT = "http://otel.monitoring.svc:4318"
SAID = f"telemetry.otlp.endpoint={ENDPOINT},telemetry.otlp.existingSecret=otlp"
FLEETS = "fleets.support.paused=true,fleets.sales.paused=true"


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (operator,) = of_kind(objects, "Deployment")
    return operator["spec"]["template"]["spec"]["containers"][0]


def values(env: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in env if "value" in one}


def test_operator_and_every_fleet_send_to_the_one_collector(helm: Helm) -> None:
    objects = helm.objects("callfleet", "--set", f"{SAID},{FLEETS}")
    told = values(container(objects)["env"])
    assert load(told | {"CALLFLEET_OPERATOR_PRIVATE_KEY_FILE": "k"}).telemetry.otlp_endpoint == (
        ENDPOINT
    )
    fleets = of_kind(objects, "VoiceFleet")
    assert len(fleets) == 2
    for fleet in fleets:
        template = fleet["spec"]["template"]
        assert values(template["env"])["CALLFLEET_TELEMETRY__OTLP_ENDPOINT"] == ENDPOINT
        assert "otlp" in template["secrets"]
    assert container(objects)["envFrom"] == [{"secretRef": {"name": "otlp"}}]


def test_operator_and_workers_believe_a_collector_whose_authority_is_your_own(helm: Helm) -> None:
    wanted = f"{SAID},{FLEETS},caBundle.configMap=company,caBundle.key=bundle.pem"
    objects = helm.objects("callfleet", "--set", wanted)
    pods = [
        of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"],
        *(fleet["spec"]["template"] for fleet in of_kind(objects, "VoiceFleet")),
    ]
    assert len(pods) == 3
    for pod in pods:
        told = pod["containers"][0] if "containers" in pod else pod
        (file,) = [one["value"] for one in told["env"] if one["name"] == "SSL_CERT_FILE"]
        (mount,) = [one for one in told["volumeMounts"] if one["name"] == "ca-bundle"]
        (volume,) = [one for one in pod["volumes"] if one["name"] == "ca-bundle"]
        assert file == f"{mount['mountPath']}/bundle.pem"
        assert volume["configMap"] == {"name": "company"}


@pytest.mark.parametrize(
    "wanted",
    [
        "caBundle.configMap=company",
        f"caBundle.configMap=company,{SAID},operator.env[0].name=SSL_CERT_FILE",
    ],
)
def test_an_operator_without_collector_or_with_another_bundle_needs_none(
    helm: Helm, wanted: str
) -> None:
    (operator,) = of_kind(helm.objects("callfleet", "--set", wanted), "Deployment")
    assert "company" not in json.dumps(operator)


def test_what_is_as_programs_have_it_is_not_said_to_those_of_an_earlier_version(
    helm: Helm,
) -> None:
    objects = helm.objects("callfleet", "--set", f"{SAID},{FLEETS}")
    (fleet, _) = of_kind(objects, "VoiceFleet")
    names = {one["name"] for one in fleet["spec"]["template"]["env"]}
    assert {name for name in names if "TELEMETRY" in name} == {"CALLFLEET_TELEMETRY__OTLP_ENDPOINT"}


def test_what_a_worker_is_told_of_its_collector_fits_its_settings(helm: Helm) -> None:
    told = f"{SAID},{FLEETS},telemetry.otlp.protocol=grpc,telemetry.otlp.signals={{traces,logs}}"
    (fleet, _) = of_kind(helm.objects("callfleet", "--set", told), "VoiceFleet")
    prefix = "CALLFLEET_TELEMETRY__"
    said = {
        name.removeprefix(prefix).lower(): value
        for name, value in values(fleet["spec"]["template"]["env"]).items()
        if name.startswith(prefix)
    }
    settings = TelemetrySettings(**said)
    assert (settings.otlp_protocol, settings.signals) == ("grpc", ("traces", "logs"))


def test_without_a_collector_nothing_is_said_of_one(helm: Helm) -> None:
    set_ = "networkPolicy.enabled=true,telemetry.otlp.existingSecret=otlp"
    objects = helm.objects("callfleet", "--set", f"{set_},{FLEETS}")
    written = json.dumps(objects)
    assert "TELEMETRY" not in written
    assert "4317" not in written
    assert '"otlp"' not in written
