"""What the status says: one word, a sentence with figures, conditions, and what is wrong."""

from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import degraded
from fleet_worlds import NOW, SETTLED, drained, fleet_spec, says, seen, silent, starting, worker

from callfleet_contract.fleet.status import ConditionType, Why
from callfleet_operator.planning.actions import Counts
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.snapshot import Arrivals, Pod, Sized, Snapshot
from callfleet_operator.planning.windows import with_least, with_most


def test_counts_say_what_each_pod_is() -> None:
    pods = (
        worker("a", 3),
        says(worker("b", 2), reserved=1),
        starting("s"),
        drained(worker("d", 4)),
        worker("e", 1, deleting=True),
        worker("f", finished=True),
        silent(worker("q", 5)),
    )
    assert plan(seen(*pods)).counts == Counts(
        replicas=4,
        accepting=2,
        starting=1,
        draining=2,
        calls=16,
        slots=20,
        free_slots=14,
        fresh_percent=66,
    )


def test_the_message_has_the_figures() -> None:
    planned = plan(seen(worker("a", 3), starting("s"), drained(worker("d", 4))))
    assert planned.message == (
        "1 worker wanted for 7 calls: 1 accepting with 7 of 10 slots free, 1 starting, 1 draining"
    )


def two(**auto: Any) -> Snapshot:
    return seen(worker("a", 1), worker("b"), spec=fleet_spec({"minReplicas": 2, **auto}))


def test_one_word_says_why_the_size_is_what_it_is() -> None:
    quiet = seen(worker("a"), worker("b"), spec=fleet_spec({"minReplicas": 2}))
    assert plan(quiet).why is Why.IDLE
    assert plan(two()).why is Why.BUSY
    recently = replace(SETTLED, wanted=(Sized(NOW - 10, 2),))
    assert plan(replace(two(minReplicas=1), memory=recently)).why is Why.STABILIZING
    assert plan(two(minReplicas=1)).why is Why.SHRINKING
    assert plan(two(hold="ScaleIn", minReplicas=1)).why is Why.LIMITED


def conditions(fleet: Snapshot) -> dict[str, tuple[str, str]]:
    return {told.type.value: (told.status, told.reason) for told in plan(fleet).conditions}


def test_conditions_of_a_fleet_at_rest() -> None:
    fleet = replace(two(), generation=7)
    assert conditions(fleet) == {
        "Available": ("True", "WorkersAccept"),
        "Progressing": ("False", "AtRest"),
        "Degraded": ("False", "AllWell"),
        "ScalingLimited": ("True", "MinReplicas"),
    }
    assert {told.observed_generation for told in plan(fleet).conditions} == {7}
    assert [told.type for told in plan(fleet).conditions] == list(ConditionType)


def test_a_fleet_is_available_while_a_slot_is_free_though_workers_are_missing() -> None:
    spec = fleet_spec({"minReplicas": 3})
    assert conditions(seen(worker("a", 9), spec=spec))["Available"][0] == "True"
    assert conditions(seen(worker("a", 10), spec=spec))["Available"] == ("False", "TooFewAccept")
    assert conditions(seen(worker("a", 9), spec=spec))["Progressing"] == ("True", "Scaling")


CANNOT_START = {
    "ImagePullBackOff": "template.imagePullSecrets",
    "ErrImagePull: not found": "template.image",
    'CreateContainerConfigError: secret "keys" not found': "template.secrets",
    "CrashLoopBackOff": "kubectl logs",
    "SomethingNew: of a later Kubernetes": "kubectl describe",
    "!?": "ContainerTrouble",
}


@pytest.mark.parametrize("trouble", CANNOT_START)
def test_a_container_that_cannot_start_is_told_with_what_to_do(trouble: str) -> None:
    told = degraded(plan(seen(worker("a"), starting("s", trouble=trouble))))
    assert CANNOT_START[trouble] in told
    assert trouble in told
    assert "(s)" in told


def test_many_pods_with_one_trouble_are_named_in_part() -> None:
    pods = [starting(f"s{number}", trouble="ImagePullBackOff") for number in range(9)]
    told = degraded(plan(seen(worker("a"), *pods)))
    assert "9 pods cannot start (s0, s1, s2 and 6 more)" in told


def test_what_others_say_is_cut_where_it_is_long() -> None:
    said = "x" * 100_000
    pods = [starting(f"s{number}", trouble=f"Odd{number}: {said}") for number in range(20)]
    planned = plan(seen(worker("a"), *pods, create_refused=said))
    assert all(len(told.message) <= 2000 for told in planned.conditions)


def test_a_fleet_with_anothers_agent_name_says_so() -> None:
    told = degraded(plan(replace(two(), agent_name_taken_by="shop/front")))
    assert told.startswith("AgentNameTaken: ")
    assert "shop/front" in told
    assert "set another agentName" in told


def heedless(**facts: Any) -> Pod:
    return says(drained(worker("d"), since=NOW - 31, epoch=4), epoch=3, cordoned=False, **facts)


def test_a_worker_that_does_not_heed_orders_is_told_with_a_likely_cause() -> None:
    assert "public key" in degraded(plan(seen(worker("a"), heedless())))


def test_a_word_for_what_is_wrong_comes_first_where_workers_are_missing() -> None:
    pods = (worker("a"), starting("s", age=700, trouble="ImagePullBackOff"))
    planned = plan(seen(*pods, spec=fleet_spec({"minReplicas": 3})))
    assert planned.why is Why.DEGRADED


def test_notes_say_step_by_step_how_the_number_came_about() -> None:
    fleet = replace(two(maxReplicas=3), arrivals=Arrivals(1.0, 1.0, 120.0))
    notes = plan(fleet).notes
    assert notes[0].startswith("100% of workers freshly heard")
    assert any("1 calls, " in note for note in notes)
    assert any(note.startswith("maxReplicas is 3: 3 in place of ") for note in notes)
    assert notes[-1] == "create pods of r1 (Demand): 1"


def test_a_window_keeps_only_what_may_still_matter() -> None:
    most: list[Sized] = []
    least: list[Sized] = []
    for second, wanted in enumerate([3, 5, 4, 1, 2]):
        most = with_most(tuple(most), second, wanted, 10)
        least = with_least(tuple(least), second, wanted, 10)
    assert [entry.wanted for entry in most] == [5, 4, 2]
    assert [entry.wanted for entry in least] == [1, 2]
    later = with_most(tuple(most), 11.5, 1, 10)
    assert [entry.wanted for entry in later] == [4, 2, 1]
