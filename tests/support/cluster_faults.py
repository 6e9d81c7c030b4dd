"""What befalls a cluster from outside: a node drained, a port cut off, a container killed.

Nothing here blocks the loop that callers live in, and nothing outlasts its block.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from callfleet_tools import debian
from callfleet_tools.evaluation import Evaluation
from callfleet_tools.node import Cluster, arguments, furnishing, parts

Object = dict[str, Any]
_PATIENCE_SECONDS = 120.0


class Drain:
    """``kubectl drain`` at work on a node."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self._running = running

    @property
    def goes_on(self) -> bool:
        """Whether it has yet to end."""
        return self._running.returncode is None

    async def ends(self) -> str:
        """Wait for its end, and give what it said where that was no good one."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            said, _ = await self._running.communicate()
        return "" if self._running.returncode == 0 else said.decode()


@contextlib.asynccontextmanager
async def draining(cluster: Cluster, node: str) -> AsyncIterator[Drain]:
    """Have kubectl drain a node; it takes pods again after the block."""
    kubectl = [cluster.layout.programs["kubectl"], f"--kubeconfig={cluster.kubeconfig}"]
    running = await asyncio.create_subprocess_exec(
        # What other tests left there without an owner does not matter.
        *(*kubectl, "drain", node, "--delete-emptydir-data", "--force"),
        env=debian.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Drain(running)
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
        await asyncio.to_thread(cluster.kubectl, "uncordon", node)


@contextlib.asynccontextmanager
async def cut_off(pod: Object, port: int) -> AsyncIterator[None]:
    """Let nothing in or out of a port of a pod, and tell nobody: as on a network that loses all."""
    enter = furnishing.inside_network(await asyncio.to_thread(_process_of, pod))
    ways = (("INPUT", "--dport"), ("OUTPUT", "--sport"))

    async def change(how: str) -> None:
        for chain, side in ways:
            rule = [chain, "-p", "tcp", side, str(port), "-j", "DROP"]
            await asyncio.to_thread(parts.run, [*enter, "iptables", how, *rule], "cutting a port")

    await change("-I")
    try:
        yield
    finally:
        await change("-D")


async def kill(evaluation: Evaluation, pod: Object) -> None:
    """End a pod's container at once, from its node: nobody is told."""
    places = evaluation.cluster.layout.places
    (place,) = (each for each in places if each.name == pod["spec"]["nodeName"])
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    command = arguments.ctr(place, "tasks", "kill", "--signal", "SIGKILL", container)
    await asyncio.to_thread(parts.run, command, f"killing {pod['metadata']['name']}")


def _process_of(pod: Object) -> int:
    """Find a process of a pod, as this machine counts them: all are in its network."""
    uid = pod["metadata"]["uid"]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if uid in (folder / "cgroup").read_text(encoding="utf-8"):
                return int(folder.name)
    message = f"no process of pod {pod['metadata']['name']} ({uid}) is found"
    raise AssertionError(message)


async def operators_kubectl(evaluation: Evaluation, *command: str) -> str:
    """Do something in the operator's own namespace."""
    own = f"--namespace={evaluation.namespace}"
    return await asyncio.to_thread(evaluation.cluster.kubectl, own, *command)
