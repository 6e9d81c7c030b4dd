"""Say in Grafana's words how a panel is drawn: its plugin, with options. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from grafana_foundation_sdk.models import (
    bargauge,
    common,
    dashboard,
    heatmap,
    logs,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)

from callfleet_dashboards.boards.panels import Drawing, Panel

_LAST = common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False)
_LEGEND = common.VizLegendOptions(
    display_mode=common.LegendDisplayMode.LIST,
    placement=common.LegendPlacement.BOTTOM,
    show_legend=True,
    calcs=[],
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin of Grafana; ``custom`` is what it wants of fields."""

    name: str
    options: object
    custom: object | None = None


def plugin(panel: Panel) -> Plugin:
    """Choose for a panel."""
    return _PLUGINS[panel.drawing](panel)


def _figure(panel: Panel) -> Plugin:
    is_over_time = not any(query.instant for query in panel.queries)
    graph = common.BigValueGraphMode.AREA if is_over_time else common.BigValueGraphMode.NONE
    has_names = len(panel.queries) > 1 or "{{" in panel.queries[0].legend
    names = common.BigValueTextMode.VALUE_AND_NAME if has_names else common.BigValueTextMode.VALUE
    options = stat.Options(
        graph_mode=graph,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=names,
        reduce_options=_LAST,
        orientation=common.VizOrientation.AUTO,
    )
    return Plugin("stat", options)


def _lengths(panel: Panel) -> Plugin:
    del panel
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.COLOR,
        name_placement=common.BarGaugeNamePlacement.AUTO,
        sizing=common.BarGaugeSizing.AUTO,
        reduce_options=_LAST,
        orientation=common.VizOrientation.HORIZONTAL,
    )
    return Plugin("bargauge", options)


def _over_time(panel: Panel) -> Plugin:
    options = timeseries.Options(
        legend=_LEGEND,
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
    )
    return Plugin("timeseries", options, _graph(panel))


def _graph(panel: Panel) -> common.GraphFieldConfig:
    is_stacked = panel.drawing is not Drawing.LINES
    is_bars = panel.drawing is Drawing.BARS
    has_limit = len(panel.limits.steps) > 1
    drawn = common.GraphThresholdsStyleMode.DASHED if has_limit else None
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if is_bars else common.GraphDrawStyle.LINE,
        # A line of nought would lie on the others, and look as if all of them were of its kind.
        line_width=0 if is_stacked else 1,
        fill_opacity=80 if is_bars else 60 if is_stacked else 5,
        show_points=common.VisibilityMode.AUTO,
        span_nulls=False,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A")
        if is_stacked
        else None,
        axis_soft_max=_reach(panel),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=drawn) if drawn else None,
    )


def _reach(panel: Panel) -> float | None:
    """Have the axis reach the first limit, however far below it all values are."""
    limits = [value for value, _ in panel.limits.steps if value is not None]
    return limits[0] * 1.1 if limits else None


def _heat(panel: Panel) -> Plugin:
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Oranges",
            fill="dark-orange",
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=64,
        ),
        y_axis=heatmap.YAxisConfig(
            unit=panel.unit, axis_placement=common.AxisPlacement.LEFT, reverse=False
        ),
        rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
        cell_values=heatmap.CellValues(unit="short"),
        filter_values=heatmap.FilterValueRange(le=1e-9),
        legend=heatmap.HeatmapLegend(show=True),
        exemplars=heatmap.ExemplarConfig(color="rgba(255,0,255,0.7)"),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
    )
    return Plugin("heatmap", options, heatmap.FieldConfig())


def _states(panel: Panel) -> Plugin:
    del panel
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        merge_values=True,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=_LEGEND,
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    return Plugin("state-timeline", options, statetimeline.FieldConfig())


def _table(panel: Panel) -> Plugin:
    del panel
    options = table.Options(cell_height=common.TableCellHeight.SM)
    return Plugin("table", options, common.TableFieldOptions(filterable=False))


def _text(panel: Panel) -> Plugin:
    return Plugin("text", text.Options(mode=text.TextMode.MARKDOWN, content=panel.text))


def _logs(panel: Panel) -> Plugin:
    del panel
    options = logs.Options(
        show_time=True,
        wrap_log_message=True,
        enable_log_details=True,
        sort_order=common.LogsSortOrder.ASCENDING,
        dedup_strategy=common.LogsDedupStrategy.NONE,
    )
    return Plugin("logs", options)


def _trace(panel: Panel) -> Plugin:
    del panel
    return Plugin("traces", {})


_PLUGINS: dict[Drawing, Callable[[Panel], Plugin]] = {
    Drawing.FIGURE: _figure,
    Drawing.LENGTHS: _lengths,
    Drawing.LINES: _over_time,
    Drawing.STACK: _over_time,
    Drawing.BARS: _over_time,
    Drawing.HEAT: _heat,
    Drawing.STATES: _states,
    Drawing.TABLE: _table,
    Drawing.TEXT: _text,
    Drawing.LOGS: _logs,
    Drawing.TRACE: _trace,
}


def colour(panel: Panel) -> dashboard.FieldColor:
    """Colour by limits where a value is drawn, by series where many lines are."""
    by_limits = panel.drawing in (Drawing.FIGURE, Drawing.LENGTHS, Drawing.STATES, Drawing.TABLE)
    mode = dashboard.FieldColorModeId
    return dashboard.FieldColor(mode=mode.THRESHOLDS if by_limits else mode.PALETTE_CLASSIC)
