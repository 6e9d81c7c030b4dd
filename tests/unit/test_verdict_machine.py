"""A starved machine gives no verdict; an idle one always does, whatever the fleet uses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import CALM, MS, change_turns, hear_later, rehearsal

from callfleet_rehearsal.evidence import MachineState
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.machine import starvation
from callfleet_rehearsal.verdict import Outcome

SOUND = rehearsal()
SLOW = change_turns(SOUND, lambda turn: hear_later(turn, 300 * MS))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (replace(CALM, busy_ratio=0.8, other_cpu_ratio=0.16), "other processes took 16%"),
        (replace(CALM, steal_ratio=0.03), "withheld 3.0%"),
        (replace(CALM, send_late_p95_seconds=0.031), "callers sent 31 ms late"),
        (replace(CALM, busy_ratio=0.3, cpu_pressure_ratio=0.7), "waited for a core 70%"),
        (replace(CALM, busy_ratio=0.9, other_cpu_ratio=0.1, cpu_pressure_ratio=0.7), "waited"),
    ],
)
def test_a_starved_machine_gives_neither_a_pass_nor_a_fail(state: MachineState, said: str) -> None:
    for evidence in (SOUND, SLOW):
        verdict = judge(replace(evidence, machine=state))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert said in " ".join(verdict.reasons)


def test_a_machine_that_nobody_watched_gives_no_pass() -> None:
    assert judge(replace(SOUND, machine=None)).outcome is Outcome.INCONCLUSIVE
    assert judge(replace(SLOW, machine=None)).outcome is Outcome.FAIL


@given(
    st.builds(
        MachineState,
        cores=st.integers(1, 64),
        seconds=st.floats(10, 600),
        busy_ratio=st.floats(0.0, 1.0),
        other_cpu_ratio=st.floats(0.0, 0.05),
        steal_ratio=st.floats(0.0, 0.005),
        load_1m=st.floats(0, 100),
        cpu_pressure_ratio=st.floats(0.0, 0.5),
        send_late_p95_seconds=st.floats(0.0, 0.02),
    )
)
def test_a_machine_that_is_otherwise_idle_always_decides(state: MachineState) -> None:
    assert starvation(state) == ()
    assert judge(replace(SOUND, machine=state)).outcome is Outcome.PASS
    assert judge(replace(SLOW, machine=state)).outcome is Outcome.FAIL


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_fleet_that_fills_the_machine_by_itself_has_no_excuse(
    late_seconds: float, pressure: float
) -> None:
    full = replace(
        CALM,
        busy_ratio=0.99,
        other_cpu_ratio=0.02,
        cpu_pressure_ratio=pressure,
        send_late_p95_seconds=late_seconds,
    )
    assert judge(replace(SLOW, machine=full)).outcome is Outcome.FAIL
