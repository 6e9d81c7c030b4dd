"""What py-spy writes is read, and each function is said to be whose it is."""

import re

import pytest

from callfleet_rehearsal.profile.flame import WIDTH, flame_graph
from callfleet_rehearsal.profile.stacks import (
    LOOP,
    Frame,
    Stretch,
    called,
    collapsed,
    is_callback,
    parse_collapsed,
    parse_trace,
    part_of,
    title_of,
)

SITE = "/x/.venv/lib/python3.11/site-packages"
RUN = Frame("_ProcClient.run", f"{SITE}/livekit/agents/ipc/proc_client.py")
EARS = Frame("Ears._deliver", "/x/worker/callfleet_worker/bridge/ears.py")
ENCODE = Frame("urlsafe_b64encode", "/y/lib/python3.11/base64.py")


def written(*frames: Frame, line: int = 7) -> str:
    return ";".join(f"{frame.function} ({frame.file}:{line})" for frame in frames)


def test_samples_become_seconds_and_lines_of_one_function_are_one() -> None:
    text = f"{written(RUN, EARS)} 30\n{written(RUN, EARS, line=9)} 20\n{written(RUN)} 10\n"
    assert parse_collapsed(text, rate=100) == {(RUN, EARS): 0.5, (RUN,): 0.1}


def test_names_with_blanks_and_brackets_are_read_and_a_torn_line_is_left_out() -> None:
    text = "<module> (a (b).py:3);f.<locals>.<lambda> (<frozen x>:1) 2\nhalf a line\n"
    assert parse_collapsed(text, rate=2) == {
        (Frame("<module>", "a (b).py"), Frame("f.<locals>.<lambda>", "<frozen x>")): 1.0
    }


def test_a_trace_becomes_stretches_of_one_stack_each() -> None:
    def event(kind: str, frame: Frame, at: int, thread: int = 1) -> dict[str, object]:
        args = {"filename": frame.file}
        return {"ph": kind, "name": frame.function, "ts": at, "tid": thread, "args": args}

    events = [
        event("B", RUN, 0),
        event("B", EARS, 1_000_000),
        event("B", RUN, 1_500_000, thread=2),
        event("E", EARS, 3_000_000),
        event("E", RUN, 4_000_000),
        event("B", RUN, 6_000_000),
        event("E", RUN, 7_000_000),
    ]
    stretches = list(parse_trace(events))
    assert stretches == [
        Stretch(1, 0.0, 1.0, (RUN,)),
        Stretch(1, 1.0, 3.0, (RUN, EARS)),
        Stretch(1, 3.0, 4.0, (RUN,)),
        Stretch(1, 6.0, 7.0, (RUN,)),
    ]
    assert called(stretches) == {(RUN, EARS): 2.0}


@pytest.mark.parametrize(
    ("function", "file", "part"),
    [
        ("f", "/x/worker/callfleet_worker/bridge/ears.py", "callfleet_worker.bridge"),
        ("f", "/x/worker/callfleet_worker/call.py", "callfleet_worker.call"),
        ("f", f"{SITE}/callfleet_contract/events.py", "callfleet_contract"),
        ("f", f"{SITE}/livekit/agents/voice/io.py", "livekit.agents"),
        ("f", f"{SITE}/livekit/rtc/room.py", "livekit.rtc"),
        ("f", f"{SITE}/livekit/plugins/google/tools.py", "livekit.plugins.google"),
        ("f", f"{SITE}/google/genai/live.py", "google.genai"),
        ("f", f"{SITE}/websockets/frames.py", "websockets"),
        ("f", f"{SITE}/typing_extensions.py", "typing_extensions"),
        ("f", "/y/lib/python3.11/asyncio/tasks.py", "asyncio"),
        ("f", "/y/lib/python3.11/base64.py", "standard library"),
        ("f", "<frozen importlib._bootstrap>", "standard library"),
        ("_ProcClient.run", RUN.file, LOOP),
        ("Runner.run", "/y/lib/python3.11/asyncio/runners.py", LOOP),
        ("_ProcClient.initialize", RUN.file, "livekit.agents"),
    ],
)
def test_each_function_is_of_one_part(function: str, file: str, part: str) -> None:
    assert part_of(Frame(function, file)) == part


def test_a_loop_without_a_callback_or_that_polls_has_called_nothing() -> None:
    turn = Frame("BaseEventLoop._run_once", "/y/lib/python3.11/asyncio/base_events.py")
    poll = Frame("EpollSelector.select", "/y/lib/python3.11/selectors.py")
    wait = Frame("Condition.wait", "/y/lib/python3.11/threading.py")
    assert is_callback((RUN, EARS))
    assert not is_callback((RUN,))
    assert not is_callback((turn, poll))
    assert not is_callback((EARS, wait))


def test_what_is_around_a_loop_is_left_out() -> None:
    start = Frame("main", "/x/cli/callfleet/command.py")
    assert parse_collapsed(written(start, RUN, EARS) + " 1", rate=1) == {(RUN, EARS): 1.0}
    assert parse_collapsed(written(start, EARS) + " 1", rate=1) == {(start, EARS): 1.0}


def test_stacks_are_written_so_that_other_programs_read_them() -> None:
    text = collapsed({(RUN, EARS): 0.5, (RUN,): 0.0104})
    assert text.splitlines() == [
        "_ProcClient.run (livekit/agents/ipc/proc_client.py) 10",
        f"{title_of(RUN)};{title_of(EARS)} 500",
    ]


def test_a_flame_is_as_wide_as_its_time() -> None:
    drawn = flame_graph({(RUN, EARS): 3.0, (RUN, ENCODE): 1.0}, "a < b")
    assert "a &lt; b" in drawn
    widths = {
        title: float(width)
        for title, width in re.findall(r"<title>(\S+) .*?width=\"([\d.]+)\"", drawn)
    }
    assert widths["_ProcClient.run"] == WIDTH
    assert widths["Ears._deliver"] == WIDTH * 3 / 4
    assert "Ears._deliver (callfleet_worker/bridge/ears.py): 3.00 s, 75.0%" in drawn


def test_a_flame_of_nothing_is_drawn_all_the_same() -> None:
    assert flame_graph({}, "nothing").endswith("</svg>\n")
