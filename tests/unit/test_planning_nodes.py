"""Nodes that leave, and nodes that are gone."""

from dataclasses import replace

from fleet_carrying import cordoned, created, deleted, given_back, reasons
from fleet_worlds import drained, fleet_spec, seen, silent, starting, worker

from callfleet_contract.fleet.status import Why
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.snapshot import Arrivals, Node

HERE, THERE = Node("here"), Node("there", leaving=True)
THREE = fleet_spec({"minReplicas": 3})


def test_workers_on_a_node_that_leaves_are_cordoned_and_replaced_at_once() -> None:
    pods = (worker("a", node="here"), worker("b", 4, node="there"), worker("c", node="there"))
    planned = plan(seen(*pods, spec=THREE, nodes=(HERE, THERE)))
    assert sorted(cordoned(planned)) == ["b", "c"]
    assert created(planned) == 2
    assert reasons(planned) == {Reason.NODE_LEAVES}
    assert planned.why is Why.REPLACING


def test_callers_keep_a_worker_to_go_to_when_all_nodes_leave() -> None:
    pods = (worker("a", 9, node="there"), worker("b", 10, node="there"))
    planned = plan(seen(*pods, spec=fleet_spec(), nodes=(THERE,)))
    assert cordoned(planned) == ["b"]
    assert created(planned) >= 1
    replaced = (worker("a", 9, node="there"), worker("n", node="here"))
    assert cordoned(plan(seen(*replaced, nodes=(HERE, THERE)))) == ["a"]


def test_free_slots_elsewhere_must_do_for_the_calls_that_come_meanwhile() -> None:
    pods = (worker("a", 6, node="here"), worker("b", node="there"))
    busy = Arrivals(0.2, 0.2, 120.0)
    planned = plan(seen(*pods, nodes=(HERE, THERE), arrivals=busy))
    assert cordoned(planned) == []
    assert created(planned) >= 1
    assert cordoned(plan(seen(*pods, nodes=(HERE, THERE)))) == ["b"]


def test_a_worker_on_a_node_that_leaves_is_not_given_back() -> None:
    pods = (worker("a", node="here"), drained(worker("d", node="there")))
    spec = fleet_spec({"minReplicas": 2})
    planned = plan(seen(*pods, spec=spec, nodes=(HERE, THERE)))
    assert (given_back(planned), created(planned)) == ([], 1)
    stays = plan(seen(*pods, spec=spec, nodes=(HERE, Node("there"))))
    assert (given_back(stays), created(stays)) == (["d"], 0)


def test_an_idle_worker_on_a_node_that_leaves_goes_so_that_the_node_can() -> None:
    pods = (worker("a", node="here"), drained(worker("d", node="there"), idle_for=3.0))
    assert deleted(plan(seen(*pods, nodes=(HERE, THERE)))) == {"d": Reason.IDLE}


def test_a_pod_whose_node_is_gone_is_deleted_and_replaced_though_it_was_busy() -> None:
    pods = (worker("a", node="here"), silent(worker("b", 5, node="gone")))
    planned = plan(seen(*pods, spec=fleet_spec({"minReplicas": 2}), nodes=(HERE,)))
    assert deleted(planned) == {"b": Reason.NODE_GONE}
    assert created(planned) == 1
    assert planned.why is Why.REPLACING
    assert planned.counts.calls == 0


def test_no_node_is_gone_before_all_nodes_are_known() -> None:
    fleet = seen(worker("a", node="here"), worker("b", node="there"), nodes=(HERE,))
    assert deleted(plan(replace(fleet, nodes_known=False))) == {}


def test_a_pod_that_found_no_node_is_not_on_one_that_is_gone() -> None:
    assert (
        deleted(plan(seen(worker("a", node="here"), starting("b", node=""), nodes=(HERE,)))) == {}
    )
