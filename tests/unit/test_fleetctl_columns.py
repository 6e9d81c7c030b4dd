"""What `callfleet fleet` shows."""

from dataclasses import replace

import pytest

from callfleet_contract.fleet.status import (
    Condition,
    ConditionType,
    FleetStatus,
    RolloutPhase,
    RolloutStatus,
    Why,
)
from callfleet_operator.fleetctl import columns
from callfleet_operator.objects.seen import Key, SeenFleet, SeenPod
from callfleet_operator.planning.snapshot import Cordon

POD = SeenPod(Key("voice", "desk"), "desk-b4xkz", "uid-1", 17, 40.0, revision="r1", node="n1")
BROKEN = Condition(
    type=ConditionType.DEGRADED, status="True", reason="ImagePullBackOff", message="no such image"
)
FLEET = SeenFleet(
    Key("voice", "desk"),
    "uid-f",
    1,
    1,
    0.0,
    None,
    status=FleetStatus(accepting=3, calls=21, slots=30, desired=4, why=Why.BUSY),
)


def test_a_row_says_how_a_fleet_stands() -> None:
    row = dict(zip(columns.FLEET_HEADS, columns.fleet_row(FLEET, 300.0), strict=True))
    assert row["NAME"] == "desk"
    assert (row["ACCEPTING"], row["CALLS"], row["SLOTS"], row["DESIRED"]) == ("3", "21", "30", "4")
    assert (row["WHY"], row["AGE"]) == ("Busy", "5m")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = columns.table(("A", "B"), (("long name", "x"), ("y", "z")))
    assert text.splitlines() == ["A           B", "long name   x", "y           z"]


@pytest.mark.parametrize(
    ("pod", "state"),
    [
        (POD, "Starting"),
        (replace(POD, ready=True), "Accepting"),
        (replace(POD, ready=True, cordon=Cordon(2, cordoned=True)), "Draining"),
        (replace(POD, trouble="ImagePullBackOff"), "ImagePullBackOff"),
        (replace(POD, ready=True, deleting=True), "Ending"),
        (replace(POD, finished=True), "Finished"),
    ],
)
def test_a_pods_state_is_one_word(pod: SeenPod, state: str) -> None:
    assert columns.pod_state(pod) == state


def test_what_is_wrong_is_said_with_its_reason() -> None:
    broken = replace(FLEET, status=FLEET.status.model_copy(update={"conditions": (BROKEN,)}))
    assert columns.troubles(broken) == ["ImagePullBackOff: no such image"]
    assert columns.troubles(FLEET) == []
    assert columns.troubles(replace(FLEET, unreadable="spec.template is gone")) == [
        "spec.template is gone"
    ]


def test_a_rollout_says_from_where_to_where() -> None:
    told = RolloutStatus(phase=RolloutPhase.ROLLING, current="r1", target="r2", step=1)
    assert columns.rollout_lines("voice/desk", told) == [
        "voice/desk: Rolling",
        "revision r2 in place of r1, step 2",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")]
)
def test_ages_are_written_in_their_largest_unit(seconds: float, text: str) -> None:
    assert columns.age(seconds) == text
