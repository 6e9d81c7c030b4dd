"""Read a page of metrics, as Prometheus would."""

import re

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def added_up(page: str, name: str, **labels: str) -> float:
    """Add up a metric over the series that have these labels; 0 where there is none."""
    total = 0.0
    for line in page.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None or sample[1] != name:
            continue
        told = dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or ""))
        if all(told.get(label) == value for label, value in labels.items()):
            total += float(sample[3])
    return total
