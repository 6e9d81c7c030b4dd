"""The verdict as one HTML file for people: no script, nothing to load, light and dark."""

from html import escape
from importlib.resources import files

from callfleet_contract import objectives as slo
from callfleet_rehearsal.report import tables
from callfleet_rehearsal.report.facts import REAL_MODEL_SENTENCE, RunFacts
from callfleet_rehearsal.report.figures import figures, milliseconds
from callfleet_rehearsal.report.plots import residuals, spreads, stacked_turns
from callfleet_rehearsal.report.timeline import timelines
from callfleet_rehearsal.verdict import Evidence, Outcome, Verdict

_STAGE_KEY = (
    ("stage-uplink", "caller to model (fleet)"),
    ("stage-silence", "silence waited for (model)"),
    ("stage-thinking", "thinking (model)"),
    ("stage-downlink", "model to caller (fleet)"),
    ("stage-ear", "caller's jitter buffer (fleet)"),
)
_UNKNOWN_STAGE_KEY = (
    ("stage-unknown", "fleet and model: the model keeps no log of ours"),
    ("stage-ear", "caller's jitter buffer (fleet)"),
)
_PARTY_KEY = (
    ("party-caller", "caller speaks"),
    ("party-agent", "agent speaks"),
    ("barge tick", "caller barges in"),
    ("fault", "fault"),
)
_WORDS = {
    Outcome.PASS: "Every objective is met.",
    Outcome.FAIL: "These objectives are missed:",
    Outcome.INCONCLUSIVE: "This rehearsal cannot be judged:",
}


def page(verdict: Verdict, evidence: Evidence, facts: RunFacts) -> str:
    """Write the page."""
    style = (files("callfleet_rehearsal.report") / "page.css").read_text(encoding="utf-8")
    title = f"Rehearsal of {facts.calls} calls: {verdict.outcome}"
    sections = (
        _section(
            "Verdict",
            "Percentiles are nearest-rank: always a turn that was measured.",
            tables.objectives(verdict),
        ),
        _response(verdict),
        _timeline(verdict, evidence),
        tables.faults(verdict),
        _residual(verdict),
        tables.machine(evidence),
        tables.costs(evidence),
        tables.calls(evidence),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(verdict, facts)}\n{_tiles(verdict)}\n"
        + "\n".join(part for part in sections if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(verdict: Verdict, facts: RunFacts) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    if verdict.cross_talk:
        reasons += f"<li class='bad'>Alarm: {verdict.cross_talk} replies of other calls heard</li>"
    listed = f"<ul>{reasons}</ul>" if reasons else ""
    run = f"{facts.turns} turns each, seed {facts.seed}, {facts.started_at}."
    return (
        f"<header><h1>{facts.calls} calls at once</h1>"
        f'<p class="about">{escape(run)} '
        f"<b>{escape(facts.model_sentence)}</b> {escape(REAL_MODEL_SENTENCE)}</p></header>"
        f'<div class="outcome {verdict.outcome}"><b>{verdict.outcome.upper()}</b>'
        f"<div>{_WORDS[verdict.outcome]}{listed}</div></div>"
    )


def _tiles(verdict: Verdict) -> str:
    known = {figure.key: figure for figure in figures(verdict)}
    barge = next((r for r in verdict.results if r.objective == slo.BARGE_IN_STOP), None)
    answer = next((r for r in verdict.results if r.objective == slo.ANSWER), None)
    shown = [
        (title, milliseconds(known[key].spread.p95))
        for key, title in (
            ("heard", "voice to voice, p95"),
            ("fleet", "the fleet's share, p95"),
            ("model", "the model's share, p95"),
        )
        if key in known
    ]
    shown += [
        (title, milliseconds(result.value))
        for title, result in (("barge-in stop, p95", barge), ("answer, p95", answer))
        if result is not None and result.value is not None
    ]
    tiles = "".join(
        f'<div class="tile"><span>{escape(title)}</span><strong>{value}</strong></div>'
        for title, value in shown
    )
    return f'<div class="tiles">{tiles}</div>'


def _response(verdict: Verdict) -> str:
    if not verdict.turns:
        return _section("Response time", "No turn was answered, so there is nothing to plot.", "")
    limit = next(
        (r.objective.limit for r in verdict.results if r.objective.key == slo.VOICE_TO_VOICE.key),
        None,
    )
    split = any(turn.model_seconds is not None for turn in verdict.turns)
    about = (
        "A column for every turn: from the caller's last speech sample sent to the reply's first "
        "sample played at the caller's ear. Colour is the fleet's, grey is the model's. "
        "Time that tools took is subtracted here and shown below."
    )
    columns = _key(_STAGE_KEY if split else _UNKNOWN_STAGE_KEY) + _wide(
        stacked_turns(verdict.turns, limit)
    )
    parts = _key((("p50 tick", "p50"), ("p95 tick", "p95, both written at the right"))) + _wide(
        spreads(figures(verdict))
    )
    return _section("Response time of every turn, by stage", about, columns) + _section(
        "How each part is spread", "A dot for every turn.", parts
    )


def _timeline(verdict: Verdict, evidence: Evidence) -> str:
    if not evidence.calls:
        return _section("Who spoke when", "There was no call.", "")
    about = "Two lanes for each call, the caller's above the agent's, all on one clock."
    drawn = _key(_PARTY_KEY) + _wide(timelines(evidence.calls, verdict.faults))
    return _section("Who spoke when", about, drawn)


def _residual(verdict: Verdict) -> str:
    residual = verdict.residual
    if not residual.turns:
        return _section(
            "Inside against outside",
            "The worker's log has no turn to hold against what callers heard.",
            "",
        )
    about = (
        "What callers measured up to the arrival of the reply, less what the worker computed: its "
        "interval, its jitter buffer, the round trips of both legs, and the 16.5 ms between a "
        "packet's arrival and its last word (packet and codec). Nothing is calibrated; "
        "beyond 20 ms (the band) there is a bug to find. "
        f"{len(residual.turns)} turns were matched, {residual.unmatched} were not."
    )
    key = _key((("band", "within 20 ms"), ("p50 tick", "p50"), ("p95 tick", "p95")))
    return _section("Inside against outside", about, key + _wide(residuals(residual)))


def _key(entries: tuple[tuple[str, str], ...]) -> str:
    made = "".join(f'<span><i class="{look}"></i>{escape(name)}</span>' for look, name in entries)
    return f'<div class="key">{made}</div>'


def _wide(content: str) -> str:
    return f'<div class="wide">{content}</div>'


def _section(title: str, about: str, content: str) -> str:
    return tables.section(title, about, content)
