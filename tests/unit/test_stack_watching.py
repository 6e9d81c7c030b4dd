"""What a worker costs is measured also where its calls fail, and how its agents came is noted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.protocol import models

from callfleet_rehearsal.bench.switches import Switches, switched
from callfleet_rehearsal.callers.presence import seen
from callfleet_rehearsal.evidence import Dispatch
from callfleet_rehearsal.stack.costs import Meter
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import Audience, Model, Order, Watcher

ORDER = Order(4, 5, 1, Model.EMULATOR, "ideal", 0.0)
TURN, ENDED = {"event": "turn"}, {"event": "ended"}


class Scales(Meter):
    """Counts how often it is asked to weigh."""

    def __init__(self) -> None:
        super().__init__({}, worker=0)
        self.weighings = 0

    def weigh(self) -> None:
        self.weighings += 1
        super().weigh()


def weighed_after(*events: dict[str, str]) -> list[int]:
    scales = Scales()
    audience = Audience(Watcher(lambda _: None, lambda _: None), scales, ORDER)
    counts = []
    for event in events:
        audience.hear(event)
        counts.append(scales.weighings)
    return counts


def test_memory_is_weighed_once_when_half_of_the_turns_are_answered() -> None:
    assert weighed_after(*[TURN] * 11, ENDED, ENDED) == [0] * 9 + [1] * 4


def test_where_half_of_the_turns_never_come_memory_is_weighed_as_the_first_call_ends() -> None:
    assert weighed_after(*[TURN] * 3, ENDED, ENDED) == [0, 0, 0, 1, 1]


def test_a_call_that_ends_early_does_not_take_the_weighing_from_those_that_go_on() -> None:
    assert weighed_after(ENDED, *[TURN] * 10, ENDED) == [1] * 10 + [2, 2]


@pytest.fixture
def switches(tmp_path: Path) -> Iterator[Switches]:
    with Children(tmp_path) as children:
        worker = children.start("worker", ["sleep", "60"], {"PATH": "/usr/bin:/bin"})
        yield Switches(children, worker, calls=4, turns=5)


def test_switches_are_counted_by_role_from_the_first_answer_to_the_first_end(
    switches: Switches,
) -> None:
    switches.hear(TURN)
    assert not switches.per_call_second
    switches.hear(ENDED)
    assert {"worker parent", "rehearsal"} <= switches.per_call_second.keys()
    counted = dict(switches.per_call_second)
    switches.hear(ENDED)
    assert switches.per_call_second == counted


def test_where_no_turn_is_answered_no_switches_are_counted(switches: Switches) -> None:
    switches.hear(ENDED)
    assert not switches.per_call_second


def test_a_role_of_which_a_process_has_ended_meanwhile_has_no_count_rather_than_a_wrong_one() -> (
    None
):
    before = {"worker calls": {1: 100, 2: 500}, "callers": {3: 10}}
    after = {"worker calls": {1: 300, 4: 50}, "callers": {3: 15, 5: 7}}
    assert switched(before, after) == {"callers": 12}


def agent(*kinds: models.TrackType.ValueType) -> models.ParticipantInfo:
    tracks = [models.TrackInfo(type=kind) for kind in kinds]
    return models.ParticipantInfo(kind=models.ParticipantInfo.Kind.AGENT, tracks=tracks)


def test_an_agents_coming_and_its_voices_are_noted_the_first_time() -> None:
    let_in = Dispatch(let_in_ns=10)
    came = seen(let_in, agent(), 20)
    assert came == Dispatch(10, 20, None)
    assert seen(came, agent(models.TrackType.DATA), 30) == came
    sounding = seen(came, agent(models.TrackType.AUDIO), 40)
    assert sounding == Dispatch(10, 20, 40)
    assert seen(sounding, agent(models.TrackType.AUDIO), 50) == sounding
