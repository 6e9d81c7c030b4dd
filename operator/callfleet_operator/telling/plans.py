"""Keep what was last decided for each fleet, for whoever asks why."""

from typing import Any

from callfleet_operator.objects.seen import Key
from callfleet_operator.planning.actions import Action, Create, Plan, Relabel, Remind, SetCordon


class Plans:
    """The last plan of each fleet, as JSON has it."""

    def __init__(self) -> None:
        self._told: dict[Key, dict[str, Any]] = {}

    def keep(self, fleet: Key, plan: Plan, at: float) -> None:
        """Keep a plan; the one before is forgotten."""
        self._told[fleet] = {
            "fleet": str(fleet),
            "at": round(at, 3),
            "desired": plan.desired,
            "why": plan.why.value,
            "limitedBy": plan.limited_by.value,
            "message": plan.message,
            "actions": [sentence(action) for action in plan.actions],
            "notes": list(plan.notes),
        }

    def forget(self, fleet: Key) -> None:
        """Forget a fleet that is gone."""
        self._told.pop(fleet, None)

    def of(self, fleet: Key) -> dict[str, Any] | None:
        """Give a fleet's last plan; None where there is none."""
        return self._told.get(fleet)


def sentence(action: Action) -> str:
    """Say what an action does, to which pod, and why."""
    if isinstance(action, Create):
        pods = "a pod" if action.count == 1 else f"{action.count} pods"
        return f"create {pods} of revision {action.revision}: {action.reason}"
    name = action.pod.name
    if isinstance(action, SetCordon):
        does = f"cordon {name}" if action.cordon else f"have {name} take calls again"
        return f"{does}: {action.reason}"
    if isinstance(action, Remind):
        return f"send {name} its order again: {action.reason}"
    if isinstance(action, Relabel):
        return f"write the label of {name} again: {action.reason}"
    ends = ", which ends its calls" if action.ends_calls else ""
    return f"delete {name}{ends}: {action.reason}"
