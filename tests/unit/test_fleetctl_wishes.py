"""What a user may ask of pods and rollouts: what is written for it, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from callfleet_contract.fleet import names
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import FleetStatus, RolloutPhase, RolloutStatus
from callfleet_operator.fleetctl import wishes
from callfleet_operator.fleetctl.wishes import RefusedError, Wish
from callfleet_operator.objects.cordons import read_cordon
from callfleet_operator.objects.seen import Key, SeenFleet, SeenPod
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.snapshot import Cordon

POD = SeenPod(Key("voice", "desk"), "desk-b4xkz", "uid-1", 17, 0.0, revision="r1", ready=True)


def fleet(rollout: RolloutStatus | None = None, spec: dict[str, Any] | None = None) -> SeenFleet:
    written = FleetSpec.model_validate({"template": {"image": "worker:1"}, **(spec or {})})
    status = FleetStatus(rollout=rollout or RolloutStatus(current="r1", target="r1"))
    return SeenFleet(Key("voice", "desk"), "uid-f", 1, 1, 0.0, written, status=status)


def order_of(wish: Wish) -> Cordon | None:
    return read_cordon(wish.patch["metadata"]["annotations"][names.CORDON_ANNOTATION])


def test_a_cordon_is_an_order_on_the_pod_as_it_was_seen_that_no_plan_takes_back() -> None:
    wish = wishes.cordon(POD, Reason.USER_CORDON)
    assert order_of(wish) == Cordon(1, cordoned=True, reason=Reason.USER_CORDON)
    meta = wish.patch["metadata"]
    assert (meta["uid"], meta["resourceVersion"]) == ("uid-1", "17")
    assert meta["labels"] == {names.ACCEPTING_LABEL: "false"}
    assert "it stays" in wish.said


def test_a_drain_of_a_pod_that_drains_for_the_fleet_becomes_the_users_and_keeps_its_deadline() -> (
    None
):
    drained = replace(POD, cordon=Cordon(4, cordoned=True, reason="Surplus", since=900.0))
    wish = wishes.cordon(drained, Reason.USER_DRAIN)
    assert order_of(wish) == Cordon(5, cordoned=True, reason=Reason.USER_DRAIN, since=900.0)
    assert "it goes when its last call has ended" in wish.said


def test_an_uncordoned_pod_is_the_operators_again() -> None:
    cordoned = replace(POD, cordon=Cordon(4, cordoned=True, reason=Reason.USER_CORDON, since=9.0))
    wish = wishes.uncordon(cordoned)
    order = order_of(wish)
    assert order is not None
    assert (order.epoch, order.cordoned, order.since) == (5, False, 0.0)
    assert order.reason not in {Reason.USER_CORDON, Reason.USER_DRAIN}
    assert wish.patch["metadata"]["labels"] == {names.ACCEPTING_LABEL: "true"}


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (replace(POD, deleting=True), "ends already"),
        (replace(POD, finished=True), "ends already"),
        (
            replace(POD, cordon=Cordon(1, cordoned=True, reason=Reason.USER_CORDON)),
            "told so already",
        ),
    ],
)
def test_a_cordon_that_changes_nothing_is_refused_and_says_why(pod: SeenPod, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        wishes.cordon(pod, Reason.USER_CORDON)


def test_a_pod_that_takes_calls_cannot_be_uncordoned() -> None:
    with pytest.raises(RefusedError, match="is not cordoned"):
        wishes.uncordon(POD)


@pytest.mark.parametrize(
    ("told", "undone", "before"),
    [
        (RolloutStatus(phase=RolloutPhase.ROLLING, current="r1", target="r2"), "r2", "r1"),
        (RolloutStatus(current="r2", previous="r1", target="r2"), "r2", "r1"),
    ],
)
def test_an_undo_names_the_revision_that_is_to_go(
    told: RolloutStatus, undone: str, before: str
) -> None:
    wish = wishes.undo(fleet(told))
    assert wish.patch == {"metadata": {"annotations": {names.UNDO_ANNOTATION: f"{undone}/1"}}}
    assert f"goes back to revision {before}" in wish.said


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (RolloutStatus(current="r1", target="r1"), "no revision before r1"),
        (RolloutStatus(), "no revision before its first"),
        (
            RolloutStatus(phase=RolloutPhase.UNDONE, current="r1", target="r2", undone=("r2",)),
            "undone already",
        ),
    ],
)
def test_an_undo_without_anything_to_go_back_to_is_refused(told: RolloutStatus, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        wishes.undo(fleet(told))


def test_a_rollout_is_paused_in_the_spec_and_only_once() -> None:
    assert wishes.pause(fleet(), paused=True).patch == {"spec": {"rollout": {"paused": True}}}
    with pytest.raises(RefusedError, match="is paused already"):
        wishes.pause(fleet(spec={"rollout": {"paused": True}}), paused=True)
