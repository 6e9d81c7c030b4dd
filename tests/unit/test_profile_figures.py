"""Time is added up by thread, by part and by function, and a loop that stood still is found."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from callfleet_rehearsal.profile.figures import (
    by_function,
    by_part,
    by_thread,
    python_share,
    standstills,
    thread_name,
    with_callees,
)
from callfleet_rehearsal.profile.run import Plan, call_processes
from callfleet_rehearsal.profile.sampler import (
    Sampler,
    SamplerError,
    complaint,
    find_py_spy,
    try_to_look,
)
from callfleet_rehearsal.profile.stacks import Frame, Stretch, parse_trace
from callfleet_rehearsal.stack import procfs
from callfleet_rehearsal.stack.errors import StackError

SITE = "/x/site-packages"
RUN = Frame("_ProcClient.run", f"{SITE}/livekit/agents/ipc/proc_client.py")
EARS = Frame("Ears._deliver", "/x/worker/callfleet_worker/bridge/ears.py")
MOUTH = Frame("Mouth._feed", "/x/worker/callfleet_worker/bridge/mouth.py")
SEND = Frame("Connection.send", f"{SITE}/websockets/connection.py")
SECONDS = {(RUN,): 1.0, (RUN, EARS): 2.0, (RUN, EARS, SEND): 4.0, (RUN, SEND): 0.5}


@pytest.mark.parametrize(
    ("kernels", "name"),
    [
        ("tokio-rt-worker", "tokio-rt-worker"),
        ("network_thread ", "network_thread"),
        ("worker_thread 0", "worker_thread"),
        ("asyncio_12", "asyncio"),
        ("42", "42"),
    ],
)
def test_threads_that_do_the_same_have_one_name(kernels: str, name: str) -> None:
    assert thread_name(7, 8, kernels) == name


def test_cpu_is_added_up_by_thread_name_and_new_threads_count_from_nothing() -> None:
    before = {(7, 7): ("python", 5.0), (7, 8): ("tokio-rt-worker", 1.0)}
    after = {
        (7, 7): ("python", 6.0),
        (7, 8): ("tokio-rt-worker", 1.5),
        (7, 9): ("tokio-rt-worker", 1.0),
    }
    rows = by_thread(before, after)
    assert [(row.name, row.seconds) for row in rows] == [("tokio-rt-worker", 1.5), ("main", 1.0)]
    assert "event loop" in rows[1].meaning


def test_samples_of_a_thread_that_waited_for_a_core_are_not_taken_for_cpu() -> None:
    threads = by_thread({}, {(7, 7): ("python", 3.0), (7, 8): ("tokio-rt-worker", 9.0)})
    assert python_share(threads, sampled=6.0) == 0.5
    assert python_share(threads, sampled=2.0) == 1.0
    assert python_share([], sampled=0.0) == 1.0


def test_self_time_goes_to_the_innermost_function() -> None:
    assert [(row.name, row.seconds) for row in by_part(SECONDS)] == [
        ("websockets", 4.5),
        ("callfleet_worker.bridge", 2.0),
        ("the event loop itself", 1.0),
    ]
    assert by_function(SECONDS)[0].name == "Connection.send (websockets/connection.py)"


def test_a_function_of_ours_has_the_time_of_what_it_calls() -> None:
    (row,) = with_callees(SECONDS)
    assert (row.name, row.seconds) == ("Ears._deliver (callfleet_worker/bridge/ears.py)", 6.0)


def test_a_callback_that_kept_the_loop_is_found_with_where_it_was() -> None:
    stretches = [
        Stretch(1, 0.0, 0.1, (RUN,)),
        Stretch(1, 0.1, 0.2, (RUN, EARS)),
        Stretch(2, 0.1, 9.0, (SEND,)),
        Stretch(1, 0.2, 0.5, (RUN, EARS, SEND)),
        Stretch(1, 0.5, 0.59, (RUN, MOUTH)),
        Stretch(1, 0.7, 0.8, (RUN, MOUTH)),
    ]
    found = standstills(stretches)
    assert [(round(one.seconds, 3), one.at_seconds) for one in found] == [
        (0.4, 0.1),
        (0.1, 0.7),
        (0.09, 0.5),
    ]
    assert found[0].callback.startswith("Ears._deliver")
    assert found[0].deepest.startswith("Connection.send")


def stat(pid: int, parent: int, *, alive: bool = True) -> procfs.ProcessStat:
    return procfs.ProcessStat(
        pid, 1, alive=alive, own_seconds=0.0, ended_children_seconds=0.0, parent=parent
    )


def test_calls_are_in_a_workers_grandchildren() -> None:
    stats = [stat(10, 1), stat(11, 10), stat(12, 10), stat(13, 12), stat(14, 12, alive=False)]
    assert call_processes(stats, worker=10) == [13]
    with pytest.raises(StackError, match="worker 99 has started no process for calls"):
        call_processes(stats, worker=99)


def test_calls_last_longer_than_they_are_looked_at() -> None:
    assert Plan(10, 60.0, join=False, seed=1, spacing_seconds=0.2).order().turns >= 20
    assert Plan(10, 60.0, join=True, seed=1, spacing_seconds=0.2).order().turns == 2


def test_who_may_not_look_is_told_the_cure() -> None:
    said = complaint(7, "Error: Failed to copy\nReason: Permission denied (os error 13)")
    assert "this user may not look into process 7" in said
    assert "run it as root" in said
    assert "ptrace_scope=0" in said
    assert "it said: no such thing" in complaint(7, "no such thing\n")


def test_a_missing_py_spy_is_told_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SamplerError, match="py-spy is not installed: pip install py-spy"):
        find_py_spy()


def test_the_threads_of_a_process_are_read() -> None:
    pid = os.getpid()
    assert procfs.threads(pid)[pid, pid][1] > 0


BUSY = "def turn():\n    print(flush=True)\n    while True: pass\nturn()"


def works_for(pid: int, seconds: float) -> None:
    """Wait until a process has worked so long, however little of the machine it gets."""
    process = psutil.Process(pid)
    until = process.cpu_times().user + seconds
    while process.cpu_times().user < until:
        time.sleep(0.05)


@pytest.mark.parametrize("timed", [True, False])
def test_a_process_is_looked_into(tmp_path: Path, *, timed: bool) -> None:
    program = find_py_spy()
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout is not None
            busy.stdout.readline()  # it is at work
            try:
                try_to_look(program, busy.pid)
            except SamplerError as error:
                pytest.skip(str(error))
            sampler = Sampler(program, busy.pid, tmp_path / "out.json", rate=50, timed=timed)
            works_for(busy.pid, 2.0)
            text = sampler.stop().read_text(encoding="utf-8")
        finally:
            busy.kill()
    assert "turn" in text
    if timed:
        assert any(one.stack[-1].function == "turn" for one in parse_trace(json.loads(text)))
