"""The one disruption budget of a fleet: nothing but the operator takes its pods away. Pure.

``maxUnavailable`` would be counted from the fleet's scale, and pods that are not ready evicted past
it: so no fleet reaches this number, and every eviction is refused.
"""

from lightkube.resources.policy_v1 import PodDisruptionBudget

from callfleet_contract.fleet import names
from callfleet_operator.objects.making import make
from callfleet_operator.objects.owners import owner_reference
from callfleet_operator.objects.seen import Key

MIN_AVAILABLE = 1_000_000


def build_budget(fleet: Key, uid: str) -> PodDisruptionBudget:
    """Make the budget."""
    return make(
        PodDisruptionBudget,
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {
                "name": fleet.name,
                "namespace": fleet.namespace,
                "labels": {
                    names.FLEET_LABEL: fleet.name,
                    "app.kubernetes.io/managed-by": "callfleet-operator",
                },
                "ownerReferences": [owner_reference(fleet, uid)],
            },
            "spec": {
                "minAvailable": MIN_AVAILABLE,
                "unhealthyPodEvictionPolicy": "IfHealthyBudget",
                "selector": {"matchLabels": {names.FLEET_LABEL: fleet.name}},
            },
        },
    )


def is_of(budget: PodDisruptionBudget, uid: str) -> bool:
    """Tell whether a budget is a fleet's."""
    owners = (budget.metadata.ownerReferences if budget.metadata else None) or ()
    return any(one.uid == uid for one in owners)


def is_as_built(budget: PodDisruptionBudget, uid: str) -> bool:
    """Tell whether a budget that was found does what it is there for."""
    spec, meta = budget.spec, budget.metadata
    if spec is None or meta is None or meta.namespace is None or meta.name is None:
        return False
    wanted = build_budget(Key(meta.namespace, meta.name), uid).spec
    return (
        is_of(budget, uid)
        and wanted is not None
        and spec.minAvailable == wanted.minAvailable
        and spec.maxUnavailable is None
        and spec.selector == wanted.selector
    )
