"""Make a trace of a tick: its steps, and below the one that applies the plan each action.

tick
├─ observe
├─ plan
├─ apply
│  └─ create pod, cordon, delete pod …
└─ report
"""

import time

import structlog
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from callfleet_operator.objects.seen import Key
from callfleet_operator.planning.actions import Create, Delete, Relabel, Remind, SetCordon
from callfleet_operator.telling.ticks import Did, TickTold
from callfleet_service.otlp.identity import in_trace

TICK, APPLY = "tick", "apply"
Facts = dict[str, AttributeValue]


class TickSpans:
    """Tells ticks to a collector."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._decided: dict[Key, tuple[object, ...]] = {}

    def tell(self, fleet: Key, told: TickTold) -> None:
        """Tell a tick that somebody may look for, in the trace that its log lines name."""
        if not told.is_worth_telling(self._decided.get(fleet, ())):
            return
        self._decided[fleet] = told.decided
        with in_trace(str(structlog.contextvars.get_contextvars().get("trace_id", ""))):
            tick = self._tracer.start_span(
                TICK, start_time=_wall_ns(told.began_ns), attributes=_facts(fleet, told)
            )
        for step in told.steps:
            span = self._child(tick, step.name, (step.began_ns, step.ended_ns), {})
            if step.name == APPLY:
                for did in told.did:
                    self._action(span, did)
        if told.error:
            tick.set_status(Status(StatusCode.ERROR, told.error))
            tick.set_attribute("error.type", told.error)
        elif told.problems:
            tick.set_status(Status(StatusCode.ERROR, told.problems[0].sentence))
        tick.end(_wall_ns(told.ended_ns))

    def forget(self, fleet: Key) -> None:
        """Forget a fleet that is gone."""
        self._decided.pop(fleet, None)

    def _action(self, parent: Span, did: Did) -> None:
        action = did.action
        facts: Facts = {"callfleet.reason": action.reason.value}
        if isinstance(action, Create):
            facts["callfleet.revision"] = action.revision
        else:
            facts["k8s.pod.name"] = action.pod.name
            facts["k8s.pod.uid"] = action.pod.uid
        if isinstance(action, Delete):
            facts["callfleet.ends_calls"] = action.ends_calls
        self._child(parent, _name(did), (did.began_ns, did.ended_ns), facts, did)

    def _child(
        self,
        parent: Span,
        name: str,
        between_ns: tuple[int, int],
        facts: Facts,
        did: Did | None = None,
    ) -> Span:
        span = self._tracer.start_span(
            name,
            set_span_in_context(parent),
            start_time=_wall_ns(between_ns[0]),
            attributes=facts,
        )
        if did is not None and did.problem is not None:
            span.set_status(Status(StatusCode.ERROR, did.problem.sentence))
            span.set_attribute("error.type", did.problem.trouble.value)
        span.end(_wall_ns(between_ns[1]))
        return span


def _facts(fleet: Key, told: TickTold) -> Facts:
    facts: Facts = {"callfleet.fleet": str(fleet), "callfleet.actions": len(told.did)}
    if told.plan is not None:
        facts["callfleet.desired_pods"] = told.plan.desired
        facts["callfleet.why"] = told.plan.why.value
        facts["callfleet.limited_by"] = told.plan.limited_by.value
        facts["callfleet.message"] = told.plan.message
    return facts


def _name(did: Did) -> str:
    match did.action:
        case Create():
            return "create pod"
        case SetCordon(cordon=True):
            return "cordon pod"
        case SetCordon():
            return "uncordon pod"
        case Remind():
            return "remind pod"
        case Relabel():
            return "relabel pod"
        case Delete():
            return "delete pod"


def _wall_ns(monotonic_ns: int) -> int:
    return monotonic_ns + time.time_ns() - time.monotonic_ns()
