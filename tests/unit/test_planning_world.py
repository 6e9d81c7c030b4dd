"""Plans carried out in a simulated world, for thousands of ticks: no call is ended, all rests."""

from typing import Any

import pytest
from fleet_simulation import World
from fleet_worlds import fleet_spec

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import RolloutPhase
from callfleet_operator.planning.goals import surge_pods

REST_TICKS = 20


def spec(auto: dict[str, Any] | None = None, **parts: Any) -> FleetSpec:
    told = {
        "minReplicas": 2,
        "maxReplicas": 20,
        "headroom": {"minIdleSlots": 10},
        "scaleDown": {"stabilizationSeconds": 120, "minPodAgeSeconds": 60, "periodSeconds": 30},
        "metrics": {"fallback": {"replicas": 5}},
        **(auto or {}),
    }
    return fleet_spec(told, slotsPerPod=5, **parts)


def live(world: World, ticks: int, disturbed: float = 0.0) -> None:
    """Let a world go on, and see that what must hold does."""
    auto = world.spec.autoscaling
    surge = surge_pods(world.spec.rollout.max_surge, auto.max_replicas)
    for _ in range(ticks):
        if world.chance.random() < disturbed:
            world.disturb()
        if world.chance.random() < disturbed / 10:
            world.restart_operator()
        made = world.made
        planned = world.tick()
        assert world.calls_ended == 0
        assert planned.desired <= auto.max_replicas
        if world.made > made:
            standing = [body for body in world.bodies.values() if body.node not in world.gone]
            assert len(standing) <= auto.most_pods
            meant = [body for body in world.meant_to_accept() if body.node not in world.leaving]
            heard = [body for body in meant if world.now >= body.deaf_until]
            assert len(heard) <= auto.max_replicas + surge + disturbed * 100
        if auto.external_session_limit is not None:
            assert world.calls() <= auto.external_session_limit


def come_to_rest(world: World) -> None:
    """Have the callers go home; after a while nothing is left to be done."""
    world.per_second = 0.0
    live(world, 500)
    for planned in world.run(REST_TICKS):
        assert planned.actions == ()
    assert all(not body.ends for body in world.bodies.values())


@pytest.mark.parametrize("seed", range(4))
def test_a_fleet_follows_its_callers_and_comes_to_rest(seed: int) -> None:
    world = World(seed, spec())
    live(world, 30)
    for per_second in (0.1, 0.4, 0.05, 0.3, 0.0, 0.5):
        world.per_second = per_second
        live(world, 80)
    come_to_rest(world)
    assert world.total() == 2
    assert world.refused < world.answered / 10


@pytest.mark.parametrize("seed", range(4))
def test_rollouts_under_load_lose_no_call_and_refuse_none(seed: int) -> None:
    world = World(seed, spec(), per_second=0.2)
    live(world, 150)
    refused = world.refused
    world.revision = "r2"
    live(world, 12)
    world.revision = "r3"
    live(world, 150)
    assert world.rollout.current == "r3"
    assert world.rollout.phase is RolloutPhase.COMPLETE
    assert world.refused <= refused + 3
    come_to_rest(world)
    assert {body.revision for body in world.bodies.values()} == {"r3"}


def test_a_revision_that_never_works_is_undone_and_callers_do_not_notice() -> None:
    world = World(1, spec(rollout={"progressDeadlineSeconds": 200}), per_second=0.2)
    live(world, 150)
    refused = world.refused
    world.broken.add("r2")
    world.revision = "r2"
    live(world, 100)
    assert world.rollout.phase is RolloutPhase.UNDONE
    assert world.refused <= refused + 3
    come_to_rest(world)
    assert {body.revision for body in world.bodies.values()} == {"r1"}


def test_a_user_undoes_a_rollout_in_steps() -> None:
    steps = {"steps": [20, 60, 100], "pauseSeconds": 100}
    world = World(2, spec(rollout=steps), per_second=0.2)
    live(world, 150)
    world.revision = "r2"
    live(world, 40)
    assert world.rollout.step >= 1
    world.undo = "r2"
    live(world, 100)
    assert world.rollout.phase is RolloutPhase.UNDONE
    come_to_rest(world)
    assert {body.revision for body in world.bodies.values()} == {"r1"}


def test_a_rollout_goes_through_its_steps_where_no_room_is_left_beside() -> None:
    tight = {"minReplicas": 4, "maxReplicas": 4, "maxTotalPods": 4}
    world = World(3, spec(tight), per_second=0.05)
    live(world, 60)
    world.revision = "r2"
    live(world, 400)
    assert world.rollout.current == "r2"
    come_to_rest(world)


@pytest.mark.parametrize("seed", range(3))
def test_nodes_are_emptied_and_lost_without_a_call_ended_by_a_plan(seed: int) -> None:
    world = World(seed, spec(), per_second=0.2)
    live(world, 120)
    world.leaving.add("node-1")
    live(world, 200)
    assert all(body.node != "node-1" for body in world.bodies.values() if not body.ends)
    world.leaving.clear()
    live(world, 20)
    world.lose_node("node-2")
    live(world, 60)
    assert all(body.node != "node-2" for body in world.bodies.values())
    come_to_rest(world)


def test_no_more_calls_come_up_than_the_provider_grants() -> None:
    limited = {"externalSessionLimit": 32}
    world = World(5, spec(limited), per_second=0.6)
    live(world, 200)
    world.revision = "r2"
    for _ in range(60):
        live(world, 10)
        assert world.last is not None
        assert world.last.counts.accepting >= 4
    assert world.rollout.current == "r2"
    come_to_rest(world)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_to_pods_no_plan_ends_a_call_and_all_comes_to_rest(seed: int) -> None:
    world = World(seed, spec(), per_second=0.2)
    live(world, 60)
    for revision in ("r1", "r2", "r3", "r4"):
        world.revision = revision
        world.per_second = world.chance.choice([0.05, 0.2, 0.4])
        live(world, 120, disturbed=0.2)
    come_to_rest(world)


def test_when_nobody_can_be_heard_the_fleet_stays_as_it_is() -> None:
    world = World(6, spec({"minReplicas": 6}), per_second=0.2)
    live(world, 120)
    before = {body.name for body in world.meant_to_accept()}
    for body in world.bodies.values():
        body.deaf_until = world.now + 1000
    live(world, 150)
    assert before <= {body.name for body in world.meant_to_accept()}
    assert world.calls_ended == 0
    live(world, 100)
    come_to_rest(world)
