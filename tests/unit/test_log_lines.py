"""The page of log lines lists what programs write, and one schema holds for all of it."""

from pathlib import Path

from callfleet_dashboards.loglines import Line, lines_in
from callfleet_service.logs import FIRST

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
SOURCES = [ROOT / room / f"callfleet_{room}" for room in ("worker", "operator", "service")]


def found_in(folder: Path, source: str) -> list[Line]:
    (folder / "program").mkdir()
    (folder / "program" / "part.py").write_text(source, encoding="utf-8")
    return lines_in(folder / "program")


def test_a_line_is_found_with_its_logger_its_level_and_its_facts(tmp_path: Path) -> None:
    source = (
        "log = structlog.get_logger(__name__)\n"
        'def f():\n    log.info("it happened", call_id=1, **more)\n'
    )
    assert found_in(tmp_path, source) == [
        Line("it happened", "program.part", ("info",), ("call_id", "…"))
    ]


def test_a_line_whose_level_or_sentence_depends_is_found_as_each(tmp_path: Path) -> None:
    source = (
        '_log = structlog.get_logger("who")\n'
        "say = _log.error if bad else _log.info\n"
        'say("ready" if ready else "not ready")\n'
        'other.info("not a line")\n'
    )
    assert [(line.event, line.levels) for line in found_in(tmp_path, source)] == [
        ("not ready", ("info", "error")),
        ("ready", ("info", "error")),
    ]


def test_a_logger_is_called_what_it_is_called_elsewhere_in_the_program(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "names.py").write_text('LOGGER = "who"\n', encoding="utf-8")
    source = '_log = structlog.get_logger(LOGGER)\n_log.warning("lost")\n'
    (tmp_path / "program" / "part.py").write_text(source, encoding="utf-8")
    assert lines_in(tmp_path / "program") == [Line("lost", "who", ("warning",), ())]


def test_lines_that_worker_and_operator_share_are_on_the_page() -> None:
    assert "| telemetry is lost | warning | `callfleet.telemetry` |" in PAGE
    assert "| the program broke | critical | `callfleet.crashes` |" in PAGE


def test_the_page_explains_what_every_line_begins_with() -> None:
    for key in FIRST:
        assert f"\n| `{key}` |" in PAGE


def test_no_line_of_ours_calls_a_call_by_another_name() -> None:
    facts = {fact for source in SOURCES for line in lines_in(source) for fact in line.facts}
    assert "call_id" in facts
    assert not facts & {"job", "job_id", "call", "trace", "namespace", "fleet_name"}
