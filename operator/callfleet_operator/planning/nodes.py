"""Take workers off nodes that leave, as soon as callers find a free slot without them. Pure.

Replacements are started at once, because these workers are not counted on. Those of them that
callers still need go on taking calls until then: a cluster of which all nodes leave still answers.
"""

from callfleet_operator.planning.actions import Reason, SetCordon
from callfleet_operator.planning.orders import order
from callfleet_operator.planning.seen import Seen, View
from callfleet_operator.planning.supply import Supply


def leave(view: View, supply: Supply, incoming_slots: int) -> dict[str, SetCordon]:
    """Cordon the workers on nodes that leave, fullest first; by the pods' uids.

    ``incoming_slots`` have to be free elsewhere for calls that come before a replacement does.
    """
    leaving = [seen for seen in view.pods if seen.uncordoned and seen.leaves]
    free = supply.free_slots + sum(_free(seen) for seen in leaving)
    reserve = max(1, incoming_slots)
    cordoned = dict[str, SetCordon]()
    for seen in sorted(leaving, key=lambda seen: (_free(seen), seen.pod.name)):
        if _free(seen) == 0 or free - _free(seen) >= reserve:
            free -= _free(seen)
            action = order(seen, cordon=True, reason=Reason.NODE_LEAVES, now=view.snapshot.now)
            cordoned[seen.pod.uid] = action
    return cordoned


def _free(seen: Seen) -> int:
    return seen.report.free if seen.accepting and seen.report is not None else 0
