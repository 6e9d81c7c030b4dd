"""Faults in single calls of a worker, with calls sharing a process and with a process each.

Each fault strikes one call while others talk. It ends or goes on as it must and is counted so, its
neighbours hear every reply, and nothing of it is left. What is different in a shared process is
said where it is: a loop that stands still and a process that dies are everybody's.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_stand import (
    CALLS,
    COMES_WHILE_BLOCKED,
    LATER_NEIGHBOURS,
    NEIGHBOURS,
    Ordeal,
    start_faulty_worker,
    through,
)

from callfleet_rehearsal.bench.faults.cutter import Cutter
from callfleet_rehearsal.bench.faults.kinds import Mode
from callfleet_rehearsal.evidence import CallEnd
from callfleet_rehearsal.sound.marker import NOBODYS_CALLS
from callfleet_rehearsal.stack.emulator import start_emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

HUNG_UP = ("completed", "caller_hung_up")
DIED = ("dropped", "process_died")
ENDS = {
    "raise": [HUNG_UP],
    "cancel": [("failed", "internal_error")],
    "leak": [HUNG_UP],
    "terminate": [("completed", "room_gone")],
    "stall": [HUNG_UP],
    "signal": [HUNG_UP],
    "block": [HUNG_UP],
    "kill": [DIED, HUNG_UP],
}
APART_ENDS = {"leak": [DIED, HUNG_UP]}
CLOSED = {"cancel", "terminate"}
LATE_SECONDS = 0.02
"""Callers that send so late are on a machine where nobody is in time."""


@pytest.fixture(scope="module", params=list(Mode), ids=[mode.value for mode in Mode])
def ordeal(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    livekit_server: LiveKitServer,
) -> Iterator[Ordeal]:
    """Every fault has struck, and the last call has ended."""
    mode: Mode = request.param
    with (
        Children(tmp_path_factory.mktemp(f"faults-{mode}")) as children,
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        Cutter(livekit_server.port) as cutter,
    ):
        emulator, _ = start_emulator(children, "ideal", seed=1)
        passing = through(cutter, livekit_server)
        worker = start_faulty_worker(children, passing, emulator, mode, Path(folder))
        suffered = Ordeal(mode, worker, livekit_server, emulator, cutter)
        asyncio.run(suffered.suffer())
        yield suffered


def expected_ends(ordeal: Ordeal, fault: str) -> list[tuple[str, str]]:
    return (ENDS | (APART_ENDS if ordeal.mode is Mode.APART else {}))[fault]


def unless_late(ordeal: Ordeal) -> None:
    latest = max(record.send_late_p95_seconds for record in ordeal.records.values())
    if latest > LATE_SECONDS:
        pytest.skip(f"the machine is too busy: callers sent {latest * 1000:.0f} ms late")


@pytest.mark.parametrize("fault", CALLS)
def test_a_call_that_is_struck_ends_as_it_must_and_is_counted_so(
    ordeal: Ordeal, fault: str
) -> None:
    assert ordeal.ends(fault) == expected_ends(ordeal, fault)


@pytest.mark.parametrize("fault", CALLS)
def test_nobody_whose_call_is_struck_is_left_in_silence(ordeal: Ordeal, fault: str) -> None:
    record = ordeal.records[CALLS[fault]]
    if fault in CLOSED:
        assert record.end is CallEnd.CLOSED_BY_FLEET
        return
    assert record.end is CallEnd.HUNG_UP
    unless_late(ordeal)
    last = record.turns[-1]
    own = (record.call, last.turn)
    heard = {(one.call, one.turn) for one in last.heard}
    if DIED in expected_ends(ordeal, fault):
        # Who speaks just as the agent is replaced has its marker heard by neither of the two, and
        # is answered without it, or told that the line was cut off.
        assert any(one == own or one[0] in NOBODYS_CALLS for one in heard)
    else:
        assert own in heard, ordeal.account(record.call)


def test_each_end_is_counted_once(ordeal: Ordeal) -> None:
    lines = ordeal.worker.logged("call ended")
    told = Counter((line["outcome"], line["reason"]) for line in lines)
    counted = {
        name: value
        for name, value in ordeal.metrics.items()
        if "callfleet_calls_total{" in name and value
    }
    assert counted == {
        f'callfleet_calls_total{{outcome="{outcome}",reason="{reason}"}}': times
        for (outcome, reason), times in told.items()
    }
    ids = [line["call_id"] for line in lines]
    assert len(ids) == len(set(ids))


def test_nothing_of_them_is_left(ordeal: Ordeal) -> None:
    assert ordeal.before is not None
    assert ordeal.after == ordeal.before
    assert ordeal.metrics["callfleet_calls_active"] == 0


@pytest.mark.parametrize("call", NEIGHBOURS)
def test_neighbours_of_calls_that_misbehave_hear_every_reply(ordeal: Ordeal, call: int) -> None:
    record = ordeal.records[call]
    assert record.end is CallEnd.HUNG_UP
    unless_late(ordeal)
    assert ordeal.answered(call) == [turn.turn for turn in record.turns], ordeal.account(call)


def test_a_tool_that_blocks_is_named_in_a_line_and_in_a_metric(ordeal: Ordeal) -> None:
    (struck,) = {
        line["call_id"]
        for line in ordeal.worker.lines()
        if line.get("room", "").startswith("fault-block") and "call_id" in line
    }
    held = "the event loop is held up: what blocks belongs in a thread"
    (line,) = ordeal.worker.logged(held, call_id=struck)
    assert line["tool"] == "look_up_order"
    assert line["at"].startswith("faulty.py:")
    assert line["at"].endswith(" block")
    # On a busy machine the tool that leaks may hold its loop up too, and is then named as well.
    told = ordeal.worker.logged(held, tool="look_up_order")
    assert ordeal.metrics['callfleet_event_loop_held_total{tool="look_up_order"}'] == len(told)


def test_a_call_that_comes_while_the_loop_is_held_up_is_answered_by_one_agent(
    ordeal: Ordeal,
) -> None:
    rooms = f"near-{COMES_WHILE_BLOCKED}-{ordeal.run_id}"
    assert len(ordeal.worker.logged("call ended", room=rooms)) == 1
    assert ordeal.records[COMES_WHILE_BLOCKED].greeting_heard_ns is not None
    unless_late(ordeal)
    assert ordeal.answered(COMES_WHILE_BLOCKED) == [1], ordeal.account(COMES_WHILE_BLOCKED)


def test_what_a_call_leaves_running_ends_with_it(ordeal: Ordeal) -> None:
    ended = ordeal.worker.logged("call ended", room=f"fault-raise-{ordeal.run_id}")[0]["timestamp"]
    raised = [
        line["timestamp"] for line in ordeal.worker.lines() if "<function broken" in line["event"]
    ]
    assert raised
    # The call's last event is told before its session has closed.
    assert sum(at > ended for at in raised) < len(raised) / 2


@pytest.mark.parametrize("call", LATER_NEIGHBOURS)
def test_whoever_shares_a_process_that_is_killed_is_told_and_talks_on(
    ordeal: Ordeal, call: int, record_property: Callable[[str, object], None]
) -> None:
    ends = ordeal.worker.logged("call ended", room=f"near-{call}-{ordeal.run_id}")
    expected = [HUNG_UP] if ordeal.mode is Mode.APART else [DIED, HUNG_UP]
    assert [(end["outcome"], end["reason"]) for end in ends] == expected
    record = ordeal.records[call]
    assert record.end is CallEnd.HUNG_UP
    unless_late(ordeal)
    assert ordeal.answered(call)[-1] == record.turns[-1].turn, ordeal.account(call)
    seconds = ordeal.heard_again_seconds(call, ordeal.killed_ns())
    record_property("seconds from kill to hearing", seconds)
    print(f"{ordeal.mode}: call {call} heard the agent {seconds} s after the kill")
    if ordeal.mode is Mode.APART:
        assert ordeal.answered(call) == [turn.turn for turn in record.turns], ordeal.account(call)
