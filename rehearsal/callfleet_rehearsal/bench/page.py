"""The bench as one HTML file: no script, nothing to load, light and dark."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files

from callfleet_rehearsal.bench import plots
from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.bench.contenders import CONTENDERS, OURS, Contender
from callfleet_rehearsal.bench.figures import ROWS, figure, ratio
from callfleet_rehearsal.bench.kept import Kept
from callfleet_rehearsal.bench.table import last_line, reservations, written
from callfleet_rehearsal.report.tables import grid, section

_TICKS = {"p50 tick": "p50", "p95 tick": "p95, both written at the right"}
_WHISKER = {"p50 tick": "the worker's least and most of all rounds"}


def page(kept: Kept) -> str:
    """Write the page."""
    style = (files("callfleet_rehearsal.report") / "page.css").read_text(encoding="utf-8")
    whose = [one for one in CONTENDERS if any(cell.contender == one.key for cell in kept.cells)]
    numbers = sorted({cell.calls for cell in kept.cells})
    sections = [part for calls in numbers for part in _sections(kept.cells, whose, calls)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Workers side by side</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<main>\n{_head(kept, whose)}\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )


def _head(kept: Kept, whose: Sequence[Contender]) -> str:
    rounds = len({cell.round for cell in kept.cells})
    versions = ", ".join(f"{name} {of}" for name, of in kept.versions.items())
    titles = "".join(f"<li><b>{escape(one.key)}</b>: {escape(one.title)}</li>" for one in whose)
    said = (*(one.sentence for one in kept.carried), *reservations(kept.cells))
    more = "".join(f"<li>{escape(sentence)}</li>" for sentence in said)
    return (
        f"<header><h1>Workers side by side</h1>"
        f'<p class="about">{escape(kept.started_at)}, {rounds} rounds in turn, '
        f"{escape(str(kept.machine))}. {escape(versions)}. The model was the emulator.</p>"
        f"<p><code>{escape(last_line(kept.cells, kept.carried))}</code>, "
        f"callfleet's share of plain's</p>"
        f"<ul>{titles}{more}</ul></header>"
    )


def _sections(cells: Sequence[Cell], whose: Sequence[Contender], calls: int) -> Iterator[str]:
    keys = [one.key for one in whose]
    own = [cell for cell in cells if cell.calls == calls]
    rounds = len({cell.round for cell in own})
    name = f"{calls} calls at once" if calls > 1 else "A call alone"
    yield section(
        f"{name}: what was added to each reply",
        "A dot for every answered turn of all rounds; a turn that failed has none. "
        "The slowest are drawn at the edge.",
        _key(_TICKS) + _wide(plots.added(own, keys)),
    )
    yield section(
        f"{name}: where a reply's time goes",
        "Medians over the rounds of each part's own median, in the order of the key.",
        _key(plots.keys_of(plots.PARTS)) + _wide(plots.parts(own, keys, calls)),
    )
    yield section(
        f"{name}: CPU",
        "Seconds of CPU for each minute of a call; at the right the worker's alone.",
        _key({**plots.keys_of((*plots.WORKER, *plots.BESIDE)), **_WHISKER})
        + _wide(plots.cpu(own, keys, calls)),
    )
    yield section(
        f"{name}: memory",
        "The worker's proportional share (PSS), with calls up.",
        _key({**plots.keys_of(plots.WORKER), **_WHISKER}) + _wide(plots.memory(own, keys, calls)),
    )
    yield section(
        f"{name}: all figures",
        f"Median of {rounds} rounds (least to most); shares are taken round by round.",
        _figures(own, whose, calls),
    )


def _figures(cells: Sequence[Cell], whose: Sequence[Contender], calls: int) -> str:
    others = [one for one in whose if one is not OURS] if OURS in whose else []
    heads = ("", *(f">{one.key}" for one in whose), *(f">/ {one.key}" for one in others))
    rows = (
        (
            escape(row.heading),
            *(written(figure(cells, one.key, calls, row), row) for one in whose),
            *(written(ratio(cells, OURS.key, one.key, calls, row)) for one in others),
        )
        for row in ROWS
    )
    return f"<details><summary>Show</summary>{grid(heads, rows, 'wide dense')}</details>"


def _key(entries: Mapping[str, str]) -> str:
    marks = (f'<span><i class="{look}"></i>{escape(said)}</span>' for look, said in entries.items())
    return f'<div class="key">{"".join(marks)}</div>'


def _wide(drawn: str) -> str:
    return f'<div class="wide">{drawn}</div>'
