"""`callfleet rehearse` as it is typed: a small rehearsal, and every way in which one can break."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from callfleet_rehearsal.stack import procfs

MARK = "CALLFLEET_REHEARSAL_TEST"


@dataclass(frozen=True)
class Typed:
    """A command as it was typed, in a folder of its own, its processes marked to be found."""

    process: "subprocess.Popen[str]"
    mark: str

    def wait_for(self, words: str) -> None:
        """Read what it prints until these words come."""
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if words in line:
                return
        pytest.fail(f"it ended without saying {words!r}, but said: {''.join(said)}")

    def rest(self) -> str:
        """Read what else it prints, up to its end."""
        return self.process.communicate(timeout=120)[0]

    def processes(self, words: str = "") -> list[int]:
        """Find what it has started that is still there, by a word of the command."""
        return [pid for pid in marked(self.mark) if words in command_of(pid)]


Type = Callable[..., Typed]


def marked(mark: str) -> list[int]:
    found = []
    for stat in procfs.processes():
        try:
            environment = Path(f"/proc/{stat.pid}/environ").read_bytes()
        except (OSError, PermissionError):
            continue
        if stat.alive and f"{MARK}={mark}".encode() in environment:
            found.append(stat.pid)
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command is typed."""
    return tmp_path


@pytest.fixture
def rehearse(folder: Path, livekit_program: Path) -> Iterator[Type]:
    """Type ``callfleet rehearse …`` in that folder; ended with the test, whatever happens."""
    typed: list[Typed] = []

    def start(*arguments: str, **environment: str) -> Typed:
        mark = uuid.uuid4().hex
        told = {"CALLFLEET_TOOLS_LIVEKIT_SERVER": str(livekit_program), MARK: mark, **environment}
        inherited = {name: value for name, value in os.environ.items() if name != "GOOGLE_API_KEY"}
        process = subprocess.Popen(
            [sys.executable, "-m", "callfleet", "rehearse", *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": absolute_path(), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        typed.append(Typed(process, mark))
        return typed[-1]

    yield start
    for one in typed:
        one.process.kill()
        one.process.communicate()


def absolute_path() -> str:
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)


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
    # One caller speaks over the agent once; every other interruption would be its echo.
    assert interruptions(folder) == 1
    if report["outcome"] == "inconclusive":
        return  # What is late on a busy machine may be cut or missing for other reasons.
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


def test_ctrl_c_in_the_middle_of_calls_leaves_no_process_behind(rehearse: Type) -> None:
    typed = rehearse("--calls", "1", "--turns", "6")
    typed.wait_for("1 of 6 turns done")
    assert len(typed.processes()) > 5
    typed.process.send_signal(signal.SIGINT)
    assert "nothing runs any more" in typed.rest()
    assert typed.process.returncode == 130
    assert typed.processes() == []


def test_a_rehearsal_that_is_killed_outright_leaves_no_process_behind_either(
    rehearse: Type,
) -> None:
    typed = rehearse("--calls", "1", "--turns", "6")
    typed.wait_for("callers talk")
    others = [pid for pid in typed.processes() if pid != typed.process.pid]
    assert len(others) > 5
    ends = [os.pidfd_open(pid) for pid in others]
    typed.process.kill()
    for end in ends:
        assert select.select([end], [], [], 30)[0], "a process outlived the command"
        os.close(end)


def test_a_worker_that_is_killed_in_the_middle_of_calls_is_told_of(rehearse: Type) -> None:
    typed = rehearse("--calls", "1", "--turns", "6")
    typed.wait_for("1 of 6 turns done")
    found = {pid: psutil.Process(pid).ppid() for pid in typed.processes("callfleet worker")}
    # The others, calls' processes and what they are forked from, descend from it.
    (worker,) = (pid for pid, parent in found.items() if parent not in found)
    os.kill(worker, signal.SIGKILL)
    said = typed.rest()
    assert "worker ended by itself with signal SIGKILL" in said
    assert re.search(r"the end of its log \(rehearsals/\S+/worker\.log\)", said)
    assert typed.process.returncode == 1
    assert typed.processes() == []


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
