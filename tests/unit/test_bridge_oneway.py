"""Whether one of the two is not heard though both are there: told for whole looks or not at all."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.outcomes import AudioDirection
from callfleet_worker.bridge.oneway import (
    HELD_BACK_SECONDS,
    SPOKEN_PACKETS,
    Lasting,
    Line,
    Look,
    unheard,
)

FROM_CALLER, TO_CALLER = (AudioDirection.FROM_CALLER,), (AudioDirection.TO_CALLER,)
TALK = Line(
    answered=True,
    caller_here=True,
    caller_speaks=True,
    agent_speaks=True,
    agent_taken=True,
    changes=7,
)
BEFORE = Look(100.0, TALK, received=5_000, sent=4_000, reports=90)
GOES_WELL = Look(105.0, TALK, received=5_250, sent=4_250, reports=94)
NOTHING_CAME = replace(GOES_WELL, received=5_000)
NOBODY_ACKNOWLEDGES = replace(GOES_WELL, reports=90)

truths = st.booleans()
lines = st.builds(Line, truths, truths, truths, truths, truths, st.integers(0, 3))
counts = st.integers(0, 1_000)
looks = st.builds(Look, st.floats(0, 100), lines, counts, counts, counts)


def with_line(look: Look, **facts: bool | int) -> Look:
    return replace(look, line=replace(look.line, **facts))


def test_a_talk_that_goes_well_is_heard_both_ways() -> None:
    assert unheard(BEFORE, GOES_WELL) == ()


def test_a_caller_of_whom_no_packet_comes_is_not_heard() -> None:
    assert unheard(BEFORE, NOTHING_CAME) == FROM_CALLER


def test_a_silent_caller_who_sends_a_packet_now_and_then_is_heard() -> None:
    assert unheard(BEFORE, replace(GOES_WELL, received=BEFORE.received + 5_000 // 400)) == ()


def test_a_caller_is_not_missed_before_the_call_is_answered_or_a_voice_is_published() -> None:
    for fact in ("answered", "caller_speaks"):
        before, now = (with_line(look, **{fact: False}) for look in (BEFORE, NOTHING_CAME))
        assert unheard(before, now) == ()


def test_an_agent_whose_track_nobody_takes_is_not_heard() -> None:
    before, now = (with_line(look, agent_taken=False) for look in (BEFORE, GOES_WELL))
    assert unheard(before, now) == TO_CALLER


def test_an_agent_who_speaks_and_is_never_acknowledged_is_not_heard() -> None:
    assert unheard(BEFORE, NOBODY_ACKNOWLEDGES) == TO_CALLER


def test_an_agent_who_is_silent_is_not_missed() -> None:
    silent = replace(NOBODY_ACKNOWLEDGES, sent=BEFORE.sent + SPOKEN_PACKETS - 1)
    assert unheard(BEFORE, silent) == ()


def test_where_reports_never_came_none_is_missed() -> None:
    assert unheard(replace(BEFORE, reports=0), replace(NOBODY_ACKNOWLEDGES, reports=0)) == ()


def test_both_can_be_unheard() -> None:
    nothing = replace(NOTHING_CAME, reports=BEFORE.reports)
    assert unheard(BEFORE, nothing) == FROM_CALLER + TO_CALLER


@pytest.mark.parametrize("bad", [NOTHING_CAME, NOBODY_ACKNOWLEDGES])
def test_whatever_changed_in_between_is_waited_out(bad: Look) -> None:
    assert unheard(BEFORE, bad)
    assert unheard(BEFORE, with_line(bad, changes=8)) == ()
    assert unheard(BEFORE, replace(bad, at_seconds=BEFORE.at_seconds + 1.0)) == ()


def test_the_totals_of_a_new_connection_tell_nothing() -> None:
    assert unheard(BEFORE, replace(GOES_WELL, received=40, sent=40, reports=1)) == ()


@given(looks, looks)
def test_of_a_caller_who_sends_or_is_muted_nothing_is_missed(before: Look, now: Look) -> None:
    found = unheard(before, now)
    if AudioDirection.FROM_CALLER in found:
        assert now.received == before.received
        assert before.line == now.line
        assert now.line.answered
        assert now.line.caller_speaks


@given(looks, looks)
def test_of_a_caller_who_is_gone_no_agent_is_missed(before: Look, now: Look) -> None:
    if AudioDirection.TO_CALLER in unheard(before, now):
        assert before.line == now.line
        assert now.line.caller_here


LOOKS = st.lists(st.sets(st.sampled_from(list(AudioDirection))), max_size=30)


@given(LOOKS)
def test_what_lasts_is_told_whole_and_what_passes_is_not_told(
    looks: list[set[AudioDirection]],
) -> None:
    lasting, told, lasted = Lasting(), Counter[AudioDirection](), Counter[AudioDirection]()
    for found in looks:
        for direction, seconds in lasting.look(tuple(found), 5.0):
            told[direction] += seconds
        for direction in AudioDirection:
            # Of one stretch: whatever was told before it began is done with.
            lasted[direction] = lasted[direction] + 5.0 if direction in found else 0.0
            if not lasted[direction]:
                told[direction] = 0.0
            lasts = lasted[direction] >= HELD_BACK_SECONDS[direction]
            assert told[direction] == (lasted[direction] if lasts else 0.0)
