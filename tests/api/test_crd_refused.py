"""What contradicts itself is refused; the refusal names the field, the value and what to set."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from control_plane import ControlPlane
from fleets import create_fleet, fleets_path
from kube_api import ApiError

INVALID = 422


@dataclass(frozen=True)
class Case:
    """A spec, and what its refusal has to say."""

    field: str
    says: tuple[str, ...]
    spec: dict[str, Any] = field(default_factory=dict)


def scaling(**spec: Any) -> dict[str, Any]:
    return {"autoscaling": spec}


def template(**spec: Any) -> dict[str, Any]:
    return {"template": spec}


CASES = {
    "min above max": Case(
        "spec.autoscaling.minReplicas",
        ("minReplicas is 5, more than maxReplicas, 3: lower the one or raise the other",),
        scaling(minReplicas=5, maxReplicas=3),
    ),
    "max above total": Case(
        "spec.autoscaling.maxTotalPods",
        ("maxTotalPods is 20, less than maxReplicas, 50", "set it to half as many again"),
        scaling(maxTotalPods=20),
    ),
    "fallback above max": Case(
        "spec.autoscaling.metrics.fallback.replicas",
        ("metrics.fallback.replicas is 9, more than maxReplicas, 8",),
        scaling(maxReplicas=8, metrics={"fallback": {"replicas": 9}}),
    ),
    "manual without a number": Case(
        "spec.replicas",
        ("mode is Manual, and replicas is not set: set it, or set mode to Auto",),
        scaling(mode="Manual"),
    ),
    "fewer sessions than a pod has slots": Case(
        "spec.autoscaling.externalSessionLimit",
        ("externalSessionLimit is 5, less than the slots of the fewest pods, 10: raise it",),
        scaling(externalSessionLimit=5),
    ),
    "fewer sessions than the fewest pods have slots": Case(
        "spec.autoscaling.externalSessionLimit",
        ("externalSessionLimit is 20, less than the slots of the fewest pods, 24",),
        {**scaling(externalSessionLimit=20, minReplicas=3), "slotsPerPod": 8},
    ),
    "steps that do not end": Case(
        "spec.rollout.steps",
        ("steps are [10, 50]: they have to grow and end with 100, for example",),
        {"rollout": {"steps": [10, 50]}},
    ),
    "steps that go back": Case(
        "spec.rollout.steps",
        ("steps are [50, 10, 100]: they have to grow",),
        {"rollout": {"steps": [50, 10, 100]}},
    ),
    "steps that stand still": Case(
        "spec.rollout.steps",
        ("steps are [50, 50, 100]: they have to grow",),
        {"rollout": {"steps": [50, 50, 100]}},
    ),
    "no surge": Case(
        "spec.rollout.maxSurge",
        ("maxSurge is 0: write a number of pods from 1",),
        {"rollout": {"maxSurge": 0}},
    ),
    "a surge below nothing": Case(
        "spec.rollout.maxSurge", ("maxSurge is -1: write",), {"rollout": {"maxSurge": -1}}
    ),
    "a surge that is no share": Case(
        "spec.rollout.maxSurge",
        ("maxSurge is 150%: write", "a share from 1% to 100%"),
        {"rollout": {"maxSurge": "150%"}},
    ),
    "a revision that has no time to prove itself": Case(
        "spec.rollout.minReadySeconds",
        ("minReadySeconds is 600, not less than progressDeadlineSeconds, 600: no revision",),
        {"rollout": {"minReadySeconds": 600}},
    ),
    "an address without a scheme": Case(
        "spec.livekitURL",
        ('"livekit:7880" is no LiveKit address: write one like wss://livekit.example.com',),
        {"livekitURL": "livekit:7880"},
    ),
    "no class": Case(
        "spec.persona.agentClass",
        ('"agents.OrdersAgent" is no import path of a class: write one like',),
        {"persona": {"agentClass": "agents.OrdersAgent"}},
    ),
    "an image with a space": Case(
        "spec.template.image",
        ('"worker: 1" is no image: write one like registry.example.com/',),
        template(image="worker: 1"),
    ),
    "a secret that cannot be": Case(
        "spec.template.secrets[1]",
        ('"Gemini_Key" is no name of an object: write one like gemini-key',),
        template(secrets=["livekit", "Gemini_Key"]),
    ),
    "a secret twice": Case(
        "spec.template.secrets[1]",
        ('Duplicate value: "livekit"',),
        template(secrets=["livekit", "livekit"]),
    ),
    "a variable twice": Case(
        "spec.template.env[1]",
        ('Duplicate value: {"name":"A"}',),
        template(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
    ),
    "a variable without a name": Case(
        "spec.template.env[0].name", ("Required value",), template(env=[{"value": "1"}])
    ),
    "slots by the environment": Case(
        "spec.template.env",
        ("env sets CALLFLEET_SLOTS", "the operator sets from spec.slotsPerPod: set that"),
        template(env=[{"name": "CALLFLEET_SLOTS", "value": "5"}]),
    ),
    "a volume that every pod has": Case(
        "spec.template.volumes",
        ("volumes has one named state or scratch", "give yours another name"),
        template(volumes=[{"name": "state", "emptyDir": {}}]),
    ),
    "a label of ours": Case(
        "spec.template.labels",
        ("labels has keys that begin with callfleet.dev/", 'take out ["callfleet.dev/fleet"]'),
        template(labels={"callfleet.dev/fleet": "another", "mine": "yes"}),
    ),
    "an annotation of ours": Case(
        "spec.template.annotations",
        ("annotations has keys that begin with callfleet.dev/", '["callfleet.dev/cordon"]'),
        template(annotations={"callfleet.dev/cordon": "{}"}),
    ),
    "no slots": Case(
        "spec.slotsPerPod",
        ("Invalid value: 0", "should be greater than or equal to 1"),
        {"slotsPerPod": 0},
    ),
    "slots below nothing": Case(
        "spec.slotsPerPod",
        ("Invalid value: -10", "should be greater than or equal to 1"),
        {"slotsPerPod": -10},
    ),
    "replicas below nothing": Case(
        "spec.replicas",
        ("Invalid value: -1", "should be greater than or equal to 0"),
        {"replicas": -1},
    ),
    "more replicas than can be": Case(
        "spec.autoscaling.maxReplicas",
        ("Invalid value: 5001", "should be less than or equal to 5000"),
        scaling(maxReplicas=5001),
    ),
    "an objective that is none": Case(
        "spec.autoscaling.headroom.answerSLO",
        ("Invalid value: 1", "should be less than 1"),
        scaling(headroom={"answerSLO": 1}),
    ),
    "a mode that there is not": Case(
        "spec.autoscaling.mode",
        ('Unsupported value: "auto"', 'supported values: "Auto", "Manual"'),
        scaling(mode="auto"),
    ),
    "text for a number": Case(
        "spec.slotsPerPod", ("must be of type integer",), {"slotsPerPod": "ten"}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_cannot_be_is_refused_with_its_cure(
    control_plane: ControlPlane, namespace: str, case: Case
) -> None:
    with pytest.raises(ApiError) as refused:
        create_fleet(control_plane, namespace, **case.spec)
    assert refused.value.status == INVALID
    assert f"{case.field}: " in refused.value.message
    for sentence in case.says:
        assert sentence in refused.value.message


def test_without_an_image_there_is_no_fleet(control_plane: ControlPlane, namespace: str) -> None:
    for spec in ({"template": {}}, {}):
        whole = {
            "apiVersion": "callfleet.dev/v1alpha1",
            "kind": "VoiceFleet",
            "metadata": {"name": "empty"},
            "spec": spec,
        }
        with pytest.raises(ApiError, match=r"spec\.template(\.image)?: Required value"):
            control_plane.ask("POST", fleets_path(namespace), whole)


def test_a_name_that_no_label_can_hold_is_refused(
    control_plane: ControlPlane, namespace: str
) -> None:
    create_fleet(control_plane, namespace, "a" * 45)
    with pytest.raises(ApiError, match=r"metadata\.name is a{46}, which is 46 .*at most 45"):
        create_fleet(control_plane, namespace, "a" * 46)


def test_a_change_is_judged_like_a_new_fleet(control_plane: ControlPlane, namespace: str) -> None:
    create_fleet(control_plane, namespace)
    with pytest.raises(ApiError, match="minReplicas is 60, more than maxReplicas, 50"):
        control_plane.merge(fleets_path(namespace, "support"), {"spec": scaling(minReplicas=60)})
