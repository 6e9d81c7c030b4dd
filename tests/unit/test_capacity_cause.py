"""What stands in the way of more calls is named by what was measured."""

from dataclasses import replace

import pytest
from spoiling import SOUND
from synthetic import MS, change_call, change_turns, hear_later

from callfleet_rehearsal.capacity.cause import Cause, cause_of
from callfleet_rehearsal.evidence import MachineState
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.verdict import Evidence

CALM = MachineState(
    cores=2,
    seconds=60.0,
    busy_ratio=0.5,
    other_cpu_ratio=0.0,
    steal_ratio=0.0,
    load_1m=1.0,
    cpu_pressure_ratio=0.1,
    send_late_p95_seconds=0.001,
)
QUIET = replace(SOUND, machine=CALM)


def cause(evidence: Evidence, stalled_seconds: float = 0.0) -> Cause:
    return cause_of(judge(evidence), evidence, stalled_seconds)


def test_a_full_machine_comes_before_all_that_follows_from_it() -> None:
    full = replace(SOUND, machine=replace(CALM, busy_ratio=0.97))
    assert cause(full, stalled_seconds=30.0) is Cause.CPU


def test_a_loop_that_stood_still_on_a_machine_with_room_is_named() -> None:
    assert cause(QUIET, stalled_seconds=3.0) is Cause.LOOP


def test_lost_packets_are_the_network() -> None:
    lossy = change_call(QUIET, 0, lambda call: replace(call, packets_received_lost=500))
    assert cause(lossy) is Cause.NETWORK


def test_a_model_that_takes_longer_is_not_the_fleet() -> None:
    late_ns = 100 * MS
    slow = tuple(
        replace(turn, first_audio_sent_ns=turn.first_audio_sent_ns + late_ns)
        for turn in QUIET.model_turns
    )
    heard = change_turns(QUIET, lambda turn: hear_later(turn, late_ns))
    assert cause(replace(heard, model_turns=slow)) is Cause.MODEL


@pytest.mark.parametrize("machine", [CALM, None])
def test_what_nothing_explains_is_said_to_be_unknown(machine: MachineState | None) -> None:
    assert cause(replace(SOUND, machine=machine)) is Cause.UNKNOWN
