"""`callfleet rehearse` as it is typed: every way in which one can break, or be ended."""

import contextlib
import json
import os
import re
import select
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from typed_rehearsal import Type, Typed, interruptions, typing_in


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
    return bool(select.select([end], [], [], 60)[0])


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
    rehearse: Type, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    typed = rehearse(*arguments)
    assert sentence in typed.rest()
    assert typed.process.returncode == 2
    assert not (tmp_path / "rehearsals").exists()


def test_without_echo_cancellation_an_agent_does_talk_to_its_echo_and_the_call_still_ends(
    rehearse: Type, tmp_path: Path
) -> None:
    """Shows that an echo would be seen where it is let through, by the test that sees none."""
    typed = rehearse(
        *("--calls", "1", "--turns", "1", "--echo", "--json", "out.json", "--keep"),
        CALLFLEET_EARS__ECHO_CANCELLATION="false",
    )
    typed.rest()
    # Nobody speaks over the agent in a single turn.
    assert interruptions(tmp_path) > 1
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [call["end"] for call in report["calls"]] == ["hung_up"]
