"""What is chosen above a board: where answers come from, which fleets. Pure."""

from collections.abc import Iterator

from grafana_foundation_sdk.models import common, dashboard

from callfleet_dashboards.boards.panels import Board, Source
from callfleet_dashboards.promql import SHARED

_ALL = "$__all"
_LABELS = {Source.METRICS: "Metrics", Source.LOGS: "Logs", Source.TRACES: "Traces"}


def reference(source: Source) -> common.DataSourceRef:
    """Refer to what is chosen."""
    return common.DataSourceRef(type_val=source.value, uid=f"${{{source.variable}}}")


def variables(board: Board) -> list[dashboard.VariableModel]:
    """Give them in the order in which they are shown."""
    sources = [_source(source) for source in board.sources]
    return [*sources, *_fleets(board), *_typed(board)]


def _source(source: Source) -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name=source.variable,
        label=_LABELS[source],
        query=source.value,
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        options=[],
        current=None,
    )


def _fleets(board: Board) -> Iterator[dashboard.VariableModel]:
    namespace, fleet = SHARED
    yield _chosen(namespace, "Namespace", board.fleets_of)
    yield _chosen(fleet, "Fleet", f'{board.fleets_of}{{{namespace}=~"${namespace}"}}')
    if board.asks_pod:
        chosen = f'{namespace}=~"${namespace}", {fleet}=~"${fleet}"'
        yield _chosen("pod", "Pod", f"{board.fleets_of}{{{chosen}}}")


def _chosen(label: str, shown: str, series: str) -> dashboard.VariableModel:
    query = f"label_values({series}, {label})"
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=label,
        label=shown,
        datasource=reference(Source.METRICS),
        definition=query,
        query=query,
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
        multi=True,
        include_all=True,
        all_value=".*",
        current=dashboard.VariableOption(selected=True, text=["All"], value=[_ALL]),
        options=[],
    )


def _typed(board: Board) -> Iterator[dashboard.VariableModel]:
    for name, label in board.asks:
        yield dashboard.VariableModel(
            type_val=dashboard.VariableType.TEXTBOX,
            name=name,
            label=label,
            query="",
            current=dashboard.VariableOption(selected=True, text="", value=""),
            options=[],
        )
