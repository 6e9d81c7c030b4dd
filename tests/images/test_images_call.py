"""A caller is answered by the worker's image: a real LiveKit, a real call, a read-only root."""

from collections.abc import Mapping
from uuid import uuid4

import pytest
from image_room import Image, Room, Wanted

from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallEnd, TurnKind
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer, answers
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.worker import worker_environment
from callfleet_tools.images.plan import Role

pytestmark = pytest.mark.timeout(600)

CA_FILE = "/run/model-ca.pem"


async def test_a_caller_is_answered_by_a_worker_in_its_image(
    images: Mapping[Role, Image],
    room: Room,
    livekit_server: LiveKitServer,
    emulator: Emulator,
) -> None:
    (port,) = free_ports(1)
    agent_name = f"agent-{uuid4().hex[:8]}"
    told = worker_environment({}, livekit_server, emulator, 2) | {
        "CALLFLEET_AGENT_NAME": agent_name,
        "CALLFLEET_DATABASE_URL": "sqlite+aiosqlite:////tmp/orders.db",
        "CALLFLEET_HTTP__PORT": str(port),
        "CALLFLEET_MODEL__CA_FILE": CA_FILE,
    }
    wanted = Wanted(
        environment=told,
        writable=["/tmp", "/var/lib/callfleet"],  # noqa: S108 - the container's own
        bound={emulator.ca_file: CA_FILE},
    )
    calls = (CallPlan(1, (TurnKind.PLAIN, TurnKind.TOOL)), CallPlan(2, (TurnKind.PLAIN,)))
    plan = RunPlan(
        livekit_url=livekit_server.url,
        api_key=livekit_server.api_key,
        api_secret=livekit_server.api_secret,
        agent_name=agent_name,
        run_id=uuid4().hex[:6],
        calls=calls,
    )
    with room.started(images[Role.WORKER], wanted) as container:
        accepting = f"http://{LOOPBACK}:{port}/healthz/accepting"
        container.wait_until(lambda: answers(accepting), "taking calls")
        records = await run(plan, lambda _: None)
        assert [record.end for record in records] == [CallEnd.HUNG_UP] * len(calls)
        assert all(record.greeting_heard_ns is not None for record in records)
        turns = [turn for record in records for turn in record.turns]
        assert [turn.kind for turn in turns if turn.heard] == [turn.kind for turn in turns]
        assert len(turns) == sum(len(call.kinds) for call in calls)
        container.signal("TERM")
        assert container.ends() == 0
