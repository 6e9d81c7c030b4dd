"""What each worker last said, and what follows from it. No I/O, and no clock of its own.

Only a report that a worker made itself, of its present boot, and newer than the last is believed.
A worker that is silent is believed nothing.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from callfleet_contract.admission import Report
from callfleet_operator.planning.snapshot import Cordon, Doubt, Doubted, Heard


class Ignored(StrEnum):
    """Why a report is not believed."""

    ANOTHER_POD = "another_pod"
    OLD_BOOT = "old_boot"
    OLD = "old"


DOUBTS = {Ignored.ANOTHER_POD: Doubt.ANOTHER_POD, Ignored.OLD_BOOT: Doubt.OLD_BOOT}


@dataclass(frozen=True, slots=True)
class Gained:
    """What one report adds to what was known."""

    ignored: Ignored | None = None
    came: int = 0
    ended: int = 0
    call_seconds: float = 0.0
    refused: int = 0
    lost: int = 0
    """Calls that ended because their worker, or a process of it, did."""
    first_accepting: bool = False
    changed: bool = False
    """Something else than totals is new: calls, slots, whether it accepts, its epoch."""
    filled: bool = False
    """Its last free slot was taken, or it passed on an offer."""


@dataclass(slots=True)
class Ear:
    """What is known of one pod's worker."""

    pod_uid: str
    is_new: bool
    """Its pod was made while this operator watched: its totals count from nothing."""
    latest: Report | None = None
    heard_at: float = 0.0
    idle_since: float | None = None
    connected_since: float | None = None
    boots: set[str] = field(default_factory=set)
    has_accepted: bool = False
    doubted: Doubted | None = None
    """As it was at ``doubted_at``."""
    doubted_at: float = 0.0

    def hear(self, report: Report, at: float) -> Gained:
        """Take in a report that arrived at an instant."""
        before = self.latest
        ignored = self._ignored(report)
        if ignored is not None:
            return Gained(ignored=ignored, changed=self._doubt(ignored, report, at))
        rebooted = before is not None and before.boot_id != report.boot_id
        self._note_idle(report, at, rebooted)
        self._note_connected(report, at, rebooted)
        self.boots.add(report.boot_id)
        self.latest, self.heard_at = report, at
        self.doubted = None
        first_accepting = report.accepting and not self.has_accepted
        self.has_accepted |= report.accepting
        if before is None:
            return self._first(report, first_accepting)
        base = _nothing_yet(report) if rebooted else before
        refused = max(0, report.refused_total - base.refused_total)
        return Gained(
            came=max(0, _arrived(report) - _arrived(base)),
            ended=max(0, report.ended_total - base.ended_total),
            call_seconds=max(0.0, report.call_seconds_total - base.call_seconds_total),
            refused=refused,
            lost=max(0, report.cut_total - base.cut_total) + (before.calls if rebooted else 0),
            first_accepting=first_accepting,
            changed=rebooted or _state(before) != _state(report),
            filled=refused > 0 or (report.accepting and report.free == 0 and before.free > 0),
        )

    def heard(self, now: float, cordon: Cordon | None) -> Heard | None:
        """Say what was last heard, as of now; idleness counts under the present order alone."""
        if self.latest is None:
            return None
        idle_for = 0.0
        obeys = cordon is None or self.latest.epoch == cordon.epoch
        if self.idle_since is not None and obeys:
            idle_for = self.heard_at - self.idle_since
        connected_for = 0.0
        if self.connected_since is not None:
            connected_for = self.heard_at - self.connected_since
        return Heard(self.latest, max(0.0, now - self.heard_at), idle_for, connected_for)

    def refused(self, why: str, at: float) -> bool:
        """Take in that what answers lets nobody listen; tell whether that is new."""
        return self._note(Doubted(Doubt.REFUSED, why, 0.0), at)

    def doubts(self, now: float) -> Doubted | None:
        """Say what was not believed since this pod's own worker was last heard, as of now."""
        if self.doubted is None:
            return None
        return replace(self.doubted, age_seconds=max(0.0, now - self.doubted_at))

    def calls_lost_with_it(self) -> int:
        """Say how many calls ended with a pod that is gone: those it last said it had. Once."""
        latest, self.latest = self.latest, None
        self.idle_since = None
        return latest.calls if latest is not None else 0

    def _first(self, report: Report, first_accepting: bool) -> Gained:
        return Gained(
            came=_arrived(report) if self.is_new else 0,
            ended=report.ended_total,
            call_seconds=report.call_seconds_total,
            refused=report.refused_total if self.is_new else 0,
            lost=report.cut_total if self.is_new else 0,
            first_accepting=first_accepting and self.is_new,
            changed=True,
            filled=report.accepting and report.free == 0,
        )

    def _ignored(self, report: Report) -> Ignored | None:
        if report.pod_uid != self.pod_uid:
            return Ignored.ANOTHER_POD
        before = self.latest
        if before is not None and report.boot_id == before.boot_id:
            return Ignored.OLD if report.sequence <= before.sequence else None
        return Ignored.OLD_BOOT if report.boot_id in self.boots else None

    def _doubt(self, ignored: Ignored, report: Report, at: float) -> bool:
        """Note who answers in this pod's place; one that is only late is no other."""
        why = DOUBTS.get(ignored)
        if why is None:
            return False
        told = report.pod_uid if why is Doubt.ANOTHER_POD else report.boot_id
        return self._note(Doubted(why, told, 0.0), at)

    def _note(self, doubted: Doubted, at: float) -> bool:
        """Note a doubt. Whose word it was that the worker is idle is not certain any more."""
        is_new = self.doubted != doubted
        self.doubted, self.doubted_at = doubted, at
        self.idle_since = None
        return is_new

    def _note_idle(self, report: Report, at: float, rebooted: bool) -> None:
        before = self.latest
        if not report.idle:
            self.idle_since = None
        elif (
            self.idle_since is None
            or rebooted
            or before is None
            or before.epoch != report.epoch
            or before.accepted_total != report.accepted_total
        ):
            self.idle_since = at

    def _note_connected(self, report: Report, at: float, rebooted: bool) -> None:
        if not report.registered:
            self.connected_since = None
        elif self.latest is None and not self.is_new:
            self.connected_since = -math.inf
        elif self.connected_since is None or rebooted:
            self.connected_since = at


def _arrived(report: Report) -> int:
    return report.accepted_total - report.given_back_total


def _nothing_yet(report: Report) -> Report:
    return Report(
        pod_uid=report.pod_uid,
        boot_id=report.boot_id,
        sequence=0,
        epoch=0,
        cordoned=False,
        registered=False,
        draining=False,
        slots=report.slots,
        reserved=0,
        active=0,
        accepted_total=0,
        ended_total=0,
        refused_total=0,
        cut_total=0,
        call_seconds_total=0.0,
    )


def _state(report: Report) -> tuple[int | bool, ...]:
    return (
        report.epoch,
        report.cordoned,
        report.registered,
        report.draining,
        report.slots,
        report.calls,
    )
