"""Draw every board to a picture, from a Prometheus that runs."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from callfleet_drawing.asking import Span
from callfleet_drawing.picture import draw

BOARDS = Path(__file__).resolve().parents[2] / "grafana"
_POINTS = 240
_LEAST_WINDOW_SECONDS = 20.0


def span_until(end: float, seconds: float) -> Span:
    """Choose steps and windows for a span as Grafana does for a graph of ordinary width."""
    step = max(1.0, seconds / _POINTS)
    return Span(end - seconds, end, step, max(_LEAST_WINDOW_SECONDS, 4 * step), {})


def draw_all(url: str, folder: Path, span: Span) -> list[Path]:
    """Draw every board into a folder, and give the pictures.

    Raises:
        ValueError: Prometheus does not understand a query.
        OSError: it does not answer, or nothing can be written there.

    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for file in sorted(BOARDS.glob("*.json")):
        picture = folder / f"{file.stem}.png"
        draw(json.loads(file.read_text(encoding="utf-8")), url, span, picture)
        made.append(picture)
    return made


def main(arguments: Sequence[str]) -> int:
    """Draw them, and print where they are."""
    parser = argparse.ArgumentParser(prog="python dashboards/drawing", description=__doc__)
    parser.add_argument("url", help="of Prometheus, such as http://127.0.0.1:9090")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--minutes", type=float, default=30, help="how far back they show")
    told = parser.parse_args(arguments)
    try:
        made = draw_all(told.url, told.folder, span_until(time.time(), 60 * told.minutes))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"nothing drawn: {error}\n")
        return 1
    print(*made, sep="\n")
    return 0
