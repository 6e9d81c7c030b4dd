"""`callfleet rehearse` as it is typed: a small rehearsal, and every way in which one can break."""

import contextlib
import json
import os
import re
import select
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from typed_rehearsal import Type, Typed, typing_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command is typed."""
    return tmp_path


@pytest.fixture
def rehearse(folder: Path, livekit_program: Path) -> Iterator[Type]:
    """Type ``callfleet rehearse …`` in that folder; ended with the test, whatever happens."""
    with typing_in(folder, livekit_program) as typing:
        yield typing


def test_a_small_rehearsal_from_start_to_verdict(
    rehearse: Type, folder: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "3", "--turns", "4", "--json", "out.json", "--keep")
    said = typed.rest()
    assert "embedded Gemini Live emulator" in said
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    assert typed.process.returncode == report["exit_code"]
    assert report["outcome"].upper() in said
    assert len(report["calls"]) == 3
    costs = {cost["role"]: cost for cost in report["costs"]}
    assert {"livekit-server", "emulator", "callers", "worker parent", "worker calls"} <= set(costs)
    assert costs["worker calls"]["cpu_seconds"] > 0
    assert costs["worker calls"]["pss_bytes"] > 1_000_000
    (run,) = (folder / "rehearsals").iterdir()
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert typed.processes() == []
    if report["outcome"] == "inconclusive":
        return  # The machine was too busy to say anything of the calls.
    figures = {each["key"]: each["value"] for each in report["objectives"]}
    assert [call["end"] for call in report["calls"]] == ["hung_up"] * 3
    assert figures["reply_faults_count"] == 0, report["faults"]
    assert report["cross_talk"] == 0
    assert len(report["turns"]) == 12
    assert all(turn["fleet_added_seconds"] > 0 for turn in report["turns"])
    assert report["residual"]["unmatched"] == 0


def test_a_distance_to_the_callers_shows_outside_and_inside_alike(
    rehearse: Type, folder: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "1", "--turns", "4", "--delay-ms", "80", "--json", "out.json")
    typed.rest()
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    assert report["calls"][0]["rtt_seconds"] > 0.16
    turns = report["residual"]["turns"]
    assert len(turns) == 4
    # Both figures hold the whole way, there and back; nothing of it is left between them.
    assert all(turn["outside_seconds"] > 0.46 and turn["inside_seconds"] > 0.46 for turn in turns)
    if report["outcome"] != "inconclusive":
        assert abs(report["residual"]["total"]["p50"]) < 0.04


def interruptions(folder: Path) -> int:
    """Count how often the emulated model was interrupted in the rehearsal of this folder."""
    (run,) = (folder / "rehearsals").iterdir()
    events = (run / "emulator-events.jsonl").read_text(encoding="utf-8")
    return events.count('"event":"interrupted"')


def test_an_agent_does_not_talk_to_the_echo_of_itself(
    rehearse: Type, folder: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "1", "--turns", "4", "--echo", "--json", "out.json", "--keep")
    typed.rest()
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    if report["outcome"] == "inconclusive":
        return  # What is late on a busy machine may be cut, doubled or missing for other reasons.
    # One caller speaks over the agent once; every other interruption would be its echo.
    assert interruptions(folder) == 1
    assert [fault for fault in report["faults"] if fault["kind"] == "cut"] == []


def test_without_echo_cancellation_an_agent_does_talk_to_its_echo_and_the_call_still_ends(
    rehearse: Type, folder: Path
) -> None:
    """Shows that the test before this one would see an echo that is let through."""
    typed = rehearse(
        *("--calls", "1", "--turns", "1", "--echo", "--json", "out.json", "--keep"),
        CALLFLEET_EARS__ECHO_CANCELLATION="false",
    )
    typed.rest()
    # Nobody speaks over the agent in a single turn.
    assert interruptions(folder) > 1
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert [call["end"] for call in report["calls"]] == ["hung_up"]


@dataclass(frozen=True)
class Ended:
    """A rehearsal that was ended in the middle of its calls."""

    processes: int
    said: str
    code: int
    left: list[int]


def interrupted(typed: Typed) -> Ended:
    """Press Ctrl-C."""
    typed.wait_for("1 of 6 turns done")
    processes = len(typed.processes())
    typed.process.send_signal(signal.SIGINT)
    said = typed.rest()
    return Ended(processes, said, typed.process.returncode, typed.processes())


def killed(typed: Typed) -> Ended:
    """Kill the command outright."""
    typed.wait_for("callers talk")
    others = [pid for pid in typed.processes() if pid != typed.process.pid]
    ends = [os.pidfd_open(pid) for pid in others]
    typed.process.kill()
    left = [pid for pid, end in zip(others, ends, strict=True) if not is_readable(end)]
    for end in ends:
        os.close(end)
    return Ended(len(others), typed.rest(), typed.process.returncode, left)


def is_readable(end: int) -> bool:
    return bool(select.select([end], [], [], 30)[0])


def bereaved(typed: Typed) -> Ended:
    """Kill its worker."""
    typed.wait_for("1 of 6 turns done")
    found = {pid: psutil.Process(pid).ppid() for pid in typed.processes("callfleet worker")}
    # The others, calls' processes and what they are forked from, descend from it.
    (worker,) = (pid for pid, parent in found.items() if parent not in found)
    os.kill(worker, signal.SIGKILL)
    said = typed.rest()
    return Ended(len(found), said, typed.process.returncode, typed.processes())


@pytest.fixture(scope="module")
def ending(
    tmp_path_factory: pytest.TempPathFactory, livekit_program: Path
) -> dict[str, "Future[Ended]"]:
    """Three rehearsals at the same time: each talks for a while before it can be ended."""
    deeds = (interrupted, killed, bereaved)
    with contextlib.ExitStack() as typing, ThreadPoolExecutor() as threads:
        types = [
            typing.enter_context(typing_in(tmp_path_factory.mktemp("ending"), livekit_program))
            for _ in deeds
        ]
        return {
            deed.__name__: threads.submit(deed, type_("--calls", "1", "--turns", "6"))
            for deed, type_ in zip(deeds, types, strict=True)
        }


def test_ctrl_c_in_the_middle_of_calls_leaves_no_process_behind(
    ending: dict[str, "Future[Ended]"],
) -> None:
    one = ending["interrupted"].result()
    assert one.processes > 5
    assert "nothing runs any more" in one.said
    assert one.code == 130
    assert one.left == []


def test_a_rehearsal_that_is_killed_outright_leaves_no_process_behind_either(
    ending: dict[str, "Future[Ended]"],
) -> None:
    one = ending["killed"].result()
    assert one.processes > 5
    assert one.left == [], "a process outlived the command"


def test_a_worker_that_is_killed_in_the_middle_of_calls_is_told_of(
    ending: dict[str, "Future[Ended]"],
) -> None:
    one = ending["bereaved"].result()
    assert "worker ended by itself with signal SIGKILL" in one.said
    assert re.search(r"the end of its log \(rehearsals/\S+/worker\.log\)", one.said)
    assert one.code == 1
    assert one.left == []


def test_a_livekit_server_that_does_not_run_is_one_sentence(rehearse: Type) -> None:
    typed = rehearse(CALLFLEET_TOOLS_LIVEKIT_SERVER="/bin/false")
    said = typed.rest()
    assert "CALLFLEET_TOOLS_LIVEKIT_SERVER is '/bin/false', which does not run" in said
    assert "Traceback" not in said
    assert typed.process.returncode == 1


def test_a_wrong_setting_of_the_worker_is_shown_as_the_worker_said_it(rehearse: Type) -> None:
    typed = rehearse("--calls", "1", CALLFLEET_PERSONA__TEMPERATURE="9")
    said = typed.rest()
    assert "CALLFLEET_PERSONA__TEMPERATURE" in said
    assert "Traceback" not in said
    assert typed.process.returncode == 1
    assert typed.processes() == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "gemini"), "set GOOGLE_API_KEY"),
        (("--calls", "0"), "greater than or equal to 1"),
        (("--json", "no/such/out.json"), "there is no folder no/such"),
    ],
)
def test_wrong_use_is_exit_code_2_and_starts_nothing(
    rehearse: Type, folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    typed = rehearse(*arguments)
    assert sentence in typed.rest()
    assert typed.process.returncode == 2
    assert not (folder / "rehearsals").exists()
