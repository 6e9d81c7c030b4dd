"""Put the admission port together: its socket, its memory, and what it is told of the worker."""

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from callfleet_contract.admission import MOST_CHARACTERS, Order
from callfleet_contract.signing import read_public_key
from callfleet_service.ports import bind
from callfleet_worker.parent.admission.desk import Desk, Seen
from callfleet_worker.parent.admission.memory import check, keep, recall
from callfleet_worker.parent.admission.orders import Cordon, Orders
from callfleet_worker.parent.admission.port import AdmissionPort, Door
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.server import FleetServer
from callfleet_worker.settings import AdmissionSettings

# Of what a slow reader has not read yet, the kernel keeps no more than a few reports.
_SEND_BUFFER_BYTES = 4096

_log = structlog.get_logger("callfleet.worker")


@contextmanager
def reserved(settings: AdmissionSettings) -> Iterator[socket.socket | None]:
    """Take the port before anything else is started; None where the settings open none.

    Raises:
        CannotStartError: the port or the state folder is in the way.

    """
    if not settings.is_open:
        yield None
        return
    check(settings.state_folder)
    with bind(settings, "CALLFLEET_ADMISSION__PORT") as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        yield bound


def make_port(
    settings: AdmissionSettings, look: Callable[[], Seen], cordon: Cordon
) -> AdmissionPort:
    """Make the port of a pod; where its worker was cordoned when it ended, it is again."""
    pod_uid = settings.pod_uid or ""
    recalled = recall(settings.state_folder, pod_uid)
    if recalled.forgot:
        _log.error(
            "the order that this worker obeyed last cannot be read: it takes no calls until the "
            "operator sends one",
            folder=str(settings.state_folder),
            error=recalled.forgot,
        )
    if recalled.not_ours:
        _log.warning("orders of another pod are not heeded", pod_uid=recalled.not_ours[:60])
    desk = Desk(pod_uid, uuid.uuid4().hex, recalled.order, forgot=bool(recalled.forgot))
    if desk.cordoned:
        _log.info("starts cordoned", epoch=desk.epoch)
        cordon(cordoned=True)
    door = Door(pod_uid, [read_public_key(text) for text in settings.public_keys])

    async def keep_aside(order: Order) -> None:
        # A disk may take its time, and the loop that answers calls has none.
        await asyncio.to_thread(keep, settings.state_folder, order)

    return AdmissionPort(door, Orders(desk, look, keep_aside, cordon))


def see(server: FleetServer, hearing: Hearing, unconnected: str, *, draining: bool) -> Seen:
    """Look at a worker: each call that was accepted and has not ended is counted once.

    A call whose process is gone and whose end is not told yet is still there: whoever is told
    that nothing is left must have been told before how it ended. ``unconnected`` is what was last
    in the way to LiveKit.
    """
    waiting = server.reserved
    totals = hearing.totals
    return Seen(
        registered=server.registered,
        draining=draining or server.draining,
        slots=server.slots,
        reserved=len(waiting),
        active=len((server.running | hearing.open) - waiting),
        accepted_total=totals.accepted,
        given_back_total=totals.given_back,
        ended_total=totals.ended,
        refused_total=server.refused_total,
        cut_total=totals.cut,
        call_seconds_total=totals.call_seconds,
        unconnected="" if server.registered else _plain(unconnected)[:MOST_CHARACTERS],
    )


def _plain(text: str) -> str:
    """Write a text so that each of its signs takes few bytes in a report."""
    return text.encode("ascii", "replace").decode()
