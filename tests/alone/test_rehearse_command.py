"""`callfleet rehearse` as it is typed: what it judges of small rehearsals."""

import json
from collections.abc import Callable
from pathlib import Path

from typed_rehearsal import Type, interruptions


def test_a_small_rehearsal_from_start_to_verdict(
    rehearse: Type, tmp_path: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "3", "--turns", "4", "--json", "out.json", "--keep")
    said = typed.rest()
    assert "embedded Gemini Live emulator" in said
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    assert typed.process.returncode == report["exit_code"]
    assert report["outcome"].upper() in said
    assert len(report["calls"]) == 3
    costs = {cost["role"]: cost for cost in report["costs"]}
    assert {"livekit-server", "emulator", "callers", "worker parent", "worker calls"} <= set(costs)
    assert costs["worker calls"]["cpu_seconds"] > 0
    assert costs["worker calls"]["pss_bytes"] > 1_000_000
    (run,) = (tmp_path / "rehearsals").iterdir()
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
    rehearse: Type, tmp_path: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "1", "--turns", "4", "--delay-ms", "80", "--json", "out.json")
    typed.rest()
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    assert report["calls"][0]["rtt_seconds"] > 0.16
    turns = report["residual"]["turns"]
    assert len(turns) == 4
    # Both figures hold the whole way, there and back; nothing of it is left between them.
    assert all(turn["outside_seconds"] > 0.46 and turn["inside_seconds"] > 0.46 for turn in turns)
    if report["outcome"] != "inconclusive":
        assert abs(report["residual"]["total"]["p50"]) < 0.04


def test_an_agent_does_not_talk_to_the_echo_of_itself(
    rehearse: Type, tmp_path: Path, record_outcome: Callable[[str], None]
) -> None:
    typed = rehearse("--calls", "1", "--turns", "4", "--echo", "--json", "out.json", "--keep")
    typed.rest()
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    record_outcome(report["outcome"])
    if report["outcome"] == "inconclusive":
        return  # What is late on a busy machine may be cut, doubled or missing for other reasons.
    # One caller speaks over the agent once; every other interruption would be its echo.
    assert interruptions(tmp_path) == 1
    assert [fault for fault in report["faults"] if fault["kind"] == "cut"] == []
