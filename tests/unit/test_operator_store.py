"""What is newest of a thing is kept, in whatever order it is heard of; what is gone stays gone."""

import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_operator.objects.seen import Key, SeenFleet, SeenPod
from callfleet_operator.observing.picturing import taken_by
from callfleet_operator.observing.shelf import Shelf
from callfleet_operator.observing.store import Store


@dataclass(frozen=True, slots=True)
class Thing:
    version: int
    text: str = ""


def shelf() -> Shelf[str, Thing]:
    return Shelf(lambda *_: None)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_end_is_the_same_in_whatever_order_it_is_told(
    history: list[bool], order: random.Random
) -> None:
    told = list(enumerate(history, start=1))
    mixed = told * 2
    order.shuffle(mixed)
    kept = shelf()
    for version, there in mixed:
        if there:
            kept.put("one", Thing(version))
        else:
            kept.drop("one", version)
    version, there = told[-1]
    assert kept.get("one") == (Thing(version) if there else None)
    assert kept.is_gone("one") is not there


def test_a_list_drops_what_it_lacks_unless_that_is_newer_than_the_list() -> None:
    kept = shelf()
    for name, version in (("lost", 3), ("there", 4), ("newer", 9)):
        kept.put(name, Thing(version))
    kept.replace({"there": Thing(4)}, 7)
    assert kept.get("lost") is None
    assert kept.get("there") == Thing(4)
    assert kept.get("newer") == Thing(9)


def test_an_old_list_brings_nothing_back_that_was_deleted_since() -> None:
    kept = shelf()
    kept.put("one", Thing(3))
    kept.drop("one", 8)
    kept.replace({"one": Thing(3)}, 5)
    assert kept.get("one") is None


def test_who_listens_is_told_of_changes_and_not_of_the_same_again() -> None:
    told: list[tuple[Thing | None, Thing | None]] = []
    kept: Shelf[str, Thing] = Shelf(lambda before, after: told.append((before, after)))
    kept.put("one", Thing(1))
    kept.put("one", Thing(1))
    kept.drop("one")
    kept.drop("one")
    assert told == [(None, Thing(1)), (Thing(1), None)]


def test_pods_are_found_by_their_fleet_until_they_are_gone() -> None:
    store, key = Store(), Key("voice", "talkers")
    store.pods.put("a", SeenPod(key, "a", "a", 2, 5.0))
    store.pods.put("b", SeenPod(key, "b", "b", 3, 4.0))
    store.pods.put("c", SeenPod(Key("voice", "others"), "c", "c", 4, 1.0))
    assert [pod.name for pod in store.pods_of(key)] == ["b", "a"]
    store.pods.drop("a", 9)
    assert [pod.name for pod in store.pods_of(key)] == ["b"]


def test_an_agent_name_is_taken_by_the_oldest_fleet_on_the_same_livekit() -> None:
    def fleet(name: str, created_at: float, **spec: object) -> SeenFleet:
        told = FleetSpec.model_validate({"template": {"image": "w:1", "secrets": ["s"]}, **spec})
        return SeenFleet(Key("voice", name), name, 1, 1, created_at, told)

    first = fleet("first", 1.0, agentName="porter", livekitURL="wss://here/")
    second = fleet("second", 2.0, agentName="porter", livekitURL="wss://here")
    elsewhere = fleet("elsewhere", 3.0, agentName="porter", livekitURL="wss://there")
    by_secret = fleet("porter", 4.0)
    also_by_secret = fleet("fifth", 5.0, agentName="porter")
    fleets = (first, second, elsewhere, by_secret, also_by_secret)
    assert [taken_by(one, fleets) for one in fleets] == [
        "",
        "voice/first",
        "",
        "",
        "voice/porter",
    ]
