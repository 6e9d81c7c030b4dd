"""How far another's clock is from ours, by the date of what it answers. No clock of its own."""

from email.utils import parsedate_to_datetime

_UNHEEDED_SECONDS = 2.0
"""Dates have whole seconds: less is no difference."""
_MINUTES_FROM_SECONDS = 120.0


def skew_seconds(asked_at: float, answered_at: float, date: str) -> float:
    """Say how far a clock is ahead that wrote this date between two instants.

    0 where it is not, or where the date cannot be read.
    """
    try:
        dated = parsedate_to_datetime(date).timestamp() + 0.5
    except (TypeError, ValueError):
        return 0.0
    skew = dated - (asked_at + answered_at) / 2
    return round(skew, 1) if abs(skew) > _UNHEEDED_SECONDS else 0.0


def in_words(seconds: float) -> str:
    """Say roughly how long that is, so that the same is said again of nearly the same."""
    if seconds < _MINUTES_FROM_SECONDS:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
