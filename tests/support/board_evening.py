"""An evening that every board has something to show of: a fleet takes calls, grows, rolls, shrinks.

All of it is real but the kubelet: API server, operator, LiveKit, workers, callers, and the
Prometheus that scrapes them, which alone is left when it is over.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from board_prometheus import SCRAPE_SECONDS, discovering, jobs, start_prometheus
from control_plane import ControlPlane
from fleets import IMAGE
from helm import Helm
from kubelet_spec import Image
from operator_cluster import OperatorCluster, operator_cluster

from callfleet_contract.fleet.names import HTTP_PORT
from callfleet_drawing.asking import Span
from callfleet_rehearsal.callers.plan import CallPlan, Cue, Deed, RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.stack.callers import start_callers
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.lines import Lines
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

FLEET = "support"
_SLOTS, _MOST_WORKERS = 2, 3
_TURNS = (TurnKind.TOOL, TurnKind.BARGE_IN, TurnKind.PLAIN, TurnKind.TOOL)
_SPACING_SECONDS = 15.0
"""Pair by pair fills a worker, and the next comes meanwhile."""
_HASTY = CallPlan(
    _SLOTS * _MOST_WORKERS,
    (),
    cues=(Cue(Deed.HANG_UP, seconds=0.1),),
    start_after_seconds=_MOST_WORKERS * _SPACING_SECONDS,
)
"""One more who hangs up before the agent says anything."""
_LINGER_SECONDS = 10
"""For the last scrapes, and for rules that are made of these."""
_WORKER = Image(
    (sys.executable, "-m", "callfleet", "worker"),
    {},
    ("CALLFLEET_HTTP__HOST", "CALLFLEET_ADMISSION__HOST"),
)
_BY_OPERATOR = (
    "CALLFLEET_AGENT_NAME",
    "CALLFLEET_DRAIN__SECONDS",
    "CALLFLEET_HTTP__HOST",
    "CALLFLEET_SLOTS",
)
_OTHER_VOICE = [{"name": "CALLFLEET_PERSONA__VOICE", "value": "Kore"}]
_SCALED = {
    "mode": "Auto",
    "minReplicas": 1,
    "maxReplicas": _MOST_WORKERS,
    "syncSeconds": 1,
    # Little is kept free, so that callers find no slot.
    "headroom": {"minIdleSlots": 0, "answerSLO": 0.51},
    "scaleDown": {"stabilizationSeconds": 5, "periodSeconds": 1, "minPodAgeSeconds": 0},
}


@dataclass(frozen=True)
class Stage:
    """What an evening is made of."""

    plane: ControlPlane
    namespace: str
    children: Children
    folder: Path
    server: LiveKitServer
    emulator: Emulator
    helm: Helm
    prometheus: Path
    waves: int = 1
    """How often callers call, one after the other."""
    killing: tuple[int, ...] = ()
    """In which of these waves a worker is killed that has calls."""


@dataclass(frozen=True)
class Evening:
    """What is left of it: where Prometheus is, and of when it tells."""

    url: str
    namespace: str
    span: Span


def spend(stage: Stage) -> Evening:
    """Spend one; only Prometheus is left running."""
    return asyncio.run(_spend(stage))


async def _spend(stage: Stage) -> Evening:
    name, namespace = f"{FLEET}-{stage.namespace}", stage.namespace
    one_by_one = operator_cluster(stage.plane, namespace, stage.children, stage.folder, _WORKER)
    found = stage.folder / "pods.json"
    async with one_by_one as one, discovering(one, found):
        secret = {"metadata": {"name": "worker"}, "stringData": _told(stage)}
        await one.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
        operator = one.start()
        scraped = jobs(stage.helm, found, FLEET, operator.url, stage.server)
        start = time.time()
        url, _ = start_prometheus(stage.children, stage.prometheus, stage.folder, scraped)
        await one.create(
            FLEET,
            autoscaling=_SCALED,
            slotsPerPod=_SLOTS,
            agentName=name,
            drain={"maxCallSeconds": 300},
            template={"secrets": ["worker"]},
        )
        await one.says("accepting", to_be=1)
        for wave in range(stage.waves):
            calling = asyncio.create_task(asyncio.to_thread(_call, stage, name, wave))
            await _grows(one)
            if wave in stage.killing:
                one.kubelet.kill(await _busiest(one))
            await one.change(template={"image": IMAGE, "env": _OTHER_VOICE[: 1 - wave % 2]})
            await calling
            await _is_quiet(one)
        await asyncio.sleep(_LINGER_SECONDS)
    end = time.time()
    step, window = max(1.0, (end - start) / 240), 10.0 * SCRAPE_SECONDS
    return Evening(url, namespace, Span(start, end, step, window, {}))


def _told(stage: Stage) -> dict[str, str]:
    orders = {"CALLFLEET_DATABASE_URL": f"sqlite:///{stage.folder / 'orders.db'}"}
    told = worker_environment(orders, stage.server, stage.emulator, _SLOTS)
    return {name: value for name, value in told.items() if name not in _BY_OPERATOR}


def _call(stage: Stage, agent_name: str, wave: int) -> None:
    """Place calls in pairs that overlap, as a rehearsal does, and wait until they are over."""
    plan = RunPlan(
        livekit_url=stage.server.url,
        api_key=stage.server.api_key,
        api_secret=stage.server.api_secret,
        agent_name=agent_name,
        run_id=f"{stage.namespace}-{wave}",
        calls=(*_talking(), _HASTY),
        seed=wave,
    )
    folder = stage.folder / f"wave-{wave}"
    folder.mkdir()
    callers, _ = start_callers(stage.children, plan, folder)
    lines = Lines(callers.process)
    while lines.wait(1.0) is not None:
        pass
    code = callers.process.wait()
    assert code == 0, callers.complaint(f"failed with exit code {code}")
    stage.children.stop(callers)


def _talking() -> Iterator[CallPlan]:
    for call in range(_SLOTS * _MOST_WORKERS):
        yield CallPlan(call, _TURNS, start_after_seconds=call // _SLOTS * _SPACING_SECONDS)


async def _busiest(one: OperatorCluster) -> str:
    """Name the worker that has most calls, as it says itself."""
    held = {}
    async with aiohttp.ClientSession() as session:
        for name, life in one.kubelet.lives.items():
            if life.state.ready:
                url = f"http://{life.place.pod_ip}:{HTTP_PORT}/healthz/accepting"
                async with session.get(url) as answer:
                    held[name] = int((await answer.json())["taken"])
    return max(held, key=lambda name: held[name])


async def _grows(one: OperatorCluster) -> None:
    await _until(one, lambda status: status.get("accepting", 0) > 1, "a second worker comes")
    # Somebody talks with the old revision when the new one comes.
    await asyncio.sleep(_LINGER_SECONDS)


async def _is_quiet(one: OperatorCluster) -> None:
    def it_is(status: dict[str, Any]) -> bool:
        done = (status.get("rollout") or {}).get("phase") == "Complete"
        return done and status.get("calls") == 0 and status.get("accepting") == 1

    await _until(one, it_is, "it has one worker, of the new revision, and no call")
    await one.has_pods(1)


async def _until(one: OperatorCluster, holds: Callable[[dict[str, Any]], bool], what: str) -> None:
    async def it_does() -> bool:
        return holds(await one.status(FLEET))

    await one.until(it_does, what, 180)
