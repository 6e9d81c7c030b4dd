"""A fleet's pods, revisions and budget say what they have to, and what is read is what matters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkube.resources.core_v1 import Node, Pod
from lightkube.resources.policy_v1 import PodDisruptionBudget

from callfleet_contract.fleet.spec import MOST_PODS, FleetSpec
from callfleet_contract.grace import grace
from callfleet_operator.objects.budgets import build_budget, is_as_built
from callfleet_operator.objects.cordons import read_cordon, write_cordon
from callfleet_operator.objects.environment import overruled
from callfleet_operator.objects.making import MisfitError, make
from callfleet_operator.objects.pods import build_pod
from callfleet_operator.objects.reading import read_fleet, read_node, read_pod, read_revision
from callfleet_operator.objects.revisions import (
    build_revision,
    revision_name,
    shape_of,
    superfluous,
)
from callfleet_operator.objects.seen import Key, SeenFleet, SeenRevision
from callfleet_operator.planning.snapshot import Cordon

KEY = Key("voice", "talkers")
KEYS = ("key-one", "key-two")


def spec(**told: Any) -> FleetSpec:
    return FleetSpec.model_validate({"template": {"image": "worker:1"}, **told})


def kept(told: FleetSpec, number: int = 1) -> SeenRevision:
    name = revision_name(told)
    return SeenRevision(KEY, "fleet-uid", f"talkers-{name}", name, number, 1, told)


def pod_of(told: FleetSpec) -> Any:
    return build_pod(kept(told), "talkers-abcde", KEYS)


def variables(pod: Pod) -> dict[str, str | None]:
    assert pod.spec is not None
    return {one.name: one.value for one in pod.spec.containers[0].env or ()}


def test_a_pod_is_told_what_the_operator_counts_on() -> None:
    told = variables(pod_of(spec(slotsPerPod=7, agentName="porter", livekitURL="wss://here")))
    assert told["CALLFLEET_SLOTS"] == "7"
    assert told["CALLFLEET_AGENT_NAME"] == "porter"
    assert told["LIVEKIT_URL"] == "wss://here"
    assert told["CALLFLEET_DRAIN__SECONDS"] == "3600"
    assert told["CALLFLEET_ADMISSION__PUBLIC_KEYS"] == "key-one,key-two"
    assert told["CALLFLEET_ADMISSION__POD_UID"] is None
    assert told["CALLFLEET_ADMISSION__STATE_FOLDER"] == "/var/lib/callfleet"


def test_a_templates_volumes_come_beside_those_of_every_pod() -> None:
    volumes = [{"name": "ca", "configMap": {"name": "company-ca"}}]
    mounts = [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}]
    template = {"image": "worker:1", "volumes": volumes, "volumeMounts": mounts}
    pod = pod_of(spec(template=template))
    assert [one.name for one in pod.spec.volumes] == ["state", "scratch", "ca"]
    mounted = {one.name: one.mountPath for one in pod.spec.containers[0].volumeMounts}
    assert mounted == {"state": "/var/lib/callfleet", "scratch": "/tmp", "ca": "/etc/ca"}  # noqa: S108 - in a pod
    assert shape_of(spec(template=template))["template"] == template


def test_an_agent_without_a_name_has_its_fleets() -> None:
    assert variables(pod_of(spec()))["CALLFLEET_AGENT_NAME"] == "talkers"


def test_a_persona_becomes_the_workers_settings_and_what_is_unset_stays_so() -> None:
    told = variables(pod_of(spec(persona={"voice": "Kore", "temperature": 0.5, "greeting": ""})))
    assert told["CALLFLEET_PERSONA__VOICE"] == "Kore"
    assert told["CALLFLEET_PERSONA__TEMPERATURE"] == "0.5"
    assert told["CALLFLEET_PERSONA__GREETING"] == ""
    assert "CALLFLEET_PERSONA__INSTRUCTIONS" not in told


def test_a_template_may_set_anything_but_what_the_operator_counts_on() -> None:
    env = [
        {"name": "CALLFLEET_ADMISSION__PUBLIC_KEYS", "value": "mine"},
        {"name": "CALLFLEET_HTTP__PORT", "value": "1"},
        {"name": "CALLFLEET_PERSONA__VOICE", "value": "Puck"},
        {"name": "OTHER", "value": "x"},
    ]
    told = spec(persona={"voice": "Kore"}, template={"image": "worker:1", "env": env})
    pod = pod_of(told)
    names = [one.name for one in pod.spec.containers[0].env]
    assert sorted(names) == sorted(set(names))
    assert variables(pod)["CALLFLEET_ADMISSION__PUBLIC_KEYS"] == "key-one,key-two"
    assert variables(pod)["CALLFLEET_HTTP__PORT"] == "8081"
    assert variables(pod)["CALLFLEET_PERSONA__VOICE"] == "Puck"
    assert variables(pod)["OTHER"] == "x"
    assert overruled(told) == ("CALLFLEET_ADMISSION__PUBLIC_KEYS", "CALLFLEET_HTTP__PORT")


def test_a_deleted_pod_has_time_for_its_calls_and_for_all_that_follows_on_them() -> None:
    env = [{"name": "CALLFLEET_DRAIN__CLOSE_SECONDS", "value": "30"}]
    pod = pod_of(spec(drain={"maxCallSeconds": 60}, template={"image": "w:1", "env": env}))
    assert pod.spec.terminationGracePeriodSeconds == grace(60, 30).total_seconds


@pytest.mark.parametrize("nonsense", ["inf", "nan", "soon", ""])
def test_a_time_to_close_that_is_none_is_taken_for_the_usual_one(nonsense: str) -> None:
    env = [{"name": "CALLFLEET_DRAIN__CLOSE_SECONDS", "value": nonsense}]
    pod = pod_of(spec(drain={"maxCallSeconds": 60}, template={"image": "w:1", "env": env}))
    assert pod.spec.terminationGracePeriodSeconds == grace(60, 10).total_seconds


def test_a_pod_is_left_alone_by_autoscalers_of_nodes_and_may_do_nothing() -> None:
    pod = pod_of(spec())
    assert pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert pod.metadata.annotations["karpenter.sh/do-not-disrupt"] == "true"
    assert pod.spec.automountServiceAccountToken is False
    assert pod.spec.securityContext.runAsNonRoot is True
    assert pod.spec.securityContext.seccompProfile.type == "RuntimeDefault"
    container = pod.spec.containers[0]
    assert container.securityContext.readOnlyRootFilesystem is True
    assert container.securityContext.capabilities.drop == ["ALL"]
    assert container.readinessProbe.httpGet.path == "/healthz/ready"
    assert container.livenessProbe.httpGet.path == "/healthz/live"


def test_pods_spread_over_nodes_unless_their_user_says_how() -> None:
    assert pod_of(spec()).spec.topologySpreadConstraints[0].topologyKey == "kubernetes.io/hostname"
    rule = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    told = pod_of(spec(template={"image": "w:1", "topologySpreadConstraints": [rule]}))
    assert [one.topologyKey for one in told.spec.topologySpreadConstraints] == ["zone"]


def test_a_pod_is_read_as_it_was_made() -> None:
    made = pod_of(spec())
    made.metadata.uid, made.metadata.resourceVersion = "pod-uid", "17"
    seen = read_pod(made)
    assert seen is not None
    assert (seen.fleet, seen.fleet_uid, seen.version) == (KEY, "fleet-uid", 17)
    assert (seen.revision, seen.port, seen.keys) == (kept(spec()).name, 8082, KEYS)
    assert seen.labelled_accepting
    assert seen.cordon is None


def test_what_fits_into_no_pod_is_said_with_where() -> None:
    with pytest.raises(MisfitError, match=r"tolerations"):
        make(Pod, {"spec": {"containers": [], "tolerations": [{"key": 5}]}})


NO_CONFIG = "CreateContainerConfigError"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"waiting": {"reason": "ImagePullBackOff"}}, ("waiting", "ImagePullBackOff: image w:9")),
        (
            {"waiting": {"reason": "ErrImagePull", "message": "no such\nhost"}},
            ("waiting", "ErrImagePull: image w:9: no such host"),
        ),
        (
            {"waiting": {"reason": "ErrImagePull", "message": 'pull "w:9": denied'}},
            ("waiting", 'ErrImagePull: pull "w:9": denied'),
        ),
        (
            {"waiting": {"reason": NO_CONFIG, "message": 'secret "keys" not found'}},
            ("waiting", f'{NO_CONFIG}: secret "keys" not found'),
        ),
        (
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
            ("waiting", "CrashLoopBackOff: exit code 3, no key"),
        ),
        (
            {"waiting": {"reason": "Odd", "message": "x" * 9000}},
            ("waiting", f"Odd: {'x' * 295}"),
        ),
        ({"waiting": {"reason": "ContainerCreating"}}, ("waiting", "")),
        ({"running": {}}, ("running", "")),
        ({"terminated": {"exitCode": 1}}, ("terminated", "")),
    ],
)
def test_why_a_container_does_not_start_is_read(
    state: dict[str, Any], expected: tuple[str, str]
) -> None:
    last = {"terminated": {"exitCode": 3, "message": "no key\n"}}
    status = {"name": "worker", "image": "w:9", "imageID": "", "ready": False, "restartCount": 0}
    made = pod_of(spec())
    told = {
        "phase": "Pending",
        "containerStatuses": [{**status, "state": state, "lastState": last}],
    }
    made.status = make(Pod, {"status": told}).status
    seen = read_pod(made)
    assert seen is not None
    assert (seen.container, seen.trouble) == expected


@pytest.mark.parametrize(
    ("told", "leaves"),
    [
        ({}, False),
        ({"unschedulable": True}, True),
        ({"taints": [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]}, True),
        ({"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}, True),
        ({"taints": [{"key": "dedicated", "effect": "NoSchedule"}]}, False),
    ],
)
def test_a_node_leaves_when_it_is_cordoned_or_tainted_for_removal(
    told: dict[str, Any], leaves: bool
) -> None:
    node = make(Node, {"metadata": {"name": "one", "resourceVersion": "3"}, "spec": told})
    assert read_node(node).leaving is leaves


def test_a_revision_is_what_the_user_wrote_and_nothing_that_is_filled_in() -> None:
    assert revision_name(spec()) == revision_name(spec(autoscaling={"maxReplicas": 9}))
    assert revision_name(spec()) == revision_name(spec(template={"image": "worker:1", "env": []}))
    assert shape_of(spec(drain={"onDeadline": "Hold"})) == {"template": {"image": "worker:1"}}
    others = (
        spec(slotsPerPod=10),
        spec(agentName="talkers"),
        spec(drain={"maxCallSeconds": 3600}),
        spec(persona={"voice": "Kore"}),
        spec(template={"image": "worker:2"}),
        spec(livekitURL="wss://here"),
    )
    assert len({revision_name(one) for one in (spec(), *others)}) == len(others) + 1


def test_a_revision_that_was_kept_makes_the_same_pods_again() -> None:
    told = spec(
        slotsPerPod=3, persona={"voice": "Kore"}, template={"image": "w:1", "secrets": ["s"]}
    )
    fleet = SeenFleet(KEY, "fleet-uid", 1, 1, 0.0, told)
    back = read_revision(build_revision(fleet, told, 4))
    assert back is not None
    assert (back.name, back.number, back.fleet_uid) == (revision_name(told), 4, "fleet-uid")
    assert revision_name(back.shape) == back.name
    assert pod_of(back.shape) == pod_of(told)


def test_unused_revisions_beyond_the_limit_go_oldest_first() -> None:
    revisions = tuple(kept(spec(slotsPerPod=number), number) for number in range(1, 7))
    used = frozenset({revisions[0].name})
    assert [one.number for one in superfluous(revisions, used, 2)] == [2, 3, 4]
    assert superfluous(revisions, used, 5) == ()


def test_no_fleet_reaches_its_budget_and_another_one_is_mended() -> None:
    budget = build_budget(KEY, "fleet-uid")
    assert budget.spec is not None
    assert isinstance(budget.spec.minAvailable, int)
    assert budget.spec.minAvailable > 3 * MOST_PODS
    assert is_as_built(budget, "fleet-uid")
    assert not is_as_built(budget, "another")
    lower = make(PodDisruptionBudget, {**budget.to_dict(), "spec": {"minAvailable": 1}})
    assert not is_as_built(lower, "fleet-uid")


@given(st.integers(1, 2**53), st.booleans(), st.text(max_size=30))
def test_an_order_is_read_as_it_was_written(epoch: int, cordoned: bool, reason: str) -> None:
    order = Cordon(epoch, cordoned, reason, 1234.5)
    assert read_cordon(write_cordon(order)) == order


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "7", '{"epoch": "1", "cordoned": true}',
             '{"epoch": 0, "cordoned": true}', '{"epoch": 1, "cordoned": 1}',
             '{"epoch": 1, "cordoned": true, "since": "x"}']
)  # fmt: skip
def test_an_order_that_somebody_edited_past_recognition_is_none(text: str) -> None:
    assert read_cordon(text) is None


def test_a_spec_that_cannot_be_read_names_the_field_and_the_value() -> None:
    raw = {
        "metadata": {"name": "talkers", "namespace": "voice", "uid": "u", "resourceVersion": "1"},
        "spec": {"template": {"image": "w:1"}, "autoscaling": {"hold": "Never"}},
        "status": {"why": "of another version"},
    }
    seen = read_fleet(raw)
    assert seen.spec is None
    assert "spec.autoscaling.hold is 'Never'" in seen.unreadable
    assert seen.status.desired == 0
