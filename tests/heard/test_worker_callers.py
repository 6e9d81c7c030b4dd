"""Callers who behave badly: each call ends once, as it should, and leaves the worker as it was.

All of them call one worker in one evening, because the last one takes half a minute: so long it
takes until a caller who vanished is believed to be gone.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from caller_stand import CALLS_TOTAL, Evening, Visit, start_real_worker

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_rehearsal.callers.plan import CallPlan, Cue, Deed, Moment, Voice
from callfleet_rehearsal.evidence import CallEnd, TurnKind
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

PLAIN = (TurnKind.PLAIN,)
TOGETHER, JOINED_LATER = "two-callers-together", "somebody-joins-later"

completed = partial(Visit, outcome=CallOutcome.COMPLETED, reason=CallReason.CALLER_HUNG_UP)


def hangs_up(moment: Moment, seconds: float = 0.0, turn: int = 0) -> tuple[Cue, ...]:
    return (Cue(Deed.HANG_UP, moment, turn, seconds),)


VANISHES = Visit(
    "vanishes",
    (CallPlan(1, PLAIN, cues=(Cue(Deed.VANISH, Moment.GREETING, seconds=0.5),)),),
    CallOutcome.DROPPED,
    CallReason.MEDIA_LOST,
)
LEAVES_BEFORE_THE_AGENT = Visit(
    "hangs up before the agent is there",
    (CallPlan(2, PLAIN, cues=hangs_up(Moment.JOINED)),),
    CallOutcome.ABANDONED,
    CallReason.LEFT_BEFORE_GREETING,
)
TALKER = CallPlan(
    13,
    (),
    JOINED_LATER,
    Voice.NEVER_STOPS,
    expects_greeting=False,
    stays_seconds=60.0,
    start_after_seconds=5.0,
)
IS_JOINED_BY_A_TALKER = completed(
    "is joined by somebody who talks",
    (CallPlan(3, PLAIN * 2, JOINED_LATER), TALKER),
    room_stays=True,
)
TWO_TOGETHER = completed(
    "comes together with another caller",
    # Two turns: after a burst of joins the jitter buffer hurries through the first one's marker.
    (CallPlan(4, PLAIN * 2, TOGETHER), CallPlan(14, PLAIN * 2, TOGETHER)),
    room_stays=None,
)
IN_THE_TOOL = completed(
    "hangs up while something is looked up",
    # In the second turn, for the same reason: an unheard marker asks for no tool.
    (CallPlan(5, (*PLAIN, TurnKind.TOOL), cues=hangs_up(Moment.TURN, 5.0, turn=2)),),
)
NEVER_SPEAKS = completed("never speaks", (CallPlan(6, (), voice=Voice.SILENT, stays_seconds=2.0),))
NEVER_STOPS = completed(
    "never stops",
    # Later than the others, for their reason above: nobody here says the first words twice.
    (CallPlan(7, (), voice=Voice.NEVER_STOPS, stays_seconds=5.0, start_after_seconds=5.0),),
)
DELETED = Visit(
    "is in a room that is deleted",
    (CallPlan(11, PLAIN),),
    CallOutcome.COMPLETED,
    CallReason.ROOM_GONE,
    deleted=True,
)
VISITS = (
    VANISHES,
    LEAVES_BEFORE_THE_AGENT,
    IS_JOINED_BY_A_TALKER,
    TWO_TOGETHER,
    IN_THE_TOOL,
    NEVER_SPEAKS,
    NEVER_STOPS,
    completed("is all noise", (CallPlan(8, (), voice=Voice.NOISE, stays_seconds=2.0),)),
    completed(
        "says 100 ms",
        (CallPlan(9, PLAIN, voice=Voice.BLIP, cues=hangs_up(Moment.TURN, 2.5, turn=1)),),
    ),
    completed(
        "hangs up in the greeting", (CallPlan(10, PLAIN, cues=hangs_up(Moment.GREETING, 0.3)),)
    ),
    DELETED,
)
each_visit = pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.what)


@pytest.fixture(scope="module")
def evening(
    children: Children, livekit_server: LiveKitServer, emulator: Emulator
) -> Iterator[Evening]:
    """All of them have called, and the last call has ended."""
    with tempfile.TemporaryDirectory(prefix="callers-") as name:
        folder = Path(name)
        worker = start_real_worker(children, livekit_server, emulator, len(VISITS), folder)
        spent = Evening(worker, livekit_server, emulator, folder)
        asyncio.run(spent.spend(VISITS))
        yield spent
        children.stop(worker.child)


@each_visit
def test_a_call_ends_once_and_says_why(evening: Evening, visit: Visit) -> None:
    assert evening.ends(visit) == [(visit.outcome, visit.reason)]


@each_visit
def test_a_call_that_ended_leaves_nothing_to_look_into(evening: Evening, visit: Visit) -> None:
    assert evening.complaints(visit) == []


@each_visit
def test_a_room_is_gone_with_its_call_unless_somebody_else_is_in_it(
    evening: Evening, visit: Visit
) -> None:
    stayed = evening.rooms_after[evening.room_of(visit)]
    assert visit.room_stays in {None, stayed}


def test_each_call_is_counted_once(evening: Evening) -> None:
    counted = {
        name: value for name, value in evening.metrics.items() if CALLS_TOTAL in name and value
    }
    assert counted == Counter(visit.series for visit in VISITS)
    assert evening.metrics["callfleet_calls_active"] == 0


def test_a_worker_is_as_it_was_before_its_calls(evening: Evening) -> None:
    assert evening.before is not None
    assert evening.before.slots_taken == evening.before.model_sessions == 0
    assert evening.after == evening.before


def test_somebody_who_joins_later_is_not_heard_and_disturbs_nobody(evening: Evening) -> None:
    assert TALKER.call not in evening.voices_heard()
    assert evening.turns_heard(3) == {1, 2}, evening.account(3)
    assert len(evening.records[TALKER.call].turns) == 1
    assert evening.records[TALKER.call].end is CallEnd.CLOSED_BY_FLEET


def test_of_two_callers_in_one_room_one_is_heard(evening: Evening) -> None:
    assert len(evening.voices_heard() & {4, 14}) == 1


def test_a_caller_who_never_speaks_has_no_turn(evening: Evening) -> None:
    assert evening.worker.logged("turn", room=evening.room_of(NEVER_SPEAKS)) == []


def test_a_caller_who_never_stops_is_heard_and_not_interrupted(evening: Evening) -> None:
    assert 7 in evening.voices_heard()
    assert evening.worker.logged("turn", room=evening.room_of(NEVER_STOPS), end="completed") == []


def test_a_tool_whose_caller_hung_up_runs_to_its_end(evening: Evening) -> None:
    assert [each["name"] for each in evening.model_saw("tool_call")] == ["look_up_order"]
    assert list(evening.model_saw("tool_response")) == []
    ran = 'callfleet_tool_calls_total{result="ok",tool="look_up_order"}'
    assert evening.metrics[ran] == 1


def test_a_caller_whose_room_is_deleted_is_hung_up_on(evening: Evening) -> None:
    assert evening.records[11].end is CallEnd.CLOSED_BY_FLEET
