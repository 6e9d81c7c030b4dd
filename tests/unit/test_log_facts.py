"""Whatever a library, an agent or a name puts into a line, the line is written and sent."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog
from collectors import grpc_collector
from sending_stand import AT_ONCE, Lost, started
from written_lines import Chosen, writing

from callfleet_contract.telemetry import Signal
from callfleet_service import logs
from callfleet_service.kinds import LogFormat
from callfleet_service.logs import Style, write_logs
from callfleet_service.otlp.settings import Protocol
from callfleet_service.plain import MOST_CHARACTERS, MOST_OF_A_LINE, plain

STYLE = Style(ours=("callfleet",), quiet={}, received=(structlog.stdlib.ExtraAdder(),))


class Unspeakable:
    def __str__(self) -> NoReturn:
        raise ZeroDivisionError


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    with writing(STYLE) as stream:
        yield stream


def no_constant(word: str) -> NoReturn:
    raise AssertionError(word)


def line_in(written: io.StringIO) -> dict[str, Any]:
    (line,) = written.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line, parse_constant=no_constant)
    return found


def test_a_librarys_facts_may_be_called_as_ours_are(written: io.StringIO) -> None:
    mine: dict[str, Any] = {"timestamp": "noon", "level": 7, "logger": "x"}
    logging.getLogger("some.library").warning("it was so", extra=mine)
    line = line_in(written)
    assert (line["level"], line["logger"], line["timestamp"][-1]) == (
        "warning",
        "some.library",
        "Z",
    )


def endless() -> dict[str, Any]:
    round_and_round: dict[str, Any] = {}
    round_and_round["again"] = round_and_round
    return round_and_round


@pytest.mark.parametrize(
    "fact", [Unspeakable(), endless(), {(1, 2): 3}, float("nan"), 10**400, "half \ud83d", b"\xff"]
)
def test_a_fact_that_nobody_can_write_does_not_cost_its_line(
    written: io.StringIO, fact: object
) -> None:
    structlog.get_logger("callfleet.calls").warning("turn", fact=fact, after=1)
    line = line_in(written)
    assert (line["event"], line["after"]) == ("turn", 1)


def test_a_line_that_cannot_be_written_is_told_without_its_words(
    written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, logs._Lines)]
    root.handlers[:] = ours  # pytest's own would break of it
    logging.getLogger("some.library").warning("said %d", "my name is Ada")
    line = line_in(written)
    assert (line["event"], line["logger"]) == ("a line could not be written", "some.library")
    assert line["error"] == "TypeError"
    assert "Ada" not in written.getvalue() + "".join(capsys.readouterr())


def test_of_what_is_endless_the_beginning_and_the_end_are_kept() -> None:
    facts = plain({"event": "turn", **{f"fact {n}": "a" * 10_000_000 + "z" for n in range(9)}})
    assert facts["fact 0"].startswith("aaa")
    assert facts["fact 0"].endswith("aaz")
    assert len(facts["fact 0"]) <= MOST_CHARACTERS + 3
    assert sum(map(len, facts.values())) <= MOST_OF_A_LINE + 9 * 3


def test_a_name_does_not_rule_the_terminal_that_shows_it(written: io.StringIO) -> None:
    people = Chosen(format=LogFormat.CONSOLE)
    write_logs(people, STYLE, written)
    structlog.get_logger("callfleet.calls").info("turn", room="\x1b[2Jx\x9b1m")
    logging.getLogger("some.library").warning("left\n12:00:00 [info] all is well")
    assert "\x1b" not in written.getvalue()
    assert "\x9b" not in written.getvalue()
    assert written.getvalue().count("\n") == 2


def test_one_line_that_is_odd_does_not_cost_those_that_are_sent_with_it(
    written: io.StringIO,
) -> None:
    lost, log = Lost(), structlog.get_logger("callfleet.calls")
    with grpc_collector() as collector:
        sending = started(
            collector.url, lost, AT_ONCE, signals=(Signal.LOGS,), otlp_protocol=Protocol.GRPC
        )
        log.info("before")
        for odd in ("mine", "f" * 40, "0" * 32, "+" * 32):
            log.info("odd \ud83d", trace_id=odd, huge=10**30)
        log.info("after")
        sending.stop()
    assert len(collector.lines()) == 6
    assert written.getvalue().count("\n") == 6
    assert not lost


def test_what_cannot_be_written_as_otlp_is_counted(written: io.StringIO) -> None:
    lost = Lost()
    with grpc_collector() as collector:
        sending = started(
            collector.url, lost, AT_ONCE, signals=(Signal.LOGS,), otlp_protocol=Protocol.GRPC
        )
        for sink in logs._sinks:
            sink({"event": "\ud83d", "logger": "callfleet.calls"})
        sending.stop()
    assert lost == {("logs", "refused"): 1}
    assert "UnicodeEncodeError" in written.getvalue()
