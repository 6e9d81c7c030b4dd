"""Remember what was wanted and what changed, no longer than it matters. Pure.

Of a window's history only what may still be its most (or least) is kept: each entry is below
(above) those before it, so there are never more than numbers that a size can have.
"""

from collections.abc import Callable
from operator import ge, le

from callfleet_operator.planning.snapshot import Changed, Sized


def with_most(history: tuple[Sized, ...], now: float, wanted: int, seconds: float) -> list[Sized]:
    """Add to a history of which the most matters; the first is the most of the window."""
    return _kept(history, Sized(now, wanted), seconds, le)


def with_least(history: tuple[Sized, ...], now: float, wanted: int, seconds: float) -> list[Sized]:
    """Add to a history of which the least matters; the first is the least of the window."""
    return _kept(history, Sized(now, wanted), seconds, ge)


def recent(changes: tuple[Changed, ...], now: float, seconds: float) -> list[Changed]:
    """Changes of the last seconds; those that a clock set back dates later count as of now."""
    return [change for change in changes if now - change.at < seconds]


def _kept(
    history: tuple[Sized, ...],
    newest: Sized,
    seconds: float,
    is_outdone: Callable[[int, int], bool],
) -> list[Sized]:
    kept = [
        entry
        for entry in history
        if newest.at - entry.at <= seconds and not is_outdone(entry.wanted, newest.wanted)
    ]
    return [*kept, newest]
