"""Say in sentences how a plan came about. Pure."""

from collections import Counter

from callfleet_operator.planning.actions import Action, Create, Relabel, Remind, SetCordon
from callfleet_operator.planning.bounds import Size
from callfleet_operator.planning.rollout import Course
from callfleet_operator.planning.trust import Trust


def explain(trust: Trust, course: Course, size: Size, actions: list[Action]) -> tuple[str, ...]:
    """Say what was trusted, what was wanted, what limited it, and what is done for which reason."""
    notes = [
        f"{trust.fresh_percent}% of workers freshly heard, {trust.connected_percent}% connected: "
        + ("trusted" if trust.trusted else "not trusted, so nothing shrinks"),
        *size.notes,
        "1 pod is to accept calls" if size.pods == 1 else f"{size.pods} pods are to accept calls",
    ]
    if course.rolling:
        step = course.status.step + 1
        notes.append(f"revision {course.to} takes the place of {course.old}, step {step}")
    done = Counter[str]()
    for action in actions:
        done[_verb(action)] += action.count if isinstance(action, Create) else 1
    notes += [f"{verb}: {pods}" for verb, pods in done.items()]
    return tuple(notes)


def _verb(action: Action) -> str:
    if isinstance(action, Create):
        return f"create pods of {action.revision} ({action.reason})"
    if isinstance(action, SetCordon):
        return f"{'cordon' if action.cordon else 'take calls again'} ({action.reason})"
    if isinstance(action, Remind):
        return "send the order again"
    if isinstance(action, Relabel):
        return "write the label again"
    return f"delete ({action.reason})"
