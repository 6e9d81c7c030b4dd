"""Feed the store from kopf's watches. kopf writes nothing: no finalizer, no annotation, no Event.

Its watches list again by themselves and bear an API server that is gone for as long as it likes.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import kopf
from lightkube.config.kubeconfig import SingleConfig
from lightkube.resources.core_v1 import Node, Pod

from callfleet_contract.fleet.names import FLEET_LABEL, GROUP, PLURAL, VERSION
from callfleet_operator.objects.making import make
from callfleet_operator.objects.reading import read_fleet, read_node, read_pod, version_of
from callfleet_operator.objects.seen import Key
from callfleet_operator.observing.store import Store
from callfleet_operator.reaching.connection import kopf_login

_GONE = "DELETED"
_SERVER_TIMEOUT_SECONDS = 280
"""A whole number: the API server refuses others."""
_CLIENT_TIMEOUT_SECONDS = 300.0


class Endless:
    """Waits between tries of a request, without an end: kopf gives up after the last."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1.0, 2.0)
        while True:
            yield 5.0


def kopf_settings() -> kopf.OperatorSettings:
    """Set kopf to watch, and to do nothing else."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = _SERVER_TIMEOUT_SECONDS
    settings.watching.client_timeout = _CLIENT_TIMEOUT_SECONDS
    settings.watching.connect_timeout = 5.0
    settings.watching.chunk_size = 500
    settings.watching.label_selectors["", "v1", "pods"] = FLEET_LABEL
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    settings.networking.error_backoffs = Endless()
    return settings


def kopf_registry(store: Store, config: SingleConfig, *, sees_nodes: bool) -> kopf.OperatorRegistry:
    """Say what kopf is to watch, and with whose credentials."""
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf_login(config)

    async def on_pod(event: Any, **_: Any) -> None:
        take_pod(store, event)

    async def on_fleet(event: Any, **_: Any) -> None:
        take_fleet(store, event)

    async def on_node(event: Any, **_: Any) -> None:
        take_node(store, event)

    kopf.on.login(registry=registry)(login)
    kopf.on.event("", "v1", "pods", labels={FLEET_LABEL: kopf.PRESENT}, registry=registry)(on_pod)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(on_fleet)
    if sees_nodes:
        kopf.on.event("", "v1", "nodes", registry=registry)(on_node)
    return registry


def take_pod(store: Store, event: Any) -> None:
    """Take in what a watch says of a pod; one without the fleet's label is no more the fleet's."""
    pod = make(Pod, event["object"])
    uid, version = _uid(event), _version(event)
    seen = read_pod(pod)
    if seen is not None:
        # How it ended may be said in the last word alone.
        store.pods.put(uid, seen)
    if event["type"] == _GONE or seen is None:
        store.pods.drop(uid, version)


def take_fleet(store: Store, event: Any) -> None:
    """Take in what a watch says of a fleet."""
    meta = event["object"]["metadata"]
    key = Key(meta["namespace"], meta["name"])
    if event["type"] == _GONE:
        store.fleets.drop(key, _version(event))
    else:
        store.fleets.put(key, read_fleet(event["object"]))


def take_node(store: Store, event: Any) -> None:
    """Take in what a watch says of a node."""
    node = read_node(make(Node, event["object"]))
    if event["type"] == _GONE:
        store.nodes.drop(node.name, node.version)
    else:
        store.nodes.put(node.name, node)


async def start_kopf(
    store: Store, config: SingleConfig, namespaces: Sequence[str], *, sees_nodes: bool
) -> asyncio.Task[None]:
    """Start kopf; the task ends when kopf does. Who calls it takes the signals back from kopf."""
    tasks = await kopf.spawn_tasks(
        registry=kopf_registry(store, config, sees_nodes=sees_nodes),
        settings=kopf_settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
    )
    return asyncio.create_task(_run(tasks), name="kopf")


async def _run(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until a part of kopf ends. kopf's own way to wait ends the tasks of others as well."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _uid(event: Any) -> str:
    return str(event["object"]["metadata"]["uid"])


def _version(event: Any) -> int:
    return version_of(event["object"]["metadata"].get("resourceVersion"))
