"""The dates of a call's trace are in order, whatever happens to the machine's clock."""

import time

import pytest
from told_traces import ENDED, MODEL, S, Told, telling, turn

from callfleet_contract.events import BargeIn, CallStarted, ModelSessionEvent
from callfleet_contract.outcomes import ModelSessionChange

told = pytest.fixture(telling)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_in_mid_call_leaves_its_trace_in_order(
    told: Told, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    began = time.monotonic_ns()
    told.tell(
        CallStarted("AJ_a", "room", began),
        ModelSessionEvent("AJ_a", ModelSessionChange.OPENED, MODEL),
    )
    dates = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: dates() + hours * 3600 * S)
    told.tell(BargeIn("AJ_a", 0.15), turn(began), ENDED)
    call = told.spans()["call"]
    for span in told.exporter.get_finished_spans():
        assert (call.start_time or 0) <= (span.start_time or 0) <= (span.end_time or 0)
        assert (span.end_time or 0) < (call.start_time or 0) + 60 * S
    assert all(0 <= event.timestamp - (call.start_time or 0) < 60 * S for event in call.events)
