"""Ask the emulator of a cluster what it heard: its control port is open to its own pod alone."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import aiohttp
from call_ledger import ModelHeard, told_in

from callfleet_tools import debian
from callfleet_tools.evaluation import Evaluation

_CONTROL_PORT = 8444
_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")
_START_SECONDS = 60.0


async def model_heard(evaluation: Evaluation) -> list[ModelHeard]:
    """Give all sentences that it recognised, of whatever call."""
    async with (
        _control(evaluation) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/events", params={"follow": "0"}) as answer,
    ):
        told = told_in(await answer.text())
    return [
        ModelHeard(one["call"], one["turn"], one["at_ns"])
        for one in told
        if one["event"] == "marker"
    ]


@contextlib.asynccontextmanager
async def _control(evaluation: Evaluation) -> AsyncIterator[str]:
    """Have its control port on loopback of this machine."""
    forward = await asyncio.create_subprocess_exec(
        evaluation.cluster.layout.programs["kubectl"],
        f"--kubeconfig={evaluation.cluster.kubeconfig}",
        f"--namespace={evaluation.namespace}",
        "port-forward",
        "deployment/callfleet-emulator",
        f":{_CONTROL_PORT}",
        env=debian.environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert forward.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            said = _FORWARDED.match((await forward.stdout.readline()).decode())
        assert said is not None
        yield f"http://127.0.0.1:{said[1]}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            forward.terminate()
        await forward.wait()
