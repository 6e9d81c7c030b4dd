"""What is shown while calls go on, made from what callers tell."""

from io import StringIO

from rich.console import Console

from callfleet_rehearsal.command.progress import Progress, shown

JOINED = {"event": "joined", "call": 0}
ANSWERED = {"event": "answered", "call": 0, "turn": 0}
TURN = {"event": "turn", "call": 0, "turn": 1, "response_seconds": 0.4249}


def drawn(progress: Progress) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(progress)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_each_call_shows_its_state_its_turns_and_its_latest_response() -> None:
    progress = Progress(calls=2, turns=3)
    for event in (JOINED, ANSWERED, TURN):
        progress.hear(event)
    first = next(line for line in drawn(progress).splitlines() if line.startswith("0"))
    assert first.split() == ["0", "talks", "●○○", "425", "ms"]
    progress.hear({"event": "ended", "call": 0, "end": "hung_up"})
    assert "hung up" in drawn(progress)


def test_before_the_first_call_only_the_step_is_shown() -> None:
    progress = Progress(calls=2, turns=3)
    progress.text = "worker starts"
    assert "worker starts" in drawn(progress)
    assert "latest response" not in drawn(progress)


def test_it_is_seen_to_be_alive_from_one_moment_to_the_next() -> None:
    now = iter([0.0, 0.1])
    progress = Progress(calls=1, turns=3)
    console = Console(file=StringIO(), width=100, get_time=lambda: next(now))
    console.print(progress)
    console.print(progress)
    assert isinstance(console.file, StringIO)
    first, second = (line[0] for line in console.file.getvalue().splitlines())
    assert first != second


def test_events_of_unknown_kinds_and_calls_change_nothing() -> None:
    progress = Progress(calls=1, turns=3)
    before = progress.line()
    for event in ({"event": "finished"}, {"event": "turn", "call": 7}, {"event": "new", "call": 0}):
        progress.hear(event)
    assert progress.line() == before


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    console = Console(file=StringIO(), width=100, force_terminal=False)
    with shown(console, calls=1, turns=12) as watcher:
        watcher.step("callers talk")
        for event in (JOINED, ANSWERED, *[TURN] * 12):
            watcher.call(event)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert "callers talk" in lines[0]
    assert [line.split("s  ", 1)[1] for line in lines[1:]] == [
        f"1 calls talk, {turns} of 12 turns done" for turns in (2, 4, 6, 8, 10, 12)
    ]
