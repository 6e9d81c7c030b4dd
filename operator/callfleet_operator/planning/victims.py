"""Say which workers go first. Pure.

Not ready, then of an old revision, then without calls, then with the fewest calls on the emptiest
node, then the youngest.
"""

from collections import Counter
from collections.abc import Iterable

from callfleet_operator.planning.seen import Seen, View


def in_order(candidates: Iterable[Seen], view: View, revision: str = "") -> list[Seen]:
    """Sort workers, those that go first first; ``revision`` is the one that is not old, if any."""
    on_node: Counter[str] = Counter()
    for seen in view.pods:
        on_node[seen.pod.node] += seen.calls

    def key(seen: Seen) -> tuple[bool, bool, int, int, float, str]:
        pod = seen.pod
        is_old = revision not in ("", pod.revision)
        calls_there = on_node[pod.node]
        return (seen.accepting, not is_old, seen.calls, calls_there, -pod.created_at, pod.name)

    return sorted(candidates, key=key)
