"""All boards, in the order in which one looks at them. Pure."""

from callfleet_dashboards.boards import cost, objectives, operators, overview, quality, single
from callfleet_dashboards.boards.panels import Board


def boards() -> tuple[Board, ...]:
    """Give them."""
    rooms = (overview, quality, objectives, cost, operators, single)
    return tuple(room.board() for room in rooms)
