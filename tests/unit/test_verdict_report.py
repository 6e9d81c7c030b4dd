"""The report shows the verdict in three forms, whole and harmless, whatever was seen."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from synthetic import CALM, change_call, change_turn, rehearsal

from callfleet_rehearsal.evidence import CallEnd
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.report.document import document
from callfleet_rehearsal.report.drawing import Axis, nice_ceiling, ticks
from callfleet_rehearsal.report.facts import RunFacts
from callfleet_rehearsal.report.page import page
from callfleet_rehearsal.report.plots import stacked_turns
from callfleet_rehearsal.report.table import table
from callfleet_rehearsal.report.writing import write
from callfleet_rehearsal.verdict import Evidence

FACTS = RunFacts("24 November 2026, 18:02", 10, 6, 7, "emulator", "ideal")
SOUND = rehearsal()
BESIDE_A_FLEET = replace(CALM, other_cpu_ratio=None, cpu_pressure_ratio=None)
DROPPED = change_call(
    change_turn(SOUND, 2, 1, lambda turn: replace(turn, heard=())),
    4,
    lambda call: replace(call, end=CallEnd.CLOSED_BY_FLEET, detail="<script>alert(1)</script>"),
)
ODD = {
    "sound": SOUND,
    "dropped": DROPPED,
    "one call": rehearsal(calls=1, turns=1),
    "no model log": replace(SOUND, model_turns=()),
    "no worker log": replace(SOUND, inside_turns=()),
    "beside a fleet": replace(SOUND, machine=BESIDE_A_FLEET),
    "nothing": Evidence(calls=()),
    "never joined": replace(
        SOUND,
        machine=None,
        calls=tuple(
            replace(c, end=CallEnd.JOIN_FAILED, joined_ns=None, greeting_heard_ns=None,
                    turns=(), segments=(), ended_ns=c.join_started_ns)
            for c in SOUND.calls
        ),
    ),
}  # fmt: skip
VOID = {"meta", "br"}


class Balance(HTMLParser):
    """Sees that every tag that is opened is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(evidence: Evidence) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(table(judge(evidence), evidence, FACTS))
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


@pytest.mark.parametrize("evidence", ODD.values(), ids=ODD.keys())
def test_the_page_is_whole_and_loads_nothing(evidence: Evidence) -> None:
    html = page(judge(evidence), evidence, FACTS)
    balance = Balance()
    balance.feed(html)
    assert balance.open == []
    assert not balance.tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?://|url\(|@import|nan", html)


@pytest.mark.parametrize("evidence", ODD.values(), ids=ODD.keys())
def test_the_document_is_json_with_every_objective(evidence: Evidence) -> None:
    verdict = judge(evidence)
    body = json.loads(document(verdict, evidence, FACTS))
    assert body["outcome"] == verdict.outcome
    assert body["exit_code"] == verdict.exit_code
    assert [each["key"] for each in body["objectives"]] == [
        result.objective.key for result in verdict.results
    ]


@pytest.mark.parametrize("evidence", ODD.values(), ids=ODD.keys())
def test_the_table_names_every_objective(evidence: Evidence) -> None:
    verdict = judge(evidence)
    written = shown(evidence)
    assert verdict.outcome.upper() in written
    assert all(result.objective.title in written for result in verdict.results)


def test_every_form_says_that_the_real_model_is_slower_and_who_answered() -> None:
    verdict = judge(SOUND)
    for form in (shown(SOUND), page(verdict, SOUND, FACTS), document(verdict, SOUND, FACTS)):
        words = " ".join(form.split())
        assert "1.15 to 2.6 s" in words
        assert "emulator" in words


def test_a_real_model_is_named() -> None:
    real = replace(FACTS, model="gemini-live-2.5", timing="", emulated=False)
    assert "The model was gemini-live-2.5, the real one." in page(judge(SOUND), SOUND, real)


def test_what_a_server_said_is_text_on_the_page() -> None:
    html = page(judge(DROPPED), DROPPED, FACTS)
    assert "&lt;script&gt;" in html
    assert "missing" in html


def test_both_files_are_written(tmp_path: Path) -> None:
    written = write(tmp_path, judge(SOUND), SOUND, FACTS)
    assert written.html.read_text().startswith("<!doctype html>")
    assert json.loads(written.json.read_text())["schema"] == 1


@given(st.floats(1e-6, 1e6))
def test_a_nice_ceiling_is_above_and_not_far(value: float) -> None:
    assert value <= nice_ceiling(value) * (1 + 1e-6)
    assert nice_ceiling(value) <= 2 * value * (1 + 1e-6)


@given(st.floats(-100, 100), st.floats(0.01, 1000))
def test_ticks_lie_inside_and_are_few(low: float, length: float) -> None:
    made = ticks(low, low + length)
    assert all(low - 1e-6 <= tick <= low + length + 1e-6 for tick in made)
    assert 2 <= len(made) <= 7


@given(st.floats(allow_nan=False), st.floats(-10, 10))
def test_a_place_on_an_axis_is_always_on_it(value: float, low: float) -> None:
    assert 5 <= Axis(low, low + 1, 5, 95).at(value) <= 95


@pytest.mark.parametrize("seconds", [0.01, 0.5, 12.0])
def test_the_axis_of_turns_writes_one_thing_at_a_place_with_its_unit(seconds: float) -> None:
    turns = judge(SOUND).turns
    slow = tuple(replace(one, voice_to_voice_seconds=seconds) for one in turns)
    picture = stacked_turns(slow, 0.5)
    places = r'<text x="([\d.]+)" y="([\d.]+)" class="small end">([^<]+)<'
    written = re.findall(places, picture)
    axis = [(float(y), words) for x, y, words in written if float(x) < 100]
    assert len(axis) > 1
    assert len({y for y, _ in axis}) == len(axis)
    assert all(words.endswith(" ms") for _, words in axis)
    assert ">ms<" not in picture


def test_whose_load_it_was_is_not_made_up_where_the_fleet_may_run_beside() -> None:
    evidence = replace(SOUND, machine=BESIDE_A_FLEET)
    verdict = judge(evidence)
    assert verdict.outcome == judge(SOUND).outcome
    console = Console(file=io.StringIO(), width=200)
    console.print(table(verdict, evidence, FACTS))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "busy with all that runs here, steal" in said
    assert "others" not in said
    assert page(verdict, evidence, FACTS).count("not told: the fleet may be among them") == 2
