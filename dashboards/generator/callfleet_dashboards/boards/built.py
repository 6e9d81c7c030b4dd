"""Make Grafana's dashboard of a board: what is chosen, marked, linked, and where panels are."""

import json
import zlib
from collections.abc import Iterator

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.fleet.status import RolloutPhase
from callfleet_dashboards.boards import variables
from callfleet_dashboards.boards.fields import field_config, targets, transformations
from callfleet_dashboards.boards.foreign import firing
from callfleet_dashboards.boards.panels import WHOLE_WIDTH, Board, Panel, Row, Source
from callfleet_dashboards.boards.plugins import plugin
from callfleet_dashboards.boards.queries import REVISION, of
from callfleet_dashboards.files import SOON
from callfleet_dashboards.promql import SHARED

TAG = "callfleet"
"""Every board has it: boards link to each other by it."""
_NEW_FOR = "5m"


def written(board: Board) -> str:
    """Give the JSON that Grafana imports."""
    return f"{JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(built(board))}\n"


def built(board: Board) -> dashboard.Dashboard:
    """Make all of it.

    Raises:
        ValueError: a line of panels is not full, or its panels are not of one height.

    """
    return dashboard.Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.description,
        tags=[TAG],
        timezone="browser",
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=board.span, to="now"),
        refresh="30s",
        panels=list(_placed(board)),
        templating=dashboard.DashboardDashboardTemplating(list_val=variables.variables(board)),
        annotations=dashboard.AnnotationContainer(list_val=list(_annotations())),
        links=[_to_other_boards()],
    )


def _placed(board: Board) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    y = 0
    for row in board.rows:
        place = dashboard.GridPos(x=0, y=y, w=WHOLE_WIDTH, h=1)
        yield dashboard.RowPanel(
            collapsed=False, title=row.title, grid_pos=place, id_val=_id(row.title), panels=[]
        )
        y += 1
        for line in _lines(row):
            x = 0
            for panel in line:
                yield _panel(panel, x, y)
                x += panel.width
            y += line[0].height


def _lines(row: Row) -> Iterator[list[Panel]]:
    line: list[Panel] = []
    for panel in row.panels:
        line.append(panel)
        if len({each.height for each in line}) > 1:
            message = f"“{panel.title}” is not as high as what it is beside"
            raise ValueError(message)
        width = sum(each.width for each in line)
        if width > WHOLE_WIDTH:
            message = f"“{panel.title}” is too wide for its line by {width - WHOLE_WIDTH}"
            raise ValueError(message)
        if width == WHOLE_WIDTH:
            yield line
            line = []
    if line:
        message = f"the line of “{line[-1].title}” is not full"
        raise ValueError(message)


def _id(title: str) -> int:
    """Number a panel by its title: it keeps its number when others come or go."""
    return zlib.crc32(title.encode()) % 1_000_000 + 1


def _panel(panel: Panel, x: int, y: int) -> dashboard.Panel:
    drawn = plugin(panel)
    return dashboard.Panel(
        type_val=drawn.name,
        id_val=_id(panel.title),
        title=panel.title,
        description=panel.description,
        datasource=variables.reference(panel.queries[0].source) if panel.queries else None,
        grid_pos=dashboard.GridPos(x=x, y=y, w=panel.width, h=panel.height),
        targets=targets(panel),
        options=drawn.options,
        field_config=field_config(panel, drawn.custom),
        transformations=transformations(panel),
    )


def _annotations() -> Iterator[dashboard.AnnotationQuery]:
    """Mark on every graph what was deployed, and which alerts fired."""
    by = (*SHARED, "version", REVISION)
    versions, before = (
        of(metrics.BUILD_INFO).now(*by, how="count", ago=ago) for ago in ("", _NEW_FOR)
    )
    yield _annotation(
        "New versions", "blue", f"{versions}\nunless\n{before}", "{{version}} {{revision}}"
    )
    unfinished = tuple(phase for phase in RolloutPhase if phase is not RolloutPhase.COMPLETE)
    rolling = of(operator_metrics.ROLLOUT_PHASE, phase=unfinished).series()
    yield _annotation("Rollouts", "purple", f"{rolling} == 1", "Rollout: {{phase}}")
    yield _annotation("Alerts", "red", firing('severity!="none"'), "{{alertname}} ({{severity}})")


def _annotation(name: str, colour: str, expression: str, title: str) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        datasource=variables.reference(Source.METRICS),
        enable=True,
        icon_color=colour,
        expr=expression,
        step=SOON,
        title_format=title,
        text_format="{{namespace}}/{{fleet}}",
    )


def _to_other_boards() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Boards of callfleet",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="For the same fleets and the same time",
        url="",
        tags=[TAG],
        as_dropdown=False,
        include_vars=True,
        keep_time=True,
    )


def compact(board: Board) -> str:
    """Give the same without spaces, as small as it gets."""
    told = json.loads(written(board))
    return f"{json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n"
