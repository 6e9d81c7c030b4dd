"""The stack's decisions: what each part is told, what a run consists of, what it cost."""

import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.stack import livekit, procfs
from callfleet_rehearsal.stack.costs import (
    CALLS_ROLE,
    PARENT_ROLE,
    Reading,
    cpu_by_role,
    machine_state,
)
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.lines import Lines
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.ports import LOOPBACK, RELAYED, free_ports
from callfleet_rehearsal.stack.procfs import MachineStat, ProcessStat
from callfleet_rehearsal.stack.scenario import turn_kinds
from callfleet_rehearsal.stack.worker import worker_environment

SERVER = LiveKitServer(7880, 7882, 7881, "key", "a-secret-of-this-run-only-with-32-characters")
EMULATOR = Emulator("https://127.0.0.1:9", Path("ca.pem"), "http://127.0.0.1:8", Path("log"))


def test_a_usual_rehearsal_has_samples_for_every_objective() -> None:
    kinds = [kind for call in turn_kinds(10, 6, seed=1) for kind in call]
    assert {kind: kinds.count(kind) for kind in TurnKind} == {
        TurnKind.PLAIN: 30,
        TurnKind.PAUSE: 10,
        TurnKind.BARGE_IN: 10,
        TurnKind.TOOL: 10,
    }


def test_a_short_rehearsal_still_has_every_kind_of_turn() -> None:
    kinds = {kind for call in turn_kinds(4, 2, seed=1) for kind in call}
    assert kinds == set(TurnKind)


@given(calls=st.integers(1, 20), turns=st.integers(1, 20), seed=st.integers(0, 99))
def test_no_call_ends_with_a_barge_in_and_a_seed_repeats_itself(
    calls: int, turns: int, seed: int
) -> None:
    kinds = turn_kinds(calls, turns, seed)
    assert [len(call) for call in kinds] == [turns] * calls
    assert all(call[-1] is not TurnKind.BARGE_IN for call in kinds)
    assert kinds == turn_kinds(calls, turns, seed)


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as taken:
        taken.bind((LOOPBACK, ports[0]))


def test_the_server_listens_on_loopback_only_and_asks_workers_that_are_nearly_full() -> None:
    told = livekit.settings(SERVER)
    assert told["bind_addresses"] == [LOOPBACK]
    assert told["agents"] == {"target_load": 1.0}


def test_a_server_that_announces_another_host_has_no_way_beside_it() -> None:
    rtc = livekit.settings(replace(SERVER, announced=RELAYED))["rtc"]
    assert isinstance(rtc, dict)
    assert rtc["node_ip"] == RELAYED
    # A server that seeks ways itself would find the worker without the relay.
    assert rtc["use_ice_lite"]
    assert not rtc["tcp_port"]


def test_a_servers_secret_is_not_in_what_is_printed_of_it() -> None:
    assert SERVER.api_secret not in repr(SERVER)


def test_a_worker_that_talks_to_the_emulator_is_given_no_key_of_a_real_project() -> None:
    ours = {"GOOGLE_API_KEY": "real", "CALLFLEET_MODEL__KEYS": "real-too", "PATH": "/bin"}
    told = worker_environment(ours, SERVER, EMULATOR, slots=10)
    assert "real" not in told.values()
    assert "real-too" not in told.values()
    assert told["CALLFLEET_MODEL__BASE_URL"] == EMULATOR.url


def test_a_worker_is_told_of_the_emulator_no_more_than_where_it_is_and_what_proves_it() -> None:
    with_emulator, without = (worker_environment({}, SERVER, e, 2) for e in (EMULATOR, None))
    assert {name: with_emulator[name] for name in with_emulator.keys() - without.keys()} == {
        "CALLFLEET_MODEL__BASE_URL": EMULATOR.url,
        "CALLFLEET_MODEL__CA_FILE": str(EMULATOR.ca_file),
        "CALLFLEET_MODEL__KEYS": "a-key-for-the-emulator",
        "CALLFLEET_MODEL__PROFILE": "ideal",
    }
    assert without.items() <= with_emulator.items()


def test_what_the_user_has_set_of_the_worker_is_rehearsed() -> None:
    ours = {"CALLFLEET_PERSONA__VOICE": "Kore", "CALLFLEET_AGENT_CLASS": "mine:Agent"}
    told = worker_environment(ours, SERVER, EMULATOR, slots=3)
    assert told["CALLFLEET_PERSONA__VOICE"] == "Kore"
    assert told["CALLFLEET_AGENT_CLASS"] == "mine:Agent"
    assert told["CALLFLEET_SLOTS"] == "3"


@pytest.mark.parametrize("name", ["CALLFLEET_PERSONA__INSTRUCTIONS", "CALLFLEET_CONFIG_FILE"])
def test_the_example_agent_is_rehearsed_only_where_the_user_has_none(name: str) -> None:
    assert "OrdersAgent" in worker_environment({}, SERVER, None, 1)["CALLFLEET_AGENT_CLASS"]
    assert "CALLFLEET_AGENT_CLASS" not in worker_environment({name: "x"}, SERVER, None, 1)


def test_a_worker_that_talks_to_gemini_keeps_the_key() -> None:
    told = worker_environment({"GOOGLE_API_KEY": "real"}, SERVER, None, slots=1)
    assert told["GOOGLE_API_KEY"] == "real"
    assert "CALLFLEET_MODEL__BASE_URL" not in told


def test_a_process_with_a_strange_name_is_read_rightly() -> None:
    text = "42 (a) S (b) Z 1 40 40 0 -1 4 9 9 9 9 150 50 300 100 20 0 1 0 5 6 7"
    assert procfs.parse_process(text.replace("S (b) Z", ") R")) == ProcessStat(
        pid=42,
        session=40,
        alive=True,
        own_seconds=200 / procfs.TICKS_PER_SECOND,
        ended_children_seconds=400 / procfs.TICKS_PER_SECOND,
        parent=1,
    )


def stat(pid: int, session: int, own_seconds: float, ended_seconds: float) -> ProcessStat:
    return ProcessStat(
        pid, session, alive=True, own_seconds=own_seconds, ended_children_seconds=ended_seconds
    )


def test_a_calls_cpu_is_counted_while_its_process_lives_and_after() -> None:
    sessions = {10: "livekit-server", 20: "worker"}
    alive = [
        stat(10, 10, 1.0, 0.0),
        stat(20, 20, 2.0, 0.0),
        stat(21, 20, 0.5, 0.0),
        stat(22, 20, 4.0, 0.0),
        stat(99, 99, 50.0, 0.0),
    ]
    ended = [*alive[:2], stat(21, 20, 0.5, 4.0), alive[4]]
    for stats in (alive, ended):
        cpu = cpu_by_role(stats, sessions, worker=20)
        assert cpu["livekit-server"] == 1.0
        assert cpu[PARENT_ROLE] == 2.0
        assert cpu[CALLS_ROLE] == 4.5


def test_what_others_took_is_what_was_busy_less_our_own() -> None:
    before = Reading(0.0, {"a": 1.0}, MachineStat(10.0, 0.0, 0.0))
    cores = os.cpu_count() or 1
    after = Reading(10.0, {"a": 3.0, "b": 1.0}, MachineStat(10.0 + 5.0, cores * 1.0, 2.0))
    state = machine_state(before, after, 0.001)
    assert state.seconds == 10.0
    assert state.busy_ratio == pytest.approx(5.0 / (10 * cores))
    assert state.other_cpu_ratio == pytest.approx(2.0 / (10 * cores))
    assert state.steal_ratio == pytest.approx(0.1)
    assert state.cpu_pressure_ratio == pytest.approx(0.2)


def test_this_process_is_found_with_its_memory() -> None:
    mine = next(stat for stat in procfs.processes() if stat.pid == os.getpid())
    assert mine.alive
    assert mine.own_seconds > 0
    assert procfs.memory_bytes(os.getpid()) > 1_000_000


def test_lines_come_whole_and_what_is_no_json_is_left_out() -> None:
    halves = ('{"event":', '"joined"}\nnoise\n[1]\n{"event":"ended"}\n')
    says = f"printf '%s' '{halves[0]}'; sleep 0.05; printf '%s' '{halves[1]}'"
    with subprocess.Popen(["/bin/sh", "-c", says], stdout=subprocess.PIPE) as process:
        lines, heard = Lines(process), []
        while (batch := lines.wait(5)) is not None:
            heard.extend(batch)
    assert heard == [{"event": "joined"}, {"event": "ended"}]
