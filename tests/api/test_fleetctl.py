"""`callfleet fleet` as it is typed, beside an operator on a real API server."""

import asyncio
import os
import subprocess
import sys

import pytest
from operator_cluster import MANUAL, Clustered, OperatorCluster


async def typed(
    one: OperatorCluster, *arguments: str, **env: str
) -> "subprocess.CompletedProcess[str]":
    """Type a command, as a person in that namespace does."""
    environment = {**os.environ, "KUBECONFIG": str(one.operators.kubeconfig), **env}
    command = [sys.executable, "-m", "callfleet", "fleet", *arguments, "-n", one.namespace]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_a_user_cordons_a_worker_and_takes_it_back_and_drains_it(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        busy, other = await one.workers()
        busy.call(1)
        names = sorted(str(pod["metadata"]["name"]) for pod in await one.pods())

        said = await typed(one, "cordon", names[0])
        assert said.returncode == 0, said.stderr
        assert "takes no more calls; it stays" in said.stdout
        # The fleet makes another in its place, and leaves alone what its user cordoned.
        await one.says("draining", to_be=1)
        await one.says("accepting", to_be=2)
        assert busy.report.cordoned
        assert busy.report.calls == 1
        assert other.report.accepting

        again = await typed(one, "cordon", names[0])
        assert again.returncode == 1
        assert "told so already" in again.stderr

        listed = await typed(one, "list", "--pods")
        rows = {line.split()[0]: line for line in listed.stdout.splitlines() if line.strip()}
        assert "CordonedByUser" in rows[names[0]]
        assert "Draining" in rows[names[0]]

        # Held as it is, the fleet does not take out at once what it has too many of.
        await one.change(autoscaling={**MANUAL, "hold": "ScaleIn"})
        assert (await typed(one, "uncordon", names[0])).returncode == 0
        await one.says("accepting", to_be=3)
        assert not busy.report.cordoned

        said = await typed(one, "drain", names[1], "--wait", "60")
        assert said.returncode == 0, said.stderr
        assert names[1] not in {str(pod["metadata"]["name"]) for pod in await one.pods()}
        assert busy.report.calls == 1


async def test_a_plan_is_explained_and_what_cannot_be_asked_is_said(clustered: Clustered) -> None:
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=1)
        await one.says("accepting", to_be=1)
        said = await typed(one, "plan", "support", "--explain", "--operator", operator.url)
        assert said.returncode == 0, said.stderr
        assert "- mode is Manual, and spec.replicas is 1" in said.stdout
        said = await typed(one, "plan", "support", CALLFLEET_OPERATOR_URL="http://127.0.0.1:9")
        assert said.returncode == 1
        assert "name it with --operator" in said.stderr
        said = await typed(one, "plan", "nobody")
        assert said.returncode == 1
        assert 'voicefleets.callfleet.dev "nobody" not found' in said.stderr
        said = await typed(one, "cordon", "nobody")
        assert said.returncode == 1
        assert 'pods "nobody" not found' in said.stderr


@pytest.mark.timeout(400)
async def test_a_user_pauses_a_rollout_lets_it_go_on_and_undoes_it(clustered: Clustered) -> None:
    async with clustered() as one:
        one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        said = await typed(one, "rollout", "undo", "support")
        assert said.returncode == 1
        assert "no revision before" in said.stderr
        (first,) = {_revision(pod) for pod in await one.pods()}

        assert (await typed(one, "rollout", "pause", "support")).returncode == 0
        await one.change(persona={"voice": "Kore"})
        await one.until(lambda: _phase(one, "Paused"), "the rollout is paused")
        assert {_revision(pod) for pod in await one.pods()} == {first}

        assert (await typed(one, "rollout", "resume", "support")).returncode == 0
        said = await typed(one, "rollout", "status", "support", "--wait", "90")
        assert said.returncode == 0, said.stdout
        assert "Complete" in said.stdout
        await one.has_pods(2)
        (second,) = {_revision(pod) for pod in await one.pods()}
        assert second != first

        said = await typed(one, "rollout", "undo", "support")
        assert f"goes back to revision {first}" in said.stdout
        await one.until(lambda: _phase(one, "Undone"), "the revision is undone")
        await one.has_pods(2)
        assert {_revision(pod) for pod in await one.pods()} == {first}
        said = await typed(one, "rollout", "status", "support")
        assert said.returncode == 1
        assert f"undone: {second}" in said.stdout


def _revision(pod: dict[str, object]) -> str:
    meta = pod["metadata"]
    assert isinstance(meta, dict)
    return str(meta["labels"]["callfleet.dev/revision"])


async def _phase(one: OperatorCluster, phase: str) -> bool:
    return bool((await one.status()).get("rollout", {}).get("phase") == phase)
