"""An operator says what it last decided, and why, to whoever asks."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession

from callfleet_contract.fleet.status import Limit, RolloutStatus, Why
from callfleet_operator.objects.seen import Key
from callfleet_operator.planning.actions import (
    Action,
    Create,
    Delete,
    Plan,
    Reason,
    Relabel,
    Remind,
    SetCordon,
)
from callfleet_operator.planning.snapshot import Memory, Pod
from callfleet_operator.telling.health import Health, HealthServer
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.plans import Plans, sentence

DESK = Key("voice", "desk")
POD = Pod("desk-b4xkz", "uid-1", "17", "r1", 0.0)


def plan(*actions: Action) -> Plan:
    return Plan(
        actions=actions,
        desired=3,
        why=Why.BUSY,
        message="21 calls in 30 slots",
        limited_by=Limit.NONE,
        rollout=RolloutStatus(),
        conditions=(),
        memory=Memory(0.0),
        notes=("3 pods are to accept calls",),
    )


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (Create(1, "r1", Reason.DEMAND), "create a pod of revision r1: Demand"),
        (Create(3, "r1", Reason.EXHAUSTED), "create 3 pods of revision r1: SlotsRanOut"),
        (SetCordon(POD, cordon=True, epoch=2, reason=Reason.SURPLUS), "cordon desk-b4xkz: Surplus"),
        (
            SetCordon(POD, cordon=False, epoch=3, reason=Reason.DEMAND),
            "have desk-b4xkz take calls again: Demand",
        ),
        (Remind(POD), "send desk-b4xkz its order again: Remind"),
        (Relabel(POD, accepting=True), "write the label of desk-b4xkz again: Repair"),
        (Delete(POD, Reason.IDLE), "delete desk-b4xkz: Idle"),
        (
            Delete(POD, Reason.DEADLINE, ends_calls=True),
            "delete desk-b4xkz, which ends its calls: Deadline",
        ),
    ],
)
def test_each_action_is_a_sentence_with_its_reason(action: Action, says: str) -> None:
    assert sentence(action) == says


async def test_the_last_plan_is_told_and_a_fleet_that_is_gone_is_not_known_any_more() -> None:
    plans = Plans()
    plans.keep(DESK, plan(), 1.0)
    plans.keep(DESK, plan(Create(1, "r1", Reason.DEMAND)), 2.0)
    async with asked(plans, leading=True) as (url, session):
        async with session.get(url) as answer:
            told = await answer.json()
        assert (told["desired"], told["why"], told["at"]) == (3, "Busy", 2.0)
        assert told["actions"] == ["create a pod of revision r1: Demand"]
        assert told["notes"] == ["3 pods are to accept calls"]
        plans.forget(DESK)
        async with session.get(url) as answer:
            assert answer.status == 404
            assert "knows no such fleet" in (await answer.json())["error"]


async def test_an_operator_that_does_not_lead_says_how_the_one_that_does_is_asked() -> None:
    """Of two, ``kubectl port-forward deploy/…`` may well choose the one that waits."""
    async with asked(Plans(), leading=False) as (url, session), session.get(url) as answer:
        assert answer.status == 404
        error = (await answer.json())["error"]
    assert "does not lead" in error
    assert "`kubectl get lease`" in error


@asynccontextmanager
async def asked(plans: Plans, *, leading: bool) -> AsyncIterator[tuple[str, ClientSession]]:
    """Serve plans; give the address of one fleet's, and who asks."""
    server = HealthServer(
        Metrics(),
        plans,
        lambda: Health(live=True, ready=True, leading=leading, overdue_seconds=0.0),
    )
    bound = socket.create_server(("127.0.0.1", 0))
    await server.start(bound)
    try:
        async with ClientSession() as session:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/plans/voice/desk", session
    finally:
        await server.stop()
