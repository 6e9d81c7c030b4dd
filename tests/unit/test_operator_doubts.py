"""Who answers in a worker's place is remembered, and for how long a worker has been connected."""

import math
from dataclasses import replace

import pytest
from heard_reports import FIRST, POD, Told, after

from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.hearing import Ear
from callfleet_operator.planning.snapshot import Cordon, Doubt, Doubted

STRANGE = {
    Doubt.ANOTHER_POD: ({"pod_uid": "uid-b"}, "uid-b"),
    Doubt.OLD_BOOT: ({"boot_id": "boot-0"}, "boot-0"),
}


@pytest.mark.parametrize("why", STRANGE)
def test_who_answers_in_a_workers_place_is_remembered_until_that_one_is_heard(why: Doubt) -> None:
    facts, told = STRANGE[why]
    heralded = Told()
    ears = Ears(0.0, heralded)
    ears.hear(POD, replace(FIRST, boot_id="boot-0"), 0.0)
    ears.hear(POD, FIRST, 1.0)
    heralded.woken.clear()
    for second in (2.0, 4.0):
        ears.hear(POD, after(FIRST, sequence=9, active=2, **facts), second)
    assert heralded.woken == [False]
    assert ears.doubts("uid-a", 5.0) == Doubted(why, told, 1.0)
    heard = ears.heard("uid-a", 5.0, None)
    assert heard is not None
    assert (heard.report, heard.age_seconds) == (FIRST, 4.0)
    ears.hear(POD, after(FIRST), 6.0)
    assert ears.doubts("uid-a", 6.0) is None
    assert heralded.lost == 0


def test_who_refuses_to_be_heard_is_remembered_and_one_who_is_only_late_is_not() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.refused(POD, "it answered 401: not signed", 1.0)
    ears.refused(POD, "it answered 401: not signed", 2.0)
    assert told.woken == [False]
    assert ears.doubts("uid-a", 2.5) == Doubted(Doubt.REFUSED, "it answered 401: not signed", 0.5)
    ears.hear(POD, FIRST, 3.0)
    ears.hear(POD, FIRST, 4.0)
    assert ears.doubts("uid-a", 4.0) is None


def test_idleness_begins_anew_where_another_answered_between() -> None:
    ear = Ear("uid-a", is_new=True)
    idle = replace(FIRST, cordoned=True, epoch=4)
    ear.hear(idle, 0.0)
    ear.hear(after(idle), 4.0)
    ear.hear(replace(FIRST, pod_uid="uid-b"), 5.0)
    ear.hear(after(idle, sequence=9), 6.0)
    heard = ear.heard(6.0, Cordon(4, cordoned=True))
    assert heard is not None
    assert heard.idle_for_seconds == 0.0


def connected_for(ear: Ear) -> float:
    heard = ear.heard(99.0, None)
    assert heard is not None
    return heard.connected_for_seconds


def test_a_connection_counts_between_reports_and_anew_after_each_boot_and_loss() -> None:
    ear = Ear("uid-a", is_new=True)
    ear.hear(replace(FIRST, registered=False), 0.0)
    assert connected_for(ear) == 0.0
    ear.hear(after(FIRST, sequence=2), 5.0)
    ear.hear(after(FIRST, sequence=3, cordoned=True), 20.0)
    assert connected_for(ear) == 15.0
    ear.hear(after(FIRST, sequence=4, registered=False), 21.0)
    ear.hear(after(FIRST, sequence=5), 22.0)
    ear.hear(after(FIRST, sequence=6), 25.0)
    assert connected_for(ear) == 3.0
    ear.hear(replace(FIRST, boot_id="boot-2"), 30.0)
    assert connected_for(ear) == 0.0


def test_a_connection_from_before_anybody_listened_counts_as_long() -> None:
    ear = Ear("uid-a", is_new=False)
    ear.hear(FIRST, 5.0)
    assert connected_for(ear) == math.inf
    ear.hear(replace(FIRST, boot_id="boot-2"), 30.0)
    assert connected_for(ear) == 0.0
