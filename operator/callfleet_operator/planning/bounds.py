"""Decide how many workers are to accept calls: what is wanted, within what is allowed. Pure."""

import math
from dataclasses import dataclass, field, replace

from callfleet_contract.fleet.spec import FallbackBehavior, Hold, Mode
from callfleet_contract.fleet.status import Limit
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.seen import View
from callfleet_operator.planning.sizing import Demand
from callfleet_operator.planning.snapshot import Changed, Memory, Snapshot
from callfleet_operator.planning.supply import Supply
from callfleet_operator.planning.trust import Trust
from callfleet_operator.planning.windows import recent, with_least, with_most

PANIC_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many pods are to accept calls, and why."""

    pods: int
    wanted: int
    """Before anything limited it."""
    reason: Reason
    limit: Limit
    memory: Memory
    may_shrink: bool
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Steps:
    """A number on its way through the rules, and what each made of it."""

    pods: int
    limit: Limit = Limit.NONE
    notes: list[str] = field(default_factory=list)

    def at_least(self, pods: int, limit: Limit, words: str) -> None:
        if self.pods < pods:
            self._set(pods, limit, words)

    def at_most(self, pods: int, limit: Limit, words: str) -> None:
        if self.pods > pods:
            self._set(pods, limit, words)

    def _set(self, pods: int, limit: Limit, words: str) -> None:
        self.notes.append(f"{words}: {pods} in place of {self.pods}")
        self.pods, self.limit = pods, limit


def size(view: View, trust: Trust, supply: Supply, demand: Demand) -> Size:
    """Decide how many pods are to accept calls."""
    if view.snapshot.spec.autoscaling.mode is Mode.MANUAL:
        return _manual(view, trust, supply)
    return _Deciding(view, trust, supply, demand).decide()


def _manual(view: View, trust: Trust, supply: Supply) -> Size:
    snapshot = view.snapshot
    auto = snapshot.spec.autoscaling
    current = _current(view, supply)
    wanted = current if snapshot.spec.replicas is None else snapshot.spec.replicas
    steps = _Steps(wanted, notes=[f"mode is Manual, and spec.replicas is {snapshot.spec.replicas}"])
    _hold(steps, auto.hold, current)
    _bound(steps, view, supply)
    memory = Memory(
        began_at=snapshot.now,
        fresh_at=trust.fresh_at,
        refused_total=snapshot.arrivals.refused_total,
        desired=steps.pods,
    )
    may_shrink = trust.trusted and auto.hold is not Hold.SCALE_IN
    return Size(
        pods=steps.pods,
        wanted=wanted,
        reason=Reason.MANUAL,
        limit=steps.limit,
        memory=memory,
        may_shrink=may_shrink,
        notes=tuple(steps.notes),
    )


def before(snapshot: Snapshot) -> int | None:
    """Say what was decided last; None where nothing is known of it."""
    decided = snapshot.memory.desired
    return snapshot.desired_before if decided is None else decided


def _current(view: View, supply: Supply) -> int:
    decided = before(view.snapshot)
    return supply.counted_pods if decided is None else decided


def _hold(steps: _Steps, hold: Hold, current: int) -> None:
    if hold is Hold.SCALE_IN:
        steps.at_least(current, Limit.HOLD, "autoscaling.hold is ScaleIn")
    elif hold is Hold.SCALE_OUT:
        steps.at_most(current, Limit.HOLD, "autoscaling.hold is ScaleOut")


def _bound(steps: _Steps, view: View, supply: Supply) -> None:
    auto = view.snapshot.spec.autoscaling
    steps.at_most(auto.max_replicas, Limit.MAX_REPLICAS, f"maxReplicas is {auto.max_replicas}")
    steps.at_most(auto.most_pods, Limit.MAX_TOTAL_PODS, f"at most {auto.most_pods} pods in all")
    if auto.external_session_limit is not None:
        left = max(0, auto.external_session_limit - supply.sessions_elsewhere)
        words = (
            f"externalSessionLimit is {auto.external_session_limit}, of which other pods may use "
            f"{supply.sessions_elsewhere}"
        )
        steps.at_most(left // supply.unit, Limit.SESSIONS, words)


class _Deciding:
    """One decision in mode Auto."""

    def __init__(self, view: View, trust: Trust, supply: Supply, demand: Demand) -> None:
        self.view = view
        self.snapshot = view.snapshot
        self.now = view.snapshot.now
        self.auto = view.snapshot.spec.autoscaling
        self.memory = view.snapshot.memory
        self.trust = trust
        self.supply = supply
        self.demand = demand
        self.current = _current(view, supply)
        ran_out = supply.slots > 0 and supply.free_slots == 0
        refused = self.snapshot.arrivals.refused_total > self.memory.refused_total
        self.exhausted = ran_out or refused
        self.exhausted_at = self.now if self.exhausted else self.memory.exhausted_at
        self.in_panic = (
            self.exhausted_at is not None and self.now - self.exhausted_at < PANIC_SECONDS
        )

    def decide(self) -> Size:
        wanted, reason = self._wanted()
        down, up = self.auto.scale_down, self.auto.scale_up
        most = with_most(self.memory.wanted, self.now, wanted, down.stabilization_seconds)
        least = with_least(self.memory.wanted_least, self.now, wanted, up.stabilization_seconds)
        steps = _Steps(wanted, notes=self._told(wanted))
        self._slow_down(steps, most[0].wanted)
        self._slow_up(steps, least[0].wanted)
        reason = self._fall_back(steps, reason)
        if steps.pods < self.auto.min_replicas:
            reason = Reason.MINIMUM
        words = f"minReplicas is {self.auto.min_replicas}"
        steps.at_least(self.auto.min_replicas, Limit.MIN_REPLICAS, words)
        if wanted < steps.pods == self.auto.min_replicas:
            steps.limit = Limit.MIN_REPLICAS
        _hold(steps, self.auto.hold, self.current)
        before_bounds = steps.pods
        _bound(steps, self.view, self.supply)
        is_cut = steps.pods < min(before_bounds, self.supply.counted_pods)
        memory = Memory(
            began_at=self.memory.began_at,
            wanted=tuple(most),
            wanted_least=tuple(least),
            changes=self._changes(steps.pods),
            exhausted_at=self.exhausted_at,
            fresh_at=self.trust.fresh_at,
            refused_total=self.snapshot.arrivals.refused_total,
            desired=steps.pods,
        )
        may_shrink = (
            self.trust.trusted
            and self._settled
            and (is_cut or (not self.in_panic and self.auto.hold is not Hold.SCALE_IN))
        )
        return Size(
            pods=steps.pods,
            wanted=wanted,
            reason=reason,
            limit=steps.limit,
            memory=memory,
            may_shrink=may_shrink,
            notes=tuple(steps.notes),
        )

    @property
    def _settled(self) -> bool:
        """Whether this operator has watched for as long as it takes to know what is enough."""
        return self.now - self.memory.began_at >= self.auto.scale_down.stabilization_seconds

    def _wanted(self) -> tuple[int, Reason]:
        wanted = self.demand.pods(self.supply.unit)
        if self.exhausted and wanted <= self.supply.settled_pods:
            return self.supply.settled_pods + 1, Reason.EXHAUSTED
        return wanted, Reason.EXHAUSTED if self.exhausted else Reason.DEMAND

    def _told(self, wanted: int) -> list[str]:
        need = self.demand
        words = (
            f"{need.calls} calls, {need.expected:.1f} ± {need.deviation:.1f} expected when a new "
            f"worker could be there; times {need.quantile:.2f} and with "
            f"{self.auto.headroom.min_idle_slots} idle slots: {need.slots:.1f} slots, "
            f"{need.pods(self.supply.unit)} pods of {self.supply.unit}"
        )
        told = [words]
        if self.exhausted:
            told.append(f"slots ran out or a call was refused: at least {wanted} pods")
        return told

    def _slow_down(self, steps: _Steps, most: int) -> None:
        down = self.auto.scale_down
        start = self.current - sum(
            change.pods
            for change in recent(self.memory.changes, self.now, down.period_seconds)
            if change.pods < 0
        )
        least = start - max(1, start * down.max_percent // 100)
        words = f"at most {down.max_percent}% less in {down.period_seconds} s"
        steps.at_least(min(self.current, least), Limit.RATE, words)
        words = f"so many were wanted within the last {down.stabilization_seconds} s"
        steps.at_least(min(self.current, most), Limit.STABILIZATION, words)
        if not self._settled:
            words = f"this operator has watched for less than {down.stabilization_seconds} s"
            steps.at_least(self.current, Limit.STABILIZATION, words)
        if self.in_panic:
            words = f"slots ran out within the last {PANIC_SECONDS:.0f} s"
            steps.at_least(self.current, Limit.STABILIZATION, words)
        if not self.trust.trusted:
            words = (
                f"{self.trust.fresh_percent}% of reports are fresh, {self.trust.connected_percent}%"
                f" of workers connected; {self.auto.metrics.min_fresh_percent}% are needed"
            )
            steps.at_least(self.current, Limit.STALE_REPORTS, words)

    def _slow_up(self, steps: _Steps, least: int) -> None:
        up = self.auto.scale_up
        if not self.exhausted:
            words = f"no more were wanted all of the last {up.stabilization_seconds} s"
            steps.at_most(max(self.current, least), Limit.STABILIZATION, words)
        added = sum(
            change.pods
            for change in recent(self.memory.changes, self.now, up.period_seconds)
            if change.pods > 0
        )
        start = max(0, self.current - added)
        most = start + max(up.max_pods, math.ceil(start * up.max_percent / 100))
        words = f"at most {most - start} more in {up.period_seconds} s"
        steps.at_most(max(self.current, most), Limit.RATE, words)

    def _fall_back(self, steps: _Steps, reason: Reason) -> Reason:
        if not self.trust.is_fallback:
            return reason
        fallback, replicas = self.auto.metrics.fallback, self.auto.fallback_replicas
        words = f"workers cannot be heard, and metrics.fallback.replicas is {replicas}"
        held = max(self.current, replicas)
        if fallback.behavior is FallbackBehavior.STATIC:
            steps.at_most(held, Limit.STALE_REPORTS, words)
        steps.at_least(held, Limit.STALE_REPORTS, words)
        return Reason.FALLBACK

    def _changes(self, pods: int) -> tuple[Changed, ...]:
        longest = max(self.auto.scale_up.period_seconds, self.auto.scale_down.period_seconds)
        changes = recent(self.memory.changes, self.now, longest)
        if pods != self.current:
            changes.append(Changed(self.now, pods - self.current))
        return tuple(changes)


def forget(memory: Memory, now: float) -> Memory:
    """Begin to watch anew: what was wanted while nothing was done tells nothing."""
    return replace(memory, began_at=now, wanted=(), wanted_least=(), changes=())
