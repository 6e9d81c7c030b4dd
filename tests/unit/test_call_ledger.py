"""The ledger of calls on a cluster: what callers saw, the model heard and pods said."""

from dataclasses import replace

import pytest
from call_ledger import NOBODY, WELL, ModelHeard, PodLog, heard_by_model, ledger, table
from call_words import conversation
from fleet_history import History
from pod_logs import PodLogs
from samples import added_up
from synthetic import rehearsal

from callfleet_rehearsal.evidence import CallRecord, HeardMarker, TurnKind, TurnRecord
from callfleet_rehearsal.sound.clips import greeting, reply
from callfleet_tools.node.layout import Layout

SECOND_NS = 1_000_000_000
ENDED = {
    "event": "call ended",
    "call_id": "AJ_1",
    "room": "room-3",
    "outcome": "completed",
    "reason": "caller_hung_up",
}


def turn(number: int, *, answered: bool) -> TurnRecord:
    at_ns = number * 10 * SECOND_NS
    heard = (HeardMarker(3, number, at_ns + 1, at_ns + 2),) if answered else ()
    return TurnRecord(3, number, TurnKind.PLAIN, at_ns, at_ns + SECOND_NS, heard, 1.0, 1.0)


def record(*turns: TurnRecord) -> CallRecord:
    return replace(
        rehearsal(calls=1).calls[0],
        call=3,
        room="room-3",
        join_started_ns=SECOND_NS,
        greeting_heard_ns=3 * SECOND_NS,
        ended_ns=60 * SECOND_NS,
        turns=turns,
    )


def test_a_call_has_a_row_with_its_pod_its_job_and_what_each_side_heard() -> None:
    called = record(turn(1, answered=True), turn(2, answered=False))
    model = [ModelHeard(3, 1, 11 * SECOND_NS), ModelHeard(4, 2, 21 * SECOND_NS)]
    others = PodLog("other", "uid-2", [{**ENDED, "room": "room-4"}])
    (entry,) = ledger([called], [PodLog("one", "uid-1", [ENDED]), others], model)
    assert (entry.pod, entry.pod_uid, entry.job) == ("one", "uid-1", "AJ_1")
    assert (entry.turns, entry.model_heard, entry.heard) == (2, 1, 1)
    assert entry.greeting_seconds == pytest.approx(2.0)
    assert entry.silent_seconds == pytest.approx(50.0)
    assert (entry.seen, entry.said) == WELL
    assert (
        table([entry])
        .splitlines()[-1]
        .startswith("| 3 | one | uid-1 | AJ_1 | 2 | 1 | 1 | 2.00 | 50.0 ")
    )


def test_a_call_of_which_a_worker_could_not_tell_the_end_says_so() -> None:
    begun = {"event": "turn", "call_id": "AJ_1", "room": "room-3"}
    (entry,) = ledger([record()], [PodLog("one", "uid-1", [begun])])
    assert (entry.said, entry.model_heard) == ("", None)
    assert table([entry]).endswith("| hung_up | nothing |")


def test_a_call_that_no_worker_had_is_in_the_ledger_all_the_same() -> None:
    (entry,) = ledger([record()], [PodLog("one", "uid-1", [])])
    assert entry.pod == NOBODY


def test_what_the_model_heard_belongs_to_the_turn_that_was_begun_last() -> None:
    called = record(*(turn(number, answered=True) for number in (1, 2, 3)))
    heard = [ModelHeard(3, 1, 12 * SECOND_NS), ModelHeard(3, 3, 31 * SECOND_NS)]
    before = ModelHeard(3, 2, 0)
    assert heard_by_model(called, [*heard, before]) == {1, 3}


def test_the_words_of_a_call_say_who_heard_them() -> None:
    called = record(turn(1, answered=True), turn(2, answered=False))
    told = conversation(called, lambda _, number: f"sentence {number}", [ModelHeard(3, 1, 10**10)])
    assert told.splitlines()[2:] == [
        f"- caller heard: {greeting().text}",
        "- model heard: sentence 1",
        f"- caller heard: {reply(3, 1).text}",
        "- nobody heard: sentence 2",
        "- caller heard nothing",
        "- hung_up",
    ]


def test_pods_are_heard_to_their_last_word_when_their_logs_are_gone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    layout = Layout(tmp_path_factory.mktemp("a"), 0, 1, {})
    folder = layout.places[0].log / "pods" / "voice_one_uid-1" / "worker"
    folder.mkdir(parents=True)
    log = folder / "0.log"
    log.write_text('2026-01-01T00:00:00Z stdout F {"event": "first"}\n', encoding="utf-8")
    logs = PodLogs(layout, "voice")
    logs.look()
    with log.open("a", encoding="utf-8") as more:
        log.unlink()
        more.write('t stdout P {"event": \nt stdout F "in two"}\nt stdout F {"event": "hal')
    (folder / "1.log").write_text('t stdout F {"event": "again"}\n', encoding="utf-8")
    (read,) = logs.read()
    logs.close()
    assert (read.name, read.uid) == ("one", "uid-1")
    assert [line["event"] for line in read.lines] == ["first", "in two", "again"]


def test_a_history_has_a_moment_for_each_change_and_the_sizes_that_were_wanted() -> None:
    history = History()
    for desired in (2, 2, 3, 3, 2):
        history.note({"desired": desired, "rollout": {"phase": "Complete"}})
    assert [one.desired for one in history.moments] == history.sizes() == [2, 3, 2]
    assert history.sizes(since=1) == [3, 2]
    assert "Complete" in history.table()


def test_samples_are_added_up_over_the_series_that_are_meant() -> None:
    page = (
        '# HELP a b\na{fleet="x",state="one"} 1\na{fleet="x",state="two"} 2\na{fleet="y"} 4\nab 8'
    )
    assert added_up(page, "a", fleet="x") == pytest.approx(3.0)
    assert added_up(page, "a") == pytest.approx(7.0)
    assert added_up(page, "c") == 0
