"""Decide whose a lease is, and how long it may be trusted. No clock of its own, no network.

Only time that passed on one's own clock counts: what another machine dated is never compared.
"""

from dataclasses import dataclass

DURATION_SECONDS = 15.0
"""Who waits takes a lease that was not renewed for so long."""
TRUST_SECONDS = 9.0
"""Who leads and could not renew for so long stops: a request under way has time to end."""
RENEW_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it was seen: whose it is, and what changes with each renewal."""

    holder: str
    renewed: str
    """The renewal time as it is written, and the number of the term; only its change matters."""
    duration_seconds: float = DURATION_SECONDS


class Waiting:
    """Watches a lease of somebody else's."""

    def __init__(self) -> None:
        self._last: Held | None = None
        self._since = 0.0

    def may_take(self, held: Held, me: str, now: float) -> bool:
        """Tell whether a lease is free: nobody's, one's own, or not renewed for its duration."""
        if held.holder in ("", me):
            return True
        if self._last != held:
            self._last, self._since = held, now
            return False
        return now - self._since >= held.duration_seconds


class Trust:
    """How long one's own lease may be trusted. Once it may not, it never may again.

    Whoever asked then has stopped: a renewal that comes late must not leave an operator that leads
    and has parts that do not act.
    """

    def __init__(self) -> None:
        self._renewed_at: float | None = None
        self._is_over = False

    def renewed(self, asked_at: float) -> None:
        """The API server took a renewal that was asked for at an instant."""
        if not self._is_over:
            self._renewed_at = asked_at

    def lost(self) -> None:
        """Somebody else holds it."""
        self._is_over |= self._renewed_at is not None
        self._renewed_at = None

    def holds(self, now: float) -> bool:
        """Tell whether one still leads."""
        if self._renewed_at is None:
            return False
        if now - self._renewed_at >= TRUST_SECONDS:
            self.lost()
            return False
        return True
