"""Log lines are JSON, from every logger and process, and never hold what a caller said."""

import io
import json
import logging
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from livekit.protocol import agent
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from callfleet_worker.parent.logs import send_logs_to_parent, without_words, write_logs
from callfleet_worker.settings import LogFormat, LogLevel, LogSettings

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(written: io.StringIO) -> Iterator[Lines]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    hooks = (sys.excepthook, threading.excepthook)
    ours = ("callfleet", "callfleet_contract", "callfleet_worker", "livekit.agents")
    levels = {name: logging.getLogger(name).level for name in ours}
    write_logs(LogSettings(), written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook = hooks
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def test_our_own_line_is_json_with_its_facts(lines: Lines) -> None:
    structlog.get_logger("callfleet.calls").info("turn", turn=3, end="completed")
    (line,) = lines()
    assert (line["event"], line["turn"], line["end"]) == ("turn", 3, "completed")
    assert (line["level"], line["logger"]) == ("info", "callfleet.calls")
    assert line["timestamp"].endswith("Z")


def test_the_frameworks_line_keeps_its_facts_and_loses_what_was_said(lines: Lines) -> None:
    logging.getLogger("livekit.agents").info(
        "using %s", "tool", extra={"lk.pii.arguments": "my name is", "job_id": "AJ_a"}
    )
    (line,) = lines()
    assert line["event"] == "using tool"
    assert (line["call_id"], "job_id" in line) == ("AJ_a", False)
    assert "my name is" not in json.dumps(line)


def test_a_line_of_a_call_names_its_trace_whoever_wrote_it(lines: Lines) -> None:
    structlog.get_logger("callfleet.calls").info("turn", call_id="AJ_a")
    logging.getLogger("livekit.agents").info("ready", extra={"job_id": "AJ_a"})
    logging.getLogger("livekit.agents").info("late", extra={"job_request": agent.Job(id="AJ_a")})
    logging.getLogger("livekit.agents").info("unknown", extra={"job": {"id": "AJ_a"}})
    structlog.get_logger("callfleet.worker").info("draining")
    *of_the_call, of_none = lines()
    assert len(of_the_call) == 4
    assert {(line["call_id"], line["trace_id"]) for line in of_the_call} == {
        ("AJ_a", "669c95a5fb587f8b1bc9eaca5f0615b5")
    }
    assert not {"call_id", "trace_id"} & set(of_none)


def test_a_librarys_fact_of_a_schemas_name_does_not_say_whose_line_it_is(lines: Lines) -> None:
    """The framework calls the id of a tool's call ``call_id``."""
    logging.getLogger("livekit.agents").warning(
        "the tool failed", extra={"call_id": "function-call-7", "job_id": "AJ_a"}
    )
    logging.getLogger("some.library").warning(
        "state changed", extra={"event": "open", "timestamp": 7, "level": 3, "trace_id": "none"}
    )
    failed, changed = lines()
    assert (failed["call_id"], failed["their_call_id"]) == ("AJ_a", "function-call-7")
    assert failed["trace_id"] == "669c95a5fb587f8b1bc9eaca5f0615b5"
    assert (changed["event"], changed["level"]) == ("state changed", "warning")
    assert changed["timestamp"].endswith("Z")
    assert (changed["their_event"], changed["their_level"]) == ("open", 3)
    assert "trace_id" not in changed


def test_a_worker_of_a_fleet_says_on_every_line_which_and_in_which_pod(
    lines: Lines, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "voice")
    monkeypatch.setenv("POD_NAME", "support-1")
    monkeypatch.setenv("FLEET_NAME", "support")
    write_logs(LogSettings(), written)
    structlog.get_logger("x").info("ready")
    logging.getLogger("livekit.agents").info("registered")
    assert [(line["fleet"], line["pod"]) for line in lines()] == [
        ("voice/support", "support-1")
    ] * 2


def test_warnings_and_errors_that_nobody_caught_are_lines_without_what_was_said(
    lines: Lines,
) -> None:
    warnings.showwarning("old", UserWarning, "a.py", 1)
    said = "my name is"

    def breaks() -> None:
        raise ValueError(said)

    thread = threading.Thread(target=breaks, name="mine")
    thread.start()
    thread.join()
    warned, broke = lines()
    assert (warned["level"], warned["logger"]) == ("warning", "py.warnings")
    assert "UserWarning: old" in warned["event"]
    assert (broke["event"], broke["thread_name"]) == ("a thread broke", "mine")
    assert broke["exception"].endswith("ValueError")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_lines_are_for_people_unless_json_is_asked_for(lines: Lines) -> None:
    del lines
    shown = {}
    for chosen in (None, LogFormat.JSON):
        terminal = Terminal()
        write_logs(LogSettings(format=chosen), terminal)
        structlog.get_logger("callfleet.calls").info("turn", call_id="AJ_a", turn=3)
        shown[chosen] = terminal.getvalue()
    assert json.loads(shown[LogFormat.JSON])["turn"] == 3
    assert not shown[None].startswith("{")
    assert "AJ_a" in shown[None]
    assert "trace_id" not in shown[None]


def test_people_read_a_traceback_over_its_own_lines(lines: Lines, written: io.StringIO) -> None:
    del lines
    write_logs(LogSettings(format=LogFormat.CONSOLE), written)
    words = "no route to host"
    try:
        raise OSError(words)  # noqa: TRY301 - as a network would
    except OSError:
        structlog.get_logger("x").exception("cannot send")
    assert written.getvalue().splitlines()[-1] == "OSError: no route to host"


def test_a_whole_protocol_message_is_not_written(lines: Lines) -> None:
    logging.getLogger("livekit.agents").warning("late", extra={"job_request": "secret metadata"})
    assert "secret" not in json.dumps(lines())


@pytest.mark.parametrize(
    ("logger", "facts"),
    [
        ("livekit.agents", {"lk.pii.error": "no table for Ada"}),
        ("livekit.agents", {"job_id": "AJ_a", "function": "book"}),
        ("asyncio", {"job_id": "AJ_a"}),
    ],
)
def test_an_exception_that_may_repeat_what_was_said_keeps_its_frames_only(
    lines: Lines, logger: str, facts: dict[str, str]
) -> None:
    words = "no table for Ada"
    try:
        raise ValueError(words)  # noqa: TRY301 - as a tool would
    except ValueError as error:
        broken = f"it broke\nfuture: <Task {error!r}>" if logger == "asyncio" else "it broke"
        logging.getLogger(logger).exception(broken, extra=facts)
    (line,) = lines()
    assert (line["event"], words in json.dumps(line)) == ("it broke", False)
    assert line["exception"].endswith("ValueError")
    assert "test_parent_logs.py" in line["exception"]


def test_an_ordinary_exception_keeps_its_words(lines: Lines) -> None:
    words = "no route to host"
    try:
        raise OSError(words)  # noqa: TRY301 - as a network would
    except OSError:
        structlog.get_logger("x").exception("cannot send")
    assert "no route to host" in lines()[0]["exception"]


def test_words_over_several_lines_are_left_out() -> None:
    frames = 'Traceback (most recent call last):\n  File "a.py", line 1\n'
    text = f"{frames}a.E: one\ntwo: said\n\nDuring handling of it:\n\n{frames}B: three"
    assert without_words(text) == f"{frames}a.E\n{frames}B"


def test_phone_numbers_are_shortened_wherever_they_stand(lines: Lines) -> None:
    structlog.get_logger("x").info("call ended", room="call-_+15550100123_Zx")
    assert lines()[0]["room"] == "call-_+1555…_Zx"
    words = "nobody is at +15550100123"
    logging.getLogger("livekit.agents").warning(
        "lost", extra={"error": OSError(words), "who": [{"identity": "sip_+15550100123"}], "n": 2}
    )
    lost = lines()[1]
    assert lost["error"] == "nobody is at +1555…"
    assert (lost["who"], lost["n"]) == ([{"identity": "sip_+1555…"}], 2)


def test_a_line_of_a_calls_process_arrives_with_its_facts(lines: Lines) -> None:
    """Carry a record as the framework does: pickled, then handed to the parent's handlers."""
    root = logging.getLogger()
    parents_handler = next(
        handler
        for handler in root.handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    )
    sent: list[bytes] = []

    class Carrier(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sent.append(pickle.dumps(record))

    root.removeHandler(parents_handler)
    root.addHandler(Carrier())
    send_logs_to_parent(LogSettings())
    structlog.get_logger("callfleet_worker.call").warning("late", name="a", message="b", level=7)
    structlog.get_logger("callfleet_worker.call").debug("not told")
    (data,) = sent
    root.addHandler(parents_handler)
    parents_handler.handle(pickle.loads(data))  # noqa: S301 - our own bytes
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == (
        "late",
        "warning",
        "callfleet_worker.call",
    )
    assert (line["name"], line["message"], line["their_level"]) == ("a", "b", 7)


def test_what_is_below_the_level_is_not_written(lines: Lines, written: io.StringIO) -> None:
    write_logs(LogSettings(level=LogLevel.WARNING), written)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("livekit.agents").info("quiet")
    structlog.get_logger("x").warning("loud")
    assert [line["event"] for line in lines()] == ["loud"]


@pytest.mark.parametrize("set_up", [write_logs, send_logs_to_parent])
async def test_whoever_debugs_reads_neither_keys_nor_content(
    lines: Lines, written: io.StringIO, set_up: Callable[[LogSettings], None]
) -> None:
    """Talk over a real connection: its client writes headers and frames where it debugs."""
    write_logs(LogSettings(level=LogLevel.DEBUG), written)
    root = logging.getLogger()
    to_the_stream = list(root.handlers)
    root.setLevel(logging.DEBUG)
    set_up(LogSettings(level=LogLevel.DEBUG))
    root.handlers[:] = to_the_stream
    async with serve(_echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        headers = {"x-goog-api-key": "AIza-a-key"}
        async with connect(f"ws://127.0.0.1:{port}", additional_headers=headers) as connection:
            await connection.send("my name is Ada")
            await connection.recv()
    for name in ("aiosqlite", "google_genai", "httpcore.http11", "httpx", "somebody.else"):
        logging.getLogger(name).debug("my name is Ada")
    logging.getLogger("callfleet_worker.call").debug("ours")
    logging.getLogger("livekit.agents").debug("the framework's")
    assert "AIza" not in written.getvalue()
    assert "Ada" not in written.getvalue()
    assert {"ours", "the framework's"} <= {line["event"] for line in lines()}


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_a_line_begins_with_when_how_bad_and_what(lines: Lines) -> None:
    structlog.get_logger("x").info("turn", a=1)
    assert list(lines()[0])[:4] == ["timestamp", "level", "event", "logger"]


def test_the_frameworks_lines_for_each_process_are_for_those_who_debug(
    lines: Lines, written: io.StringIO
) -> None:
    logging.getLogger("livekit.agents").info("process initialized")
    assert lines() == []
    write_logs(LogSettings(level=LogLevel.DEBUG), written)
    logging.getLogger("livekit.agents").info("process initialized")
    assert [line["event"] for line in lines()] == ["process initialized"]
