"""Say how far workers' reports can be trusted. Pure.

Where too few are heard, or have a connection to LiveKit, the fault is not in single workers:
nothing shrinks, what was last known counts, and after a while the fleet is held at its fallback.
"""

from dataclasses import dataclass

from callfleet_operator.planning.seen import Seen, Standing, View

UP = frozenset(
    {
        Standing.ACCEPTING,
        Standing.RESUMING,
        Standing.GOING,
        Standing.SILENT,
        Standing.UNCONNECTED,
    }
)
UNWELL = frozenset({Standing.SILENT, Standing.UNCONNECTED})


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether the size may be decided from what is heard."""

    trusted: bool
    fresh_percent: int
    connected_percent: int
    fresh_at: float
    """When it was last trusted."""
    is_fallback: bool
    """It has not been for so long that the fallback holds."""

    def counts(self, seen: Seen, view: View) -> bool:
        """Whether a pod is to be counted on: it takes calls, will soon, or nothing better is known.

        What cannot be heard or cannot start is replaced only where others of its revision work:
        more of what does not work would not help.
        """
        if seen.leaves or not seen.uncordoned or seen.standing is Standing.GOING:
            return False
        if seen.standing in UNWELL:
            return not self.trusted or seen.pod.revision not in view.proven
        if seen.standing is Standing.STUCK:
            return seen.pod.node == "" or seen.pod.revision not in view.proven
        return True


def judge(view: View) -> Trust:
    """Judge how far reports can be trusted."""
    snapshot = view.snapshot
    metrics = snapshot.spec.autoscaling.metrics
    up = [seen for seen in view.pods if seen.standing in UP]
    asked = [seen for seen in up if not _is_unproven(seen, view)] or up
    fresh = _percent(sum(seen.fresh for seen in asked), len(asked))
    connected = _percent(sum(seen.standing not in UNWELL for seen in asked), len(asked))
    trusted = min(fresh, connected) >= metrics.min_fresh_percent
    memory = snapshot.memory
    last = memory.began_at if memory.fresh_at is None else memory.fresh_at
    fresh_at = snapshot.now if trusted else last
    is_fallback = not trusted and snapshot.now - fresh_at >= metrics.fallback.after_seconds
    return Trust(trusted, fresh, connected, fresh_at, is_fallback)


def _is_unproven(seen: Seen, view: View) -> bool:
    snapshot = view.snapshot
    is_rolled_in = snapshot.rollout.current not in ("", snapshot.target_revision)
    return (
        is_rolled_in and seen.pod.revision == snapshot.target_revision and seen.standing in UNWELL
    )


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 100
