"""Add up what the fleet's pods give: slots now, slots soon, calls that others hold. Pure."""

from collections.abc import Container
from dataclasses import dataclass, replace

from callfleet_operator.planning.seen import Seen, Standing, View
from callfleet_operator.planning.trust import Trust

COMING = frozenset({Standing.STARTING, Standing.RESUMING, Standing.STUCK})


@dataclass(frozen=True, slots=True)
class Supply:
    """What the pods give, those counted on and those that accept."""

    counted: tuple[Seen, ...]
    accepting: tuple[Seen, ...]
    """Of the counted ones, those that take calls now."""
    unit: int
    """Slots of a pod of the revision that the fleet has or gets."""
    sessions_elsewhere: int
    """Calls that pods may hold that are not counted on."""

    @property
    def counted_pods(self) -> int:
        """Pods that are counted on."""
        return len(self.counted)

    @property
    def settled_pods(self) -> int:
        """Pods counted on that neither start nor resume."""
        return sum(seen.standing not in COMING for seen in self.counted)

    @property
    def calls(self) -> int:
        """Calls on the pods counted on, as last told."""
        return sum(seen.calls for seen in self.counted)

    @property
    def slots(self) -> int:
        """Slots that take calls now."""
        return sum(seen.slots for seen in self.accepting)

    @property
    def proving_slots(self) -> int:
        """Of those, slots on workers that have been connected for long enough."""
        return sum(seen.slots for seen in self.accepting if seen.proves)

    @property
    def free_slots(self) -> int:
        """Calls that would be taken now."""
        return sum(seen.report.free for seen in self.accepting if seen.report is not None)

    def counted_slots(self, revision: str | None = None) -> int:
        """Slots counted on, of one revision or of all."""
        return sum(
            seen.slots for seen in self.counted if revision is None or seen.pod.revision == revision
        )

    def without(self, uids: Container[str]) -> "Supply":
        """Say what is left when some pods are taken out."""
        counted = tuple(seen for seen in self.counted if seen.pod.uid not in uids)
        accepting = tuple(seen for seen in self.accepting if seen.pod.uid not in uids)
        return replace(self, counted=counted, accepting=accepting)


def add_up(view: View, trust: Trust, revision: str) -> Supply:
    """Add up what the pods give, for a fleet that has, or gets, a revision."""
    counted = tuple(seen for seen in view.pods if trust.counts(seen, view))
    accepting = tuple(seen for seen in counted if seen.accepting)
    elsewhere = view.sessions - sum(seen.sessions for seen in counted)
    return Supply(counted, accepting, max(1, view.slots_of(revision)), elsewhere)
