"""Whichever write is an operator's last, the fleet ends as if it had lived, and so do the calls.

The operators are processes that are killed by SIGKILL; the API server is a real one.
"""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from control_plane import ControlPlane
from counting_gate import CountingGate, counting_gate
from kube_api import ApiError
from operator_cluster import OperatorCluster, operator_cluster
from operator_process import OperatorProcess

from callfleet_rehearsal.stack.processes import Children

_AT_ONCE = 4
_NEW = {"image": "registry.invalid/callfleet-worker:1.0.0", "labels": {"second": "revision"}}


@dataclass(frozen=True)
class End:
    """How it ends, as users and callers see it."""

    pods: int
    of_the_new_revision: int
    calls: int
    accepting: int
    revisions: int
    budgets: int
    calls_lost: float


@dataclass(frozen=True)
class Run:
    """One time through the scenario."""

    end: End
    writes: tuple[str, ...]
    killed: bool


class Lives:
    """One operator after the other, through one gate."""

    def __init__(self, one: OperatorCluster, gate: CountingGate) -> None:
        self._one, self._gate = one, gate
        self.now: OperatorProcess = one.operators.start(gate.kubeconfig)
        self._follow: asyncio.Task[None] | None = None
        gate.kill = self._kill

    async def last(self) -> OperatorProcess:
        """Have nobody killed from now on, and wait until whoever follows a killed one is there."""
        self._gate.kill_after = 0
        if self._follow is not None:
            await self._follow
        return self.now

    @property
    def killed(self) -> bool:
        """Whether one was."""
        return self._follow is not None

    def _kill(self) -> None:
        self.now.kill()
        self._follow = asyncio.create_task(self._start_next())

    async def _start_next(self) -> None:
        await self._one.let_the_next_lead()
        start = self._one.operators.start
        self.now = await asyncio.to_thread(start, self._gate.kubeconfig)


async def _scenario(one: OperatorCluster, lives: Lives) -> End:
    """Make a fleet, roll it while callers talk, make it smaller, let the calls end."""
    await one.create(replicas=2)
    await one.says("accepting", to_be=2)
    first, second = await one.workers()
    first.call(1)
    second.call(2)
    await one.change(template=_NEW)
    await one.kubelet.until(lambda: first.report.cordoned and second.report.cordoned, 120)
    await one.change(replicas=1)
    first.hang_up(1)
    await one.has_pods(2)
    second.hang_up(2)
    await one.has_pods(1)
    (last,) = await one.workers()
    last.call(3)
    await one.says("calls", to_be=3)
    operator = await lives.last()
    pods = await one.pods()
    status = await one.status()
    return End(
        pods=len(pods),
        of_the_new_revision=sum("second" in pod["metadata"]["labels"] for pod in pods),
        calls=status["calls"],
        accepting=status["accepting"],
        revisions=len(await one.things("apis/apps/v1/controllerrevisions")),
        budgets=len(await one.things("apis/policy/v1/poddisruptionbudgets")),
        calls_lost=operator.metric("calls_ended_by_infrastructure_total"),
    )


async def _run(plane: ControlPlane, children: Children, folder: Path, number: int) -> Run:
    """Go through the scenario with an operator that dies after a write; 0 for none."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    folder = folder / name
    folder.mkdir()
    await asyncio.to_thread(plane.ask, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(operator_cluster(plane, name, children, folder))
            gate = await stack.enter_async_context(counting_gate(plane, folder))
            gate.kill_after = number
            lives = await asyncio.to_thread(Lives, one, gate)
            end = await _scenario(one, lives)
            return Run(end, tuple(gate.writes), lives.killed)
    finally:
        at_once = {"gracePeriodSeconds": 0}
        for path in (
            f"/apis/callfleet.dev/v1alpha1/namespaces/{name}/voicefleets",
            f"/api/v1/namespaces/{name}/pods",
            f"/api/v1/namespaces/{name}",
        ):
            try:
                await asyncio.to_thread(plane.ask, "DELETE", path, at_once)
            except ApiError:
                continue


@pytest.mark.timeout(3600)
async def test_whichever_write_is_its_last_the_fleet_ends_as_if_it_had_lived(
    control_plane: ControlPlane,
    children: Children,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    undisturbed = await _run(control_plane, children, tmp_path, 0)
    assert undisturbed.end == End(1, 1, 3, 1, 2, 1, 0.0)
    room = asyncio.Semaphore(_AT_ONCE)

    async def killed_after(number: int) -> Run:
        async with room:
            return await _run(control_plane, children, tmp_path, number)

    numbers = range(1, len(undisturbed.writes) + 1)
    runs = await asyncio.gather(*(killed_after(number) for number in numbers))
    rows = [
        f"| {number} | {run.writes[number - 1] if run.killed else 'none'} "
        f"| {len(run.writes)} | {'the same' if run.end == undisturbed.end else run.end} |"
        for number, run in zip(numbers, runs, strict=True)
    ]
    table = "\n".join(["| killed after | which was | writes in all | end |", *rows])
    record_property("restarts", table)
    print(f"\n{table}")
    assert [run.end for run in runs] == [undisturbed.end] * len(runs)
