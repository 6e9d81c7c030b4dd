"""What a platform engineer meets on the command line: get, explain, scale, wait, apply."""

import json
import re

import pytest
import yaml
from control_plane import ControlPlane
from fleets import create_fleet, fleet, fleets_path, say_status
from kube_api import ApiError
from kubectl import Kubectl

CURE = (
    "replicas cannot be set to 5 while autoscaling.mode is Auto, in which the operator decides: "
    "set autoscaling.minReplicas and maxReplicas, or autoscaling.mode: Manual"
)
MANUAL = {"replicas": 2, "autoscaling": {"mode": "Manual"}}
BUSY = {
    "accepting": 3,
    "draining": 1,
    "starting": 2,
    "calls": 27,
    "slots": 30,
    "freeSlots": 5,
    "desired": 5,
    "why": "Busy",
    "limitedBy": "Rate",
    "message": "27 calls need 5 pods",
    "freshPercent": 100,
}


def test_the_table_tells_at_a_glance(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    create_fleet(control_plane, namespace)
    say_status(control_plane, namespace, **BUSY)
    head, row = kubectl("get", "vf").stdout.splitlines()
    columns = "NAME ACCEPTING DRAINING CALLS SLOTS DESIRED WHY AGE"
    assert head.split() == columns.split()
    assert row.split()[:-1] == ["support", "3", "1", "27", "30", "5", "Busy"]
    head, row = kubectl("get", "vf", "-o", "wide").stdout.splitlines()
    wide = "MODE STARTING FREE LIMITED FRESH ROLLOUT MESSAGE"
    assert head.split() == f"{columns} {wide}".split()
    assert "27 calls need 5 pods" in row


def test_a_fleet_is_among_all_that_there_is(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    create_fleet(control_plane, namespace)
    assert "voicefleet.callfleet.dev/support" in kubectl("get", "all").stdout


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("voicefleet", "A fleet of voice agents on LiveKit"),
        ("voicefleet.spec.autoscaling", "The fleet never has more slots"),
        ("voicefleet.spec.autoscaling.headroom.answerSLO", "Higher keeps more workers"),
        ("vf.spec.template.env", "Environment variables"),
        ("vf.status.conditions", "kubectl wait --for=condition=Available"),
    ],
)
def test_explain_says_what_a_field_is_for(kubectl: Kubectl, path: str, says: str) -> None:
    done = kubectl("explain", path)
    assert done.returncode == 0, done.stderr
    assert re.search(says, " ".join(done.stdout.split(" "))), done.stdout


def test_explain_leaves_no_field_without_a_word(kubectl: Kubectl) -> None:
    said = kubectl("explain", "voicefleet.spec", "--recursive=false").stdout
    assert "<no description>" not in said


def test_scaling_by_hand_is_refused_in_auto_with_the_cure(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    create_fleet(control_plane, namespace)
    done = kubectl("scale", "vf", "support", "--replicas=5")
    assert done.returncode == 1
    assert CURE in done.stderr
    assert "spec.replicas" in done.stderr
    for path, change in (
        (fleets_path(namespace, "support", "scale"), {"spec": {"replicas": 5}}),
        (fleets_path(namespace, "support"), {"spec": {"replicas": 5}}),
    ):
        with pytest.raises(ApiError, match=re.escape(CURE)):
            control_plane.merge(path, change)
    assert "replicas" not in control_plane.ask("GET", fleets_path(namespace, "support"))["spec"]


def test_replicas_that_were_there_before_auto_stay_as_they_are(
    control_plane: ControlPlane, namespace: str
) -> None:
    create_fleet(control_plane, namespace, **MANUAL)
    path = fleets_path(namespace, "support")
    control_plane.merge(path, {"spec": {"autoscaling": {"mode": "Auto"}}})
    control_plane.merge(path, {"spec": {"paused": True}})
    with pytest.raises(ApiError, match=re.escape(CURE)):
        control_plane.merge(path, {"spec": {"replicas": 5}})
    both = {"spec": {"replicas": 5, "autoscaling": {"mode": "Manual"}}}
    assert control_plane.merge(path, both)["spec"]["replicas"] == 5


def test_scaling_by_hand_is_for_manual(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    create_fleet(control_plane, namespace, **MANUAL)
    say_status(control_plane, namespace, replicas=2, selector="callfleet.dev/accepting=true")
    done = kubectl("scale", "vf", "support", "--replicas=5", "--current-replicas=2")
    assert done.returncode == 0, done.stderr
    scale = control_plane.ask("GET", fleets_path(namespace, "support", "scale"))
    assert scale["spec"] == {"replicas": 5}
    assert scale["status"] == {"replicas": 2, "selector": "callfleet.dev/accepting=true"}
    assert kubectl("scale", "vf", "support", "--replicas=-1").returncode == 1


def test_manual_cannot_be_left_without_a_number(
    control_plane: ControlPlane, namespace: str
) -> None:
    create_fleet(control_plane, namespace, **MANUAL)
    with pytest.raises(ApiError, match="mode is Manual, and replicas is not set"):
        control_plane.merge(fleets_path(namespace, "support"), {"spec": {"replicas": None}})


def test_a_misspelt_field_is_named_and_nothing_is_made(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    wrong = fleet(autoscaling={"minReplica": 2}, template={"resources": {"limit": {"cpu": "1"}}})
    done = kubectl("apply", "-f", "-", given=yaml.safe_dump(wrong))
    assert done.returncode == 1
    assert 'unknown field "spec.autoscaling.minReplica"' in done.stderr
    assert 'unknown field "spec.template.resources.limit"' in done.stderr
    assert control_plane.ask("GET", fleets_path(namespace))["items"] == []


def test_a_manifest_can_be_applied_again_and_again(kubectl: Kubectl) -> None:
    manifest = yaml.safe_dump(fleet())
    assert "created" in kubectl("apply", "-f", "-", given=manifest).stdout
    assert "unchanged" in kubectl("apply", "-f", "-", given=manifest).stdout
    assert kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=manifest)
    made = json.loads(kubectl("get", "vf", "support", "-o", "json").stdout)
    assert made["metadata"]["generation"] == 1


def test_one_can_wait_for_a_condition(
    control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    create_fleet(control_plane, namespace)
    wait = ("wait", "vf/support", "--for=condition=Available")
    assert kubectl(*wait, "--timeout=0s").returncode == 1
    say_status(
        control_plane,
        namespace,
        conditions=[
            {
                "type": "Available",
                "status": "True",
                "reason": "Accepting",
                "message": "3 of 3 workers accept calls",
                "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    )
    assert "condition met" in kubectl(*wait, "--timeout=30s").stdout


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"type": "Sunny"}, 'Unsupported value: "Sunny"'),
        ({"status": "Maybe"}, "should match"),
        ({"lastTransitionTime": "yesterday"}, "date-time"),
    ],
)
def test_a_condition_is_one_of_those_promised(
    control_plane: ControlPlane, namespace: str, condition: dict[str, str], says: str
) -> None:
    create_fleet(control_plane, namespace)
    right = {"type": "Available", "status": "True", "reason": "Accepting"}
    with pytest.raises(ApiError, match=says):
        say_status(control_plane, namespace, conditions=[{**right, **condition}])
