"""The command runs an operator, ends when it is told to, and says why where it cannot begin."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from operator_stand import fleet, stand, until


def run(**env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "callfleet", "operator"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def test_a_stopped_operator_gives_its_lease_back_and_ends_well(tmp_path: Path) -> None:
    async with stand(operators=0) as one:
        process = await one.start_process(tmp_path)
        try:
            await one.kube.put("voicefleets", fleet())
            await until(lambda: one.status().get("accepting") == 1, "a worker accepts", 60)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert "holderIdentity" not in one.kube.of("leases")[0]["spec"] or (
            one.kube.of("leases")[0]["spec"]["holderIdentity"] == ""
        )
        assert len(one.pods()) == 1


async def test_a_killed_operator_leaves_its_pods_and_their_calls_alone(tmp_path: Path) -> None:
    async with stand(operators=0) as one:
        process = await one.start_process(tmp_path)
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts", 60)
        (worker,) = one.kubelet.of("talkers")
        worker.call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        process.kill()
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
        assert worker.report.calls == 2
        assert worker.report.accepting


def test_wrong_settings_end_the_start_with_code_2_and_all_that_is_to_be_corrected() -> None:
    done = run(CALLFLEET_OPERATOR_HTTP__PORTS="1", CALLFLEET_OPERATOR_PRIVATE_KEY_FILE="")
    assert done.returncode == 2
    assert "did you mean CALLFLEET_OPERATOR_HTTP__PORT?" in done.stderr
    assert "CALLFLEET_OPERATOR_PRIVATE_KEY_FILE" in done.stderr


def test_a_key_that_is_not_there_ends_the_start_with_code_1_and_how_to_make_one(
    tmp_path: Path,
) -> None:
    done = run(CALLFLEET_OPERATOR_PRIVATE_KEY_FILE=str(tmp_path / "absent"))
    assert done.returncode == 1
    assert "callfleet operator keys" in done.stderr


async def test_authorities_of_a_collector_that_are_not_there_end_the_start_with_code_1(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with stand(operators=0) as one:
        process = await one.start_process(
            tmp_path,
            CALLFLEET_OPERATOR_TELEMETRY__OTLP_ENDPOINT="https://127.0.0.1:1",
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "absent"),
        )
        assert await asyncio.wait_for(process.wait(), 60) == 1
    told = capfd.readouterr().err
    assert "set OTEL_EXPORTER_OTLP_CERTIFICATE to a PEM file" in told
    assert "Traceback" not in told
