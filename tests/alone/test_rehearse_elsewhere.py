"""A fleet that runs already is rehearsed by callers alone, and judged by what they hear."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from callfleet_contract import objectives as slo
from callfleet_rehearsal.stack.elsewhere import read_elsewhere
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.rehearsal import Model, Order
from callfleet_rehearsal.stack.worker import Worker

JUDGED_OR_TOO_BUSY = (0, 3)


def rehearse(
    folder: Path, server: LiveKitServer, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "callfleet", "rehearse", "--model", "emulator", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("emulator")
def test_calls_to_a_fleet_elsewhere_are_judged_by_what_callers_hear(
    livekit_server: LiveKitServer, worker: Worker, tmp_path: Path
) -> None:
    told = ("--agent", worker.agent_name, "--calls", "2", "--turns", "2", "--json", "verdict.json")
    done = rehearse(tmp_path, livekit_server, *told)
    assert done.returncode in JUDGED_OR_TOO_BUSY, done.stdout + done.stderr
    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    results = {one["key"]: one for one in verdict["objectives"]}
    assert results[slo.CALLS_LOST.key]["value"] == 0
    assert results[slo.REPLY_FAULTS.key]["value"] == 0
    assert results[slo.ANSWER.key]["value"] is not None
    assert results[slo.FLEET_ADDED.key]["value"] is None


def test_where_nobody_answers_the_verdict_fails(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    done = rehearse(tmp_path, livekit_server, "--agent", "nobody", "--calls", "1", "--turns", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "calls lost" in done.stdout


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(StackError, match=r"LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set"):
        read_elsewhere("support", {"LIVEKIT_URL": "wss://livekit.example.com"})


def test_a_model_of_googles_has_the_time_that_it_takes() -> None:
    order = Order(1, 1, 1, Model.GEMINI, "ideal", 0.0)
    (limit,) = [
        one.limit for one in slo.ten_call_slo(order.profile) if one.key == slo.VOICE_TO_VOICE.key
    ]
    assert limit == 3.0
    assert slo.VOICE_TO_VOICE in slo.ten_call_slo(replace(order, model=Model.EMULATOR).profile)
