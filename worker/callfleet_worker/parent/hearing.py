"""Take what calls tell: count it, log it, trace it; and notice calls that tell no more."""

import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from typing import Protocol

import structlog

from callfleet_contract import metrics
from callfleet_contract.events import CallEnded, CallEvent, CallStarted, ToolOffered, TurnMeasured
from callfleet_contract.outcomes import CallReason
from callfleet_worker.parent.ledger import Ledger, Totals
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler, was_answered

# So long may a process be gone before a call that it never spoke of counts as dropped.
_SILENCE_SECONDS = 2.0

_log = structlog.get_logger("callfleet.calls")


class Telemetry(Protocol):
    """Where events go besides Prometheus."""

    def trace(self, event: CallEvent) -> str:
        """Add an event to its call's trace; give the trace's id."""


class Hearing:
    """Everything that the parent knows of its calls comes through here."""

    def __init__(
        self,
        registry: Registry,
        sampler: Sampler,
        telemetry: Telemetry | None,
        on_death: Callable[[str, str], None] | None = None,
    ) -> None:
        """Listen.

        Args:
            registry: Where samples are counted.
            sampler: Makes the samples.
            telemetry: Where events go besides.
            on_death: Told call and room whenever a call's process has died.

        """
        self._registry = registry
        self._sampler = sampler
        self._telemetry = telemetry
        self._on_death = on_death
        self._ledger = Ledger()
        self.on_change: Callable[[], None] = _nobody
        """Told whenever a call begins or ends, without ever waiting for what it does."""

    @property
    def active(self) -> int:
        """Calls that are open now."""
        return self._ledger.active

    @property
    def open(self) -> AbstractSet[str]:
        """Which calls are open now."""
        return self._ledger.open

    @property
    def totals(self) -> Totals:
        """What became of all calls so far."""
        return self._ledger.totals

    def expect_tools(self, names: Iterable[str]) -> None:
        """Show nought for tools that calls have, before any is called."""
        for name in names:
            self._registry.expect_tool(self._sampler.tool_label(name))

    def accepted(self, call_id: str, room: str) -> None:
        """Note a call that was accepted; its process has yet to speak."""
        self._ledger.accept(call_id, room, time.monotonic_ns())
        self.on_change()

    def given_back(self, call_id: str) -> None:
        """Take back a call that another worker was given after all."""
        self._ledger.forget(call_id)
        self.on_change()

    def heard(self, event: CallEvent) -> None:
        """Take one event of a call."""
        if not self._ledger.take(event):
            return
        if isinstance(event, (CallStarted, CallEnded)):
            self.on_change()
        if isinstance(event, ToolOffered):
            self.expect_tools([event.tool])
        if isinstance(event, TurnMeasured):
            event = replace(event, calls_active=max(1, self.active))
        trace_id = "" if self._telemetry is None else self._telemetry.trace(event)
        facts = {"trace_id": trace_id, "call_id": event.call_id}
        for sample in self._sampler.samples(event):
            leads = sample.metric is metrics.TURN_RESPONSE_SECONDS
            self._registry.feed(sample, facts if leads else None)
        _tell(event)

    def refused(self) -> None:
        """Count a line that was no event."""
        self._registry.add(metrics.EVENTS_REFUSED_TOTAL)

    def hung_up(self, call_ids: set[str]) -> None:
        """Note that a process is gone; calls that it left open were dropped."""
        self._bury(self._ledger.line_lost(call_ids, time.monotonic_ns()))

    def look_for_silent(self, held: set[str]) -> None:
        """Find calls whose process died before it could speak."""
        now_ns = time.monotonic_ns()
        self._bury(self._ledger.never_spoke(held, _SILENCE_SECONDS, now_ns))

    def _bury(self, dead: tuple[CallEnded, ...]) -> None:
        for ended in dead:
            self.heard(ended)
            if self._on_death is not None:
                self._on_death(ended.call_id, ended.room)

    def show(self, slots: int, *, accepting: bool) -> None:
        """Bring the gauges up to date."""
        gauges = {
            metrics.CALLS_ACTIVE: self.active,
            metrics.CALL_SLOTS: slots,
            metrics.ACCEPTING: int(accepting),
        }
        for metric, value in gauges.items():
            self._registry.set(metric, value)


def _nobody() -> None:
    """Tell nobody."""


def _tell(event: CallEvent) -> None:
    if isinstance(event, TurnMeasured):
        facts = asdict(event)
        if was_answered(event):
            facts["response_seconds"] = event.response_seconds
            facts["fleet_overhead_seconds"] = event.fleet_overhead_seconds
        _log.info("turn", **facts)
    elif isinstance(event, CallEnded):
        tell = _log.warning if event.reason is CallReason.PROCESS_DIED else _log.info
        tell("call ended", **asdict(event))
