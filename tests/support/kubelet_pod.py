"""The life of one pod on its node, from the address that it gets to its last status."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

import aiohttp
from kube_api import ApiError
from kube_watch import STRATEGIC, KubeWatch
from kubelet_environment import Source, command, environment, sources_of
from kubelet_probes import Health
from kubelet_running import Running
from kubelet_spec import ConfigError, Image, Object, Place, check, container_of
from kubelet_status import State, status_of

_LOOK_SECONDS = 0.05
_NEVER = float("inf")


@dataclass(frozen=True)
class Started:
    """What is to be started: which pod, where, and how."""

    pod: Object
    place: Place
    command: list[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Timing:
    """How long a kubelet waits. A real one's back-off begins with ten seconds."""

    config_again_seconds: float = 0.5
    pull_again_seconds: float = 0.5
    restart_seconds: float = 0.5
    most_restart_seconds: float = 10.0
    forced_seconds: float = 1.0
    """What a pod that vanished from the API is given to end."""


@dataclass(frozen=True)
class House:
    """What all pods of a stand-in share."""

    kube: KubeWatch
    session: aiohttp.ClientSession
    images: Mapping[str, Image]
    start: Callable[[Started], Running]
    folder: Path
    timing: Timing = field(default_factory=Timing)


class PodLife:
    """One pod. ``run`` is its whole life; ``seen`` is called with each change of its object."""

    def __init__(self, house: House, pod: Object, node: str, addresses: tuple[str, str]) -> None:
        host_ip, pod_ip = addresses
        self.house, self.pod, self.node = house, pod, node
        self.name: str = pod["metadata"]["name"]
        self.uid: str = pod["metadata"]["uid"]
        self.place = Place(node, host_ip, pod_ip, self._mounts())
        self.state = State()
        self.running: Running | None = None
        self._going = asyncio.Event()
        self._end_by = _NEVER
        self.task: asyncio.Task[None] | None = None
        self._said: Object = {}
        self._saying = asyncio.Lock()
        self.seen(pod)

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/api/v1/namespaces/{self.pod['metadata']['namespace']}/pods/{self.name}"

    def seen(self, pod: Object) -> None:
        """Take in its object as it is now."""
        self.pod = pod
        if "deletionTimestamp" in pod["metadata"]:
            self._end_within(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def vanished(self) -> None:
        """Take in that its object is gone: somebody forced it."""
        self._end_within(self.house.timing.forced_seconds)

    async def run(self) -> None:
        """Live to the end.

        Raises:
            BeyondStandInError: it asks for what this stand-in cannot do.

        """
        check(self.pod)
        waits = self.house.timing.restart_seconds
        while (health := await self._start()) is not None and self.running is not None:
            code = await self._watch_over(self.running, health)
            await self._say(self.state.terminated(code))
            if self._going.is_set():
                break
            if not self._is_restarted(code):
                await self._say(replace(self.state, phase="Failed" if code else "Succeeded"))
                await self._going.wait()
                break
            again = self.state.again()
            await self._say(again.waiting("CrashLoopBackOff", "back-off restarting the container"))
            await self._nap(waits)
            waits = min(2 * waits, self.house.timing.most_restart_seconds)
        await self._leave()

    def cut(self) -> None:
        """Have it be gone with its node: all of it ends, and nobody says so."""
        running, self.running = self.running, None
        if running is not None:
            running.kill()
            running.remove()
        if self.task is not None:
            self.task.cancel()

    async def _start(self) -> Health | None:
        """Start the container as soon as it can be; None where the pod goes before."""
        timing = self.house.timing
        while not self._going.is_set():
            wanted = container_of(self.pod)["image"]
            image = self.house.images.get(wanted)
            if image is None:
                await self._say_unpulled(wanted)
                await self._nap(timing.pull_again_seconds)
                continue
            try:
                health = Health(self.house.session, self.place.pod_ip, self.pod)
                told = environment(self.pod, self.place, image, await self._sources())
                words = command(self.pod, image, told)
            except ConfigError as error:
                await self._say(self.state.waiting("CreateContainerConfigError", str(error)))
                await self._nap(timing.config_again_seconds)
                continue
            self.running = self.house.start(Started(self.pod, self.place, words, told))
            self.state = self.state.running()
            return health
        return None

    async def _say_unpulled(self, image: str) -> None:
        if "ImagePull" not in str(self.state.state):
            await self._say(self.state.waiting("ErrImagePull", f"{image}: not found"))
        back_off = f'Back-off pulling image "{image}"'
        await self._say(self.state.waiting("ImagePullBackOff", back_off))

    async def _watch_over(self, running: Running, health: Health) -> int:
        """Wait for its end; ask it to end where its pod is to go, or it is not well."""
        if not running.asks_probes:
            health.is_well()
        ended = asyncio.create_task(running.ended())
        beside = [asyncio.create_task(self._tell(health))]
        if running.asks_probes:
            beside.append(asyncio.create_task(health.keep_asking()))
        try:
            await _first(ended, self._going, health.unwell)
            if not ended.done():
                running.terminate()
                await self._wait_as_long_as_it_may(ended)
            if not ended.done():
                running.kill()
            return await ended
        finally:
            for task in (*beside, ended):
                task.cancel()
            await asyncio.gather(*beside, ended, return_exceptions=True)
            if self.running is not None:
                self.running = None
                running.remove()

    async def _wait_as_long_as_it_may(self, ended: "asyncio.Task[int]") -> None:
        """Wait for its end within its grace, which somebody may make shorter meanwhile."""
        loop = asyncio.get_running_loop()
        own_end = loop.time() + self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        while not ended.done():
            end_by = self._end_by if self._going.is_set() else own_end
            if loop.time() >= end_by:
                return
            await asyncio.wait([ended], timeout=min(_LOOK_SECONDS, end_by - loop.time()))

    async def _tell(self, health: Health) -> None:
        while True:
            health.news.clear()
            found = replace(self.state, started=health.started, ready=health.ready)
            await self._say(found)
            await health.news.wait()

    def _is_restarted(self, code: int) -> bool:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _leave(self) -> None:
        """Have the object go, if it is there still: nothing of the pod runs any more."""
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        try:
            await self.house.kube.ask("DELETE", self.path, options)
        except ApiError as error:
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    async def _say(self, state: State) -> None:
        """Write the status, where it is another than the last."""
        async with self._saying:
            self.state = state
            status = status_of(self.pod, state, self.place.host_ip, self.place.pod_ip)
            if status == self._said:
                return
            self._said = status
            change = {"metadata": {"uid": self.uid}, "status": status}
            try:
                told = await self.house.kube.ask("PATCH", f"{self.path}/status", change, STRATEGIC)
            except ApiError as error:
                if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                    raise
                return
            self.pod = {**self.pod, "status": told["status"]}

    async def _sources(self) -> dict[Source, Mapping[str, str] | None]:
        return {source: await self._source(source) for source in sources_of(self.pod)}

    async def _source(self, source: Source) -> Mapping[str, str] | None:
        kind, name = source
        namespace = self.pod["metadata"]["namespace"]
        try:
            told = await self.house.kube.ask("GET", f"/api/v1/namespaces/{namespace}/{kind}/{name}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        data: dict[str, str] = told.get("data", {})
        if kind == "configmaps":
            return data
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def _mounts(self) -> dict[str, Path]:
        """Make a folder for each volume, kept as long as the pod and not only its container."""
        made = {}
        for mount in container_of(self.pod).get("volumeMounts", []):
            folder = self.house.folder / self.uid[:8] / mount["name"]
            folder.mkdir(parents=True, exist_ok=True)
            made[mount["mountPath"]] = folder
        return made

    async def _nap(self, seconds: float) -> None:
        """Wait a while, or until the pod is to go."""
        try:
            await asyncio.wait_for(self._going.wait(), seconds)
        except TimeoutError:
            return

    def _end_within(self, seconds: float) -> None:
        self._end_by = min(self._end_by, asyncio.get_running_loop().time() + seconds)
        self._going.set()


async def _first(ended: "asyncio.Task[int]", *events: asyncio.Event) -> None:
    """Wait until it has ended or any of the events has come."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([ended, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
