"""The tables of the HTML report."""

from collections.abc import Iterable
from html import escape

from callfleet_rehearsal.evidence import CallEnd
from callfleet_rehearsal.judge import show
from callfleet_rehearsal.report.facts import call_minutes, role_costs
from callfleet_rehearsal.report.figures import milliseconds
from callfleet_rehearsal.verdict import Evidence, ObjectiveResult, Spread, Verdict

_NARROW = "wide narrow"
_NOT_APART = "not told: the fleet may be among them"
_ROLES_OF_REHEARSAL = ("callers", "rehearsal")


def section(title: str, about: str, content: str) -> str:
    """Put content under a title and a sentence about it."""
    words = f'<p class="about">{escape(about)}</p>' if about else ""
    return f"<section><h2>{escape(title)}</h2>{words}{content}</section>"


def grid(heads: Iterable[str], rows: Iterable[Iterable[str]], look: str = "wide") -> str:
    """Lay out cells, which are HTML already; a head that begins with ``>`` aligns to the right."""
    names = tuple(heads)
    looks = [' class="num"' if name.startswith(">") else "" for name in names]
    head = "".join(
        f"<th{look}>{escape(name.lstrip('>'))}</th>"
        for name, look in zip(names, looks, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{look}>{cell}</td>" for cell, look in zip(row, looks, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="{look}"><table><tr>{head}</tr>{body}</table></div>'


def objectives(verdict: Verdict) -> str:
    """One row for each objective, with its figures and a gauge towards its limit."""
    heads = ("objective", ">p50", ">p95", ">p99", ">measured", ">at most", ">samples", "", "")
    return grid(heads, (_objective(result) for result in verdict.results))


def _objective(result: ObjectiveResult) -> tuple[str, ...]:
    objective = result.objective
    spread = result.spread or Spread(0)
    why = objective.why + (f"; from {result.source}" if result.source else "")
    return (
        f"{escape(objective.title)}<small>{escape(why)}</small>",
        *("" if p is None else show(objective, p) for p in (spread.p50, spread.p95, spread.p99)),
        f"<b>{show(objective, result.value)}</b>",
        show(objective, objective.limit),
        f"{result.count:,}",
        _gauge(result),
        _met(result),
    )


def _gauge(result: ObjectiveResult) -> str:
    if result.value is None:
        return ""
    limit = result.objective.limit
    full = 100.0 if result.value > limit else 0.0
    share = min(100.0, result.value / limit * 100) if limit else full
    look = "" if result.met else ' class="over"'
    return f'<div class="gauge"><i{look} style="width:{share:.0f}%"></i></div>'


def _met(result: ObjectiveResult) -> str:
    if result.met is None:
        return f'<span class="unjudged">{"not tested" if result.untested else "not judged"}</span>'
    return '<span class="met">met</span>' if result.met else '<span class="missed">missed</span>'


def faults(verdict: Verdict) -> str:
    """Every fault of a reply; nothing where there is none."""
    if not verdict.faults:
        return ""
    rows = (
        (str(f.call), str(f.turn), f'<span class="bad">{f.kind}</span>', escape(f.detail))
        for f in verdict.faults
    )
    return section("Faults of replies", "", grid((">call", ">turn", "fault", ""), rows, _NARROW))


def machine(evidence: Evidence) -> str:
    """How busy the machine was: whether this run can be believed."""
    state = evidence.machine
    if state is None:
        return section("The machine", "Nobody measured how busy it was.", "")
    others, pressure = state.other_cpu_ratio, state.cpu_pressure_ratio
    rows = (
        ("cores", str(state.cores)),
        ("measured for", f"{state.seconds:.0f} s"),
        ("busy", f"{state.busy_ratio:.0%}"),
        ("of that, other processes", _NOT_APART if others is None else f"{others:.1%}"),
        ("withheld by the host (steal)", f"{state.steal_ratio:.1%}"),
        (
            "some process waited for a core",
            _NOT_APART if pressure is None else f"{pressure:.0%} of the time",
        ),
        ("load average", f"{state.load_1m:.1f}"),
        ("callers sent late, p95", f"{state.send_late_p95_seconds * 1e3:.1f} ms"),
    )
    about = "Other work, steal or late callers make a run inconclusive, never a pass or a fail."
    return section("The machine", about, grid(("", ">"), rows, _NARROW))


def costs(evidence: Evidence) -> str:
    """What each role took of CPU and memory."""
    shown = role_costs(evidence.calls, evidence.costs)
    if not shown:
        return ""
    heads = ("role", ">processes", ">CPU s", ">CPU s per call-minute", ">memory MB")
    rows = (
        (
            escape(cost.role),
            str(cost.processes),
            f"{cost.cpu_seconds:.1f}",
            "" if (rate := cost.cpu_seconds_per_call_minute) is None else f"{rate:.2f}",
            f"{cost.pss_bytes / 1e6:,.0f}",
        )
        for cost in shown
    )
    own = sum(cost.cpu_seconds for cost in shown if cost.role in _ROLES_OF_REHEARSAL)
    measured = sum(cost.cpu_seconds for cost in shown) - own
    share = f" The rehearsal's own part is {own / measured:.0%} of the rest." if measured else ""
    about = f"While {call_minutes(evidence.calls):.1f} minutes of calls were up.{share}"
    return section("What it cost", about, grid(heads, rows))


def calls(evidence: Evidence) -> str:
    """One row for each call: how it ended, and its line."""
    heads = (
        ">call", "end", ">answered in", ">packets sent", ">lost", ">received", ">lost", ">jitter",
        ">round trip", ">concealed",
    )  # fmt: skip
    rows = (
        (
            str(call.call),
            _end(call.end, call.detail),
            _answered(call.joined_ns, call.greeting_heard_ns),
            f"{call.packets_sent:,}",
            str(call.packets_sent_lost),
            f"{call.packets_received:,}",
            str(call.packets_received_lost),
            f"{call.jitter_seconds * 1e3:.1f} ms",
            f"{call.rtt_seconds * 1e3:.1f} ms",
            f"{call.concealed_seconds * 1e3:.0f} ms",
        )
        for call in evidence.calls
    )
    return section("The calls", "", grid(heads, rows))


def _end(end: CallEnd, detail: str) -> str:
    words = escape(end.replace("_", " "))
    if end is CallEnd.HUNG_UP:
        return words
    return f'<span class="bad">{words}</span><small>{escape(detail)}</small>'


def _answered(joined_ns: int | None, greeting_ns: int | None) -> str:
    if joined_ns is None or greeting_ns is None:
        return ""
    return milliseconds((greeting_ns - joined_ns) / 1e9)
