"""The stand-in for kubelets does with pods what a kubelet does, as far as fleets depend on it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import kubelet_script
import pytest
from control_plane import ControlPlane
from kubectl import Kubectl
from kubelet_spec import BeyondStandInError, Image
from kubelet_stand import Site, kubelet_stand
from pods import IMAGE, Pods, condition, pod

from callfleet_rehearsal.stack.processes import Children

PATIENCE_SECONDS = 60
SCRIPT = Image((sys.executable, str(kubelet_script.__file__)), {"FROM": "image"}, ("HOST",))


@pytest.fixture
def standing(control_plane: ControlPlane, namespace: str, children: Children) -> Any:
    """Give the block in which the stand-in works; it has to be in the test's own task."""

    @asynccontextmanager
    async def stood(**more: Any) -> AsyncIterator[Pods]:
        site = Site(control_plane, namespace, {IMAGE: SCRIPT}, children=children, **more)
        async with kubelet_stand(site) as stand:
            yield Pods(control_plane, namespace, stand)

    return stood


async def test_a_pod_runs_with_the_environment_that_it_is_written(standing: Any) -> None:
    async with standing() as pods:
        await pods.make_secret("keys", API_KEY="a-key", FROM="secret")
        await pods.make(
            envFrom=[
                {"secretRef": {"name": "keys"}},
                {"secretRef": {"name": "no", "optional": True}},
            ],
            env=[
                {"name": "GREETING", "value": "$(API_KEY) $$(API_KEY) $(UNKNOWN)"},
                {"name": "UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {
                    "name": "ONE",
                    "valueFrom": {"secretKeyRef": {"name": "keys", "key": "API_KEY"}},
                },
            ],
        )
        await pods.ready()
        told, made = await pods.says("/environment"), await pods.get()
    assert told["API_KEY"] == told["ONE"] == "a-key"
    assert told["FROM"] == "secret", "the pod's own comes before the image's"
    assert told["GREETING"] == "a-key $(API_KEY) $(UNKNOWN)"
    assert told["UID"] == made["metadata"]["uid"]
    assert told["IP"] == made["status"]["podIP"] == told["HOST"]
    assert set(told) <= {
        *("API_KEY", "ONE", "FROM", "GREETING", "UID", "IP", "HOST", "PATH", "LANG", "LC_CTYPE")
    }, "nothing of this machine's own settings got in"


async def test_a_pod_is_on_a_node_and_ready_when_it_says_so(standing: Any) -> None:
    async with standing() as pods:
        serves = {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "failureThreshold": 60}
        await pods.make(env=[{"name": "READY", "value": "no"}], startupProbe=serves)
        await pods.come_to("started", to=True)
        made = await pods.get()
        assert made["spec"]["nodeName"] in pods.stand.node_names
        assert made["status"]["phase"] == "Running"
        assert condition(made, "Ready")["status"] == "False"
        await pods.says("/mind?ready=yes")
        await pods.ready()
        await pods.come_to("ready", to=True)
        assert condition(await pods.get(), "Ready")["status"] == "True"
        await pods.says("/mind?ready=no")
        await pods.come_to("ready", to=False)


async def test_pods_spread_over_nodes_and_none_is_put_on_a_cordoned_one(
    standing: Any, kubectl: Kubectl
) -> None:
    async with standing() as pods:
        first, second = pods.stand.node_names
        for name in ("one", "two"):
            await pods.make(name=name)
            await pods.ready(name)
        assert {(await pods.get(name))["spec"]["nodeName"] for name in ("one", "two")} == {
            first,
            second,
        }
        await asyncio.to_thread(kubectl, "cordon", first)
        await pods.stand.until(lambda: pods.stand.nodes[first]["spec"].get("unschedulable"))
        for name in ("three", "four"):
            await pods.make(name=name)
            await pods.ready(name)
            assert (await pods.get(name))["spec"]["nodeName"] == second


async def test_a_deleted_pod_ends_its_work_before_it_is_gone(standing: Any) -> None:
    async with standing() as pods:
        await pods.make(env=[{"name": "STOP_SECONDS", "value": "1"}])
        await pods.ready()
        process = pods.stand.process("one").child.process
        await pods.delete()
        assert (await pods.get())["metadata"]["deletionTimestamp"]
        await pods.gone()
        assert process.poll() == 0


async def test_a_pod_that_does_not_heed_sigterm_is_killed_after_its_grace(standing: Any) -> None:
    async with standing() as pods:
        await pods.make(env=[{"name": "STOP_SECONDS", "value": "600"}], grace_seconds=600)
        await pods.ready()
        process = pods.stand.process("one").child.process
        await pods.delete()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "TOLD_TO_STOP" not in await pods.says("/environment"):
                pass
        assert process.poll() is None
        await pods.delete(grace_seconds=1)
        await pods.gone()
        assert process.poll() == -9


async def test_a_container_that_exits_is_started_again_in_the_same_pod(standing: Any) -> None:
    async with standing() as pods:
        await pods.make()
        await pods.ready()
        before = await pods.get()
        with pytest.raises(aiohttp.ClientError):
            await pods.says("/exit?code=3")
        await pods.come_to("restartCount", to=1)
        await pods.come_to("ready", to=True)
        after = await pods.get()
        assert after["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 3
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["status"]["podIP"] == before["status"]["podIP"]
        pods.stand.kill("one")
        await pods.come_to("restartCount", to=2)
        last = (await pods.container())["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (137, "Error")


async def test_a_volume_outlives_its_container(standing: Any) -> None:
    async with standing() as pods:
        whole = pod(
            volumeMounts=[{"name": "state", "mountPath": "/var/lib/state"}],
            env=[{"name": "STATE", "value": "/var/lib/state"}],
        )
        whole["spec"]["volumes"] = [{"name": "state", "emptyDir": {}}]
        await asyncio.to_thread(pods.plane.ask, "POST", pods.path, whole)
        await pods.ready()
        folder = Path((await pods.says("/environment"))["STATE"])
        (folder / "order").write_text("kept", encoding="utf-8")
        pods.stand.kill("one")
        await pods.come_to("restartCount", to=1)
        await pods.come_to("ready", to=True)
        assert Path((await pods.says("/environment"))["STATE"]) == folder
        assert (folder / "order").read_text(encoding="utf-8") == "kept"


async def test_a_container_that_is_not_well_is_ended_and_started_again(standing: Any) -> None:
    well = {"httpGet": {"path": "/well", "port": 8081}, "periodSeconds": 1, "failureThreshold": 1}
    async with standing() as pods:
        await pods.make(livenessProbe=well, startupProbe=well | {"failureThreshold": 60})
        await pods.ready()
        await pods.says("/mind?well=no")
        await pods.come_to("restartCount", to=1)
        await pods.come_to("ready", to=True)


async def test_a_missing_secret_is_waited_for(standing: Any) -> None:
    async with standing() as pods:
        await pods.make(envFrom=[{"secretRef": {"name": "keys"}}])
        assert await pods.waits("CreateContainerConfigError") == 'secret "keys" not found'
        await pods.make_secret("keys", API_KEY="a-key")
        await pods.ready()


async def test_an_image_that_is_not_there_is_waited_for(standing: Any) -> None:
    async with standing() as pods:
        await pods.make(image="registry.invalid/typo:1")
        assert "registry.invalid/typo:1" in await pods.waits("ImagePullBackOff")
        await pods.delete()
        await pods.gone()


async def test_of_a_node_that_is_gone_the_pods_stay_and_nobody_answers(standing: Any) -> None:
    async with standing() as pods:
        await pods.make()
        await pods.ready()
        process = pods.stand.process("one").child.process
        lost = (await pods.get())["spec"]["nodeName"]
        await pods.stand.lose_node(lost)
        assert process.poll() == -9
        await pods.make(name="two")
        await pods.ready("two")
        assert (await pods.get("two"))["spec"]["nodeName"] != lost
        assert (await pods.container())["ready"], "nobody is there to say that it is not"
        await pods.delete()
        assert (await pods.get())["metadata"]["deletionTimestamp"], "nobody is there to end it"


async def test_a_pod_that_is_forced_out_of_the_api_ends_as_well(standing: Any) -> None:
    async with standing() as pods:
        await pods.make(env=[{"name": "STOP_SECONDS", "value": "600"}])
        await pods.ready()
        process = pods.stand.process("one").child.process
        await pods.delete(grace_seconds=0)
        await pods.stand.until(lambda: process.poll() is not None)


async def test_a_pod_that_asks_for_more_than_the_stand_in_can_do_ends_the_test(
    standing: Any,
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(BeyondStandInError, match="lifecycle")):
        async with standing() as pods:
            await pods.make(lifecycle={"preStop": {"sleep": {"seconds": 1}}})
            await asyncio.sleep(60)
