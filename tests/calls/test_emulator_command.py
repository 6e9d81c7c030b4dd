"""The emulator as a program of its own."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import orjson
import websockets
from emulator_lines import PATH

from callfleet_rehearsal.emulator.frame_case import LIVE_25

COMMAND = (sys.executable, "-m", "callfleet_rehearsal.emulator")
STARTS_WITHIN_SECONDS = 60


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*COMMAND, *options),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )


def ready(path: Path, program: subprocess.Popen[str]) -> dict[str, str]:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and program.poll() is None:
        if path.exists():
            facts: dict[str, str] = orjson.loads(path.read_bytes())
            return facts
        time.sleep(0.05)
    raise AssertionError(program.stderr and program.stderr.read())


async def is_set_up(facts: dict[str, str]) -> bool:
    """Open a session. Not in threads: Python 3.11 may lose what TLS has sent to such a client."""
    trust = ssl.create_default_context(cafile=facts["ca_file"])
    url = facts["url"].replace("https", "wss") + PATH
    async with websockets.connect(
        url, ssl=trust, additional_headers={"x-goog-api-key": "any"}, proxy=None
    ) as client:
        await client.send(orjson.dumps({"setup": {"model": LIVE_25}}).decode())
        return "setupComplete" in orjson.loads(await client.recv())


def test_it_says_where_it_is_logs_what_happens_and_stops_when_told(tmp_path: Path) -> None:
    ready_file, log = tmp_path / "ready.json", tmp_path / "events.jsonl"
    program = start("--port", "0", "--ready-file", str(ready_file), "--log", str(log))
    try:
        facts = ready(ready_file, program)
        assert int(facts["pid"]) == program.pid
        assert asyncio.run(is_set_up(facts))
    finally:
        program.send_signal(signal.SIGTERM)
        _, said = program.communicate(timeout=20)
    assert program.returncode == 0
    for hint in ("GOOGLE_GEMINI_BASE_URL", "SSL_CERT_FILE", facts["url"], facts["control_url"]):
        assert hint in said
    assert not ready_file.exists()
    assert not Path(facts["ca_file"]).exists()
    events = [orjson.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events == ["session_open", "setup", "setup_complete", "close"]


def test_a_port_in_use_is_one_sentence_with_the_cure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = start("--port", str(port))
        _, said = program.communicate(timeout=STARTS_WITHIN_SECONDS)
    assert program.returncode == 2
    assert said.strip() == (
        f"port {port} on 127.0.0.1 is taken by another program; "
        "give another one, or 0 for any that is free"
    )


def test_a_wrong_option_is_told_with_what_is_right(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("turns: {1: {clipp: 3}}\n")
    for options, hint in (
        (("--profile", "4"), "auto, 2.5, 3.1, 3.8, vertex"),
        (("--script", str(script)), "turns.1.clipp"),
        (("--script", str(tmp_path / "none.yaml")), "No such file"),
        (("--log", str(tmp_path / "none" / "log")), "none/log: No such file or directory"),
        (("--host", "192.0.2.1"), "cannot listen on 192.0.2.1:0"),
    ):
        program = start("--port", "0", *options)
        _, said = program.communicate(timeout=STARTS_WITHIN_SECONDS)
        assert program.returncode == 2
        assert hint in said
        assert "Traceback" not in said
