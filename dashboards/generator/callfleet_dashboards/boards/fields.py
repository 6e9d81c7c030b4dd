"""Say in Grafana's words what a panel asks, and how values are shown. Pure."""

import string
from collections.abc import Iterator

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard, loki, prometheus, tempo

from callfleet_dashboards.boards import plugins, variables
from callfleet_dashboards.boards.panels import Drawing, Limits, Panel, Query, Series, Source, Unit

_HIDDEN = ("Time",)
_MOST_LINES = 500


def targets(panel: Panel) -> list[Dataquery]:
    """Write its queries, A, B and so on."""
    names = string.ascii_uppercase
    return [_target(panel, query, names[place]) for place, query in enumerate(panel.queries)]


def _target(panel: Panel, query: Query, name: str) -> Dataquery:
    source = variables.reference(query.source)
    if query.source is Source.LOGS:
        return loki.Dataquery(
            expr=query.expression,
            ref_id=name,
            datasource=source,
            query_type=loki.LokiQueryType.RANGE.value,
            max_lines=_MOST_LINES,
        )
    if query.source is Source.TRACES:
        return tempo.Dataquery(
            ref_id=name,
            datasource=source,
            query=query.expression,
            query_type=tempo.TempoQueryType.TRACEQL.value,
        )
    shapes = {
        Drawing.TABLE: prometheus.PromQueryFormat.TABLE,
        Drawing.HEAT: prometheus.PromQueryFormat.HEATMAP,
    }
    return prometheus.Dataquery(
        expr=query.expression,
        ref_id=name,
        datasource=source,
        legend_format=query.legend or "__auto",
        format_val=shapes.get(panel.drawing, prometheus.PromQueryFormat.TIME_SERIES),
        instant=query.instant,
        range_val=not query.instant,
        exemplar=query.exemplars,
        editor_mode=prometheus.QueryEditorMode.CODE,
    )


def field_config(panel: Panel, custom: object | None) -> dashboard.FieldConfigSource | None:
    """Say how values are shown; texts have none."""
    if not panel.queries or panel.queries[0].source is not Source.METRICS:
        return None
    return dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=panel.unit.value,
            decimals=_decimals(panel),
            min_val=panel.least,
            max_val=panel.most,
            color=plugins.colour(panel),
            thresholds=_thresholds(panel.limits),
            mappings=_mappings(panel),
            custom=custom,
        ),
        overrides=[_override(panel, series) for series in panel.series],
    )


def _decimals(panel: Panel) -> int | None:
    # What was counted is whole, which an increase over a window is not.
    is_counted = panel.drawing is Drawing.BARS and panel.unit is Unit.NUMBER
    return 0 if is_counted and panel.decimals is None else panel.decimals


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value=value, color=colour) for value, colour in limits.steps],
    )


def _mappings(panel: Panel) -> list[dashboard.ValueMapping]:
    shown = {
        value: dashboard.ValueMappingResult(text=text, color=colour)
        for value, text, colour in panel.words
    }
    return [dashboard.ValueMap(options=shown)] if shown else []


def _override(panel: Panel, series: Series) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=series.name),
        properties=[
            dashboard.DynamicConfigValue(id_val=name, value=value)
            for name, value in _properties(panel, series)
        ],
    )


def _properties(panel: Panel, series: Series) -> Iterator[tuple[str, object]]:
    if series.shown:
        yield "displayName", series.shown
    if series.unit is not None:
        yield "unit", series.unit.value
    if series.decimals is not None:
        yield "decimals", series.decimals
    if series.limits is not None:
        yield "thresholds", _thresholds(series.limits)
        if panel.drawing is Drawing.TABLE:
            yield "custom.cellOptions", common.TableColorTextCellOptions()
    if series.colour:
        by_itself = dashboard.FieldColorModeId.FIXED
        yield "color", dashboard.FieldColor(mode=by_itself, fixed_color=series.colour)
    if series.link:
        yield "links", [{"title": "See this fleet", "url": series.link}]


def transformations(panel: Panel) -> list[dashboard.DataTransformerConfig] | None:
    """Make one table of its queries' answers: a row for each fleet, a column for each query."""
    if panel.drawing is not Drawing.TABLE:
        return None
    columns = {
        f"Value #{string.ascii_uppercase[place]}": query.legend
        for place, query in enumerate(panel.queries)
    }
    if len(columns) == 1:
        columns = {"Value": panel.queries[0].legend}
    order = {name: place for place, name in enumerate(columns, start=10)}
    organized = {
        "excludeByName": dict.fromkeys(_HIDDEN, True),
        "indexByName": order,
        "renameByName": columns,
    }
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(id_val="organize", options=organized),
    ]
