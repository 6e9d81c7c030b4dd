"""Write events of an objective as PromQL. Pure.

Everything is added up by fleet; ``SHARED`` are the labels that Prometheus gives a worker's series.
"""

from collections.abc import Iterable

from callfleet_contract.metric import Kind, Metric
from callfleet_contract.slos import Above, Events, Labels, Slo

SHARED = ("namespace", "fleet")
BY = f"by ({', '.join(SHARED)})"


def bucket_label(limit: float) -> str:
    """Write a bucket's bound as Prometheus' Python client does, and Prometheus keeps it."""
    return repr(float(limit))


def matchers(only: Labels, *more: str) -> str:
    """Choose series by labels; nothing where any will do."""
    chosen = [
        f'{label}{"=" if len(values) == 1 else "=~"}"{"|".join(sorted(values))}"'
        for label, values in only
    ]
    return "{" + ", ".join([*chosen, *more]) + "}" if chosen or more else ""


def counted_as(metric: Metric) -> str:
    """Name the series that counts what a metric is about."""
    return f"{metric.full_name}_count" if metric.kind is Kind.HISTOGRAM else metric.full_name


def increase(
    metric: Metric,
    window: str,
    chosen: str = "",
    ending: str = "",
    keep: tuple[str, ...] = (),
) -> str:
    """Say how much a metric grew in a window, by fleet and by what labels are to be kept."""
    by = ", ".join((*SHARED, *keep))
    return f"sum by ({by}) (increase({metric.full_name}{ending}{chosen}[{window}]))"


def most_of(told: str, also: str) -> str:
    """Take of what two tell of the same fleets' events whichever is more."""
    return f'max {BY} (label_replace({told}, "told", "first", "", "")\n  or {also})'


def count(events: Events, window: str) -> str:
    """Say how much of it came within a window."""
    return _of(events, window, "increase")


def _of(events: Events | Above, window: str, how: str) -> str:
    name = events.metric.full_name
    if isinstance(events, Events):
        told = f"sum {BY} ({how}({counted_as(events.metric)}{matchers(events.only)}[{window}]))"
        return most_of(told, _of(events.also, window, how)) if events.also else told
    bound = f'le="{bucket_label(events.limit)}"'
    all_of_them = f"sum {BY} ({how}({name}_count{matchers(events.only)}[{window}]))"
    within = f"sum {BY} ({how}({name}_bucket{matchers(events.only, bound)}[{window}]))"
    return f"{all_of_them} - {within}"


def bad_rate(slo: Slo, window: str) -> str:
    """Say how often something bad came. What was never counted is no gap: it is nought."""
    return _sum_of(_of(each, window, "rate") for each in slo.bad)


def all_rate(slo: Slo, window: str) -> str:
    """Say how often anything came that the objective is about, in each second of a window."""
    return _sum_of(_of(each, window, "rate") for each in slo.all)


def all_count(slo: Slo, window: str) -> str:
    """Say how much of that came within a window."""
    return _sum_of(_of(each, window, "increase") for each in slo.all)


def bad_count(slo: Slo, window: str) -> str:
    """Say how much that was bad came within a window."""
    return _sum_of(_of(each, window, "increase") for each in slo.bad)


def error_ratio(slo: Slo, window: str) -> str:
    """Say which share of events was bad; NaN where there were none, which is above no limit.

    A call that was greeted late is bad before it ends, and again if it fails: yet a share is no
    more than all.
    """
    share = f"({bad_rate(slo, window)})\n/\n({all_rate(slo, window)})"
    return f"clamp_max({share}, 1)" if len(slo.bad) > 1 else share


def _sum_of(terms: Iterable[str]) -> str:
    first, *more = terms
    if not more:
        return first
    # Under a label of its own each, or one of two would hide the other.
    told = [
        f'label_replace({term}, "term", "{number}", "", "")'
        for number, term in enumerate((first, *more), start=1)
    ]
    return f"sum {BY} (" + "\nor ".join(told) + ")"
