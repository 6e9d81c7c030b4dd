"""List every metric on a page: what it is, in which unit, by which labels. Pure."""

from collections.abc import Iterable

from callfleet_contract.metric import Metric

_UNITS = {"1": "number", "ratio": "ratio", "seconds": "s", "usd": "USD"}
_HEAD = "| metric | type | in | labels | what it is |\n|---|---|---|---|---|"


def table(catalogue: Iterable[Metric]) -> str:
    """Write one program's metrics as a table."""
    rows = (_row(metric) for metric in sorted(catalogue, key=lambda metric: metric.name))
    return "\n".join([_HEAD, *rows])


def _row(metric: Metric) -> str:
    told = metric.help
    if metric.buckets:
        told += f" Buckets: {' '.join(f'{bucket:g}' for bucket in metric.buckets)}."
    cells = (f"`{metric.shown_as}`", metric.kind, _UNITS[metric.unit], _labels(metric), told)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _labels(metric: Metric) -> str:
    return "; ".join(
        f"`{name}`: {', '.join(values)}" if values else f"`{name}`"
        for name, values in metric.labels
    )
