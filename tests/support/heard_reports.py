"""Reports of a worker, and one who remembers what follows from them."""

from dataclasses import replace
from typing import Any

from callfleet_contract.admission import Report
from callfleet_operator.objects.seen import Key, SeenPod
from callfleet_operator.observing.hearing import Ignored

POD = SeenPod(Key("voice", "talkers"), "talkers-a", "uid-a", 1, 0.0)
OTHER = replace(POD, name="talkers-b", uid="uid-b")
FIRST = Report(
    pod_uid="uid-a",
    boot_id="boot-1",
    sequence=1,
    epoch=0,
    cordoned=False,
    registered=True,
    draining=False,
    slots=2,
    reserved=0,
    active=0,
    accepted_total=0,
    ended_total=0,
    refused_total=0,
    cut_total=0,
    call_seconds_total=0.0,
)


def after(report: Report, **facts: Any) -> Report:
    return replace(report, **{"sequence": report.sequence + 1, **facts})


class Told:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lost = 0
        self.ignored: list[Ignored] = []
        self.refused = 0
        self.started: list[float] = []
        self.woken: list[bool] = []

    def calls_lost(self, pod: SeenPod, calls: int, why: str) -> None:
        assert pod.uid
        assert why
        self.lost += calls

    def report_ignored(self, pod: SeenPod, why: Ignored, report: Report) -> None:
        assert pod.uid != report.pod_uid or why is not Ignored.ANOTHER_POD
        self.ignored.append(why)

    def offers_refused(self, pod: SeenPod, offers: int) -> None:
        assert pod.uid
        self.refused += offers

    def worker_started(self, pod: SeenPod, seconds: float) -> None:
        assert pod.uid
        self.started.append(seconds)

    def worker_changed(self, pod: SeenPod, *, at_once: bool) -> None:
        assert pod.uid
        self.woken.append(at_once)
