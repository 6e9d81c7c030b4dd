"""A worker learns from its pod where it is, and whose."""

from typing import Any

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_operator.objects.environment import overruled
from callfleet_operator.objects.pods import build_pod
from callfleet_operator.objects.seen import Key, SeenRevision


def spec(**template: Any) -> FleetSpec:
    return FleetSpec.model_validate({"template": {"image": "worker:1", **template}})


def pod_of(told: FleetSpec) -> Any:
    revision = SeenRevision(Key("voice", "talkers"), "fleet-uid", "talkers-r1", "r1", 1, 1, told)
    return build_pod(revision, "talkers-abcde", ("key-one",))


def test_a_pod_is_told_where_it_is_in_no_setting_that_an_earlier_worker_would_refuse() -> None:
    pod = pod_of(spec())
    env = {one.name: one for one in pod.spec.containers[0].env}
    paths = {
        name: one.valueFrom.fieldRef.fieldPath
        for name, one in env.items()
        if one.valueFrom and not name.startswith("CALLFLEET_")
    }
    assert paths == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_UID": "metadata.uid",
        "NODE_NAME": "spec.nodeName",
    }
    assert (env["CONTAINER_NAME"].value, env["FLEET_NAME"].value) == ("worker", "talkers")


def test_a_template_may_say_otherwise_where_a_worker_is() -> None:
    env = [{"name": "NODE_NAME", "value": "mine"}]
    told = spec(env=env)
    named = [one for one in pod_of(told).spec.containers[0].env if one.name == "NODE_NAME"]
    assert [one.value for one in named] == ["mine"]
    assert overruled(told) == ()
