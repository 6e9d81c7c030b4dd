"""A fleet of real pods in a namespace of its own, its callers, and what was seen of both.

Callers live in the test's own loop, which sends a packet of each every 20 ms: nothing here blocks
it, and it goes before what else the machine does.
"""

import asyncio
import contextlib
import itertools
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from call_ledger import Line
from cluster_faults import kill
from emulator_pod import model_heard
from fleet_history import History, watched
from fleets import fleets_path
from kube_api import ApiError
from kube_session import MERGE, KubeSession, kube_session
from node_kubectl import NodeKubectl
from patient_callers import PatientCallers, patient_callers
from pod_logs import PodLogs, pod_logs
from real_ledger import Ledger, shown, written
from real_operator import RealOperator

from callfleet_contract.fleet.names import HTTP_PORT, pods_of
from callfleet_rehearsal.precedence import precedence
from callfleet_tools.evaluation import Evaluation, fleets

Object = dict[str, Any]
_PATIENCE_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 0.2
_LOOKS = 25
"""For the last lines of workers; one that was killed says nothing, however long one waits."""
_LAST_GRACE_SECONDS = 5
_NUMBERS = itertools.cycle(range(1, 250))
"""One emulator hears the callers of all tests, and knows them by these."""
_AS_SAID = {
    "autoscaling": {"mode": "Manual", "syncSeconds": 1},
    "drain": {"maxCallSeconds": 300},
    "rollout": {"minReadySeconds": 0},
}
_SMALL = {"requests": {"cpu": "250m", "memory": "64Mi"}}
"""Little enough for seven of them on two nodes; less, and on a busy machine they stand still."""


@dataclass(frozen=True)
class Stage:
    """Where fleets of a test are, and where it is told what became of them."""

    evaluation: Evaluation
    kubectl: NodeKubectl
    folder: Path
    record_property: Callable[[str, object], None]


@dataclass(frozen=True)
class Door:
    """Where callers call."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)


@dataclass
class RealFleet:
    """All of it."""

    stage: Stage
    name: str
    kube: KubeSession
    callers: PatientCallers
    operator: RealOperator
    logs: PodLogs
    history: History
    figures: dict[str, str] = field(default_factory=dict)
    ledger: Ledger | None = None

    @property
    def namespace(self) -> str:
        """Its own, and nobody else's."""
        return self.stage.kubectl.namespace

    async def kubectl(self, *command: str) -> str:
        """Do something as its user would."""
        return await asyncio.to_thread(self.stage.kubectl, *command)

    async def ask(self, method: str, path: str, body: object = None) -> Object:
        """Ask the API server; what is patched is merged."""
        kind = {"content_type": MERGE} if method == "PATCH" else {}
        return await self.kube.ask(method, path, body, **kind)

    async def change(self, **spec: Any) -> None:
        """Change the fleet as its user does."""
        path = fleets_path(self.namespace, self.name)
        await self.ask("PATCH", path, {"spec": spec})

    async def spec(self) -> Object:
        """Give what it is to be."""
        return dict((await self._itself())["spec"])

    async def status(self) -> Object:
        """Give what it is, and note that in its history."""
        told = dict((await self._itself()).get("status") or {})
        self.history.note(told)
        return told

    async def rollout(self) -> Object:
        """Give how far one revision has taken the place of another."""
        return dict((await self.status())["rollout"])

    async def pods(self) -> list[Object]:
        """Give its pods, those that end included."""
        path = f"/api/v1/namespaces/{self.namespace}/pods?labelSelector={pods_of(self.name)}"
        return list((await self.ask("GET", path))["items"])

    async def names(self) -> set[str]:
        """Name its pods."""
        return {str(pod["metadata"]["name"]) for pod in await self.pods()}

    async def calls_of(self) -> dict[str, int]:
        """Ask each worker itself how many calls it has."""
        held: dict[str, int] = {}
        for pod in await self.pods():
            address = pod["status"].get("podIP")
            if address is not None:
                url = f"http://{address}:{HTTP_PORT}/healthz/accepting"
                held[pod["metadata"]["name"]] = int((await self.kube.told(url))["taken"])
        return held

    async def says(self, what: str, *, to_be: object) -> None:
        """Wait until its status says something."""

        async def it_does() -> bool:
            return (await self.status()).get(what) == to_be

        await self.until(it_does, f"{what} of {self.name} is {to_be}")

    async def has_pods(self, number: int) -> None:
        """Wait until so many pods are left, those that end included."""

        async def it_has() -> bool:
            return len(await self.pods()) == number

        await self.until(it_has, f"there are {number} pods")

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, seconds: float = _PATIENCE_SECONDS
    ) -> None:
        """Wait until something holds."""
        try:
            async with asyncio.timeout(seconds):
                while not await holds():  # noqa: ASYNC110 - the cluster is asked, as people do
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError as error:
            message = f"it never came to be that {what}; seen was:\n{self.history.table()}"
            raise AssertionError(message) from error

    async def kill(self, pod: str) -> None:
        """End a worker's container at once, from its node: nobody is told."""
        seen = await self.ask("GET", f"/api/v1/namespaces/{self.namespace}/pods/{pod}")
        await kill(self.stage.evaluation, seen)

    def said(self, pod: str, event: str) -> list[Line]:
        """Give the lines about one thing that a pod logged, be it gone or not."""
        lines = [line for log in self.logs.read() if log.name == pod for line in log.lines]
        return [line for line in lines if line.get("event") == event]

    def figure(self, what: str, value: object) -> None:
        """Note a figure: it is told, and nothing depends on it."""
        self.figures[what] = f"{value:.2f}" if isinstance(value, float) else str(value)
        self.stage.record_property(what, self.figures[what])

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how many seconds a block took."""
        began = time.monotonic()
        yield
        self.figure(f"{what}, s", time.monotonic() - began)

    async def hang_up(self) -> Ledger:
        """Have all callers hang up, and give the ledger of all calls that there were."""
        records = await self.callers.hang_up()
        await self.says("calls", to_be=0)
        model = await model_heard(self.stage.evaluation)
        for _ in range(_LOOKS):
            self.ledger = written(records, self.logs.read(), model, self.callers.words)
            if self.ledger.is_complete:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        waits = sorted(filter(None, (one.greeting_seconds for one in self.ledger.entries)))
        if waits:
            self.figure("greeted after, median, s", statistics.median(waits))
            self.figure("greeted after, most, s", waits[-1])
        return self.ledger

    async def _itself(self) -> Object:
        return await self.ask("GET", fleets_path(self.namespace, self.name))


RealFleets = Callable[..., AbstractAsyncContextManager[RealFleet]]


@contextlib.asynccontextmanager
async def real_fleet(stage: Stage, **spec: Any) -> AsyncIterator[RealFleet]:
    """Have a fleet whose size is decided by hand, unless said otherwise; it takes calls by now."""
    evaluation, namespace = stage.evaluation, stage.kubectl.namespace
    layout = evaluation.cluster.layout
    name = f"support-{uuid.uuid4().hex[:6]}"
    door = Door(evaluation.livekit_url, evaluation.api_key, evaluation.api_secret)
    async with contextlib.AsyncExitStack() as opened:
        kube = await opened.enter_async_context(kube_session(evaluation.cluster.api))
        logs = await opened.enter_async_context(pod_logs(layout, namespace))
        said = await opened.enter_async_context(pod_logs(layout, evaluation.namespace))
        callers = await opened.enter_async_context(patient_callers(door, name, _NUMBERS))
        operator = RealOperator(kube, evaluation.namespace, said, namespace, name)
        fleet = RealFleet(stage, name, kube, callers, operator, logs, History())
        opened.push_async_callback(_end, fleet)
        await opened.enter_async_context(watched(fleet.status))
        await _begin(fleet, spec)
        with precedence():
            yield fleet


async def _begin(fleet: RealFleet, spec: Object) -> None:
    stage = fleet.stage
    template = fleets.template(stage.evaluation, resources=_SMALL)
    told = {**_AS_SAID, "template": template, **spec}
    objects = [*fleets.needs(stage.evaluation), fleets.fleet(stage.evaluation, fleet.name, **told)]
    with fleet.timed("fleet to its first workers"):
        await asyncio.to_thread(stage.kubectl.apply, objects, stage.folder / "fleet.json")
        least = told["autoscaling"].get("minReplicas", told.get("replicas"))
        await fleet.says("accepting", to_be=least)


async def _end(fleet: RealFleet) -> None:
    """Tell what was seen, and see the fleet gone, calls or not."""
    told = shown(fleet.ledger, fleet.figures, fleet.history.table())
    print(f"\n{told}")
    words = fleet.ledger.conversations if fleet.ledger is not None else ""
    (fleet.stage.folder / "ledger.md").write_text(f"{told}\n\n{words}", encoding="utf-8")
    for log in (*fleet.logs.read(), *fleet.operator.logs.read()):
        lines = "\n".join(map(json.dumps, log.lines))
        (fleet.stage.folder / f"{log.name}.log").write_text(lines, encoding="utf-8")
    await fleet.callers.leave()
    with contextlib.suppress(ApiError):
        await fleet.ask("DELETE", fleets_path(fleet.namespace, fleet.name))
    pods = f"/api/v1/namespaces/{fleet.namespace}/pods?labelSelector={pods_of(fleet.name)}"
    await fleet.ask("DELETE", pods, {"gracePeriodSeconds": _LAST_GRACE_SECONDS})
    await fleet.has_pods(0)
