"""Say what happens, each thing once: a log line with the reason, a metric, an Event."""

import structlog

from callfleet_contract import operator_metrics as metrics
from callfleet_contract.admission import Report
from callfleet_contract.metric import Metric
from callfleet_operator.objects.happenings import About, Happening, about_fleet, about_pod
from callfleet_operator.objects.seen import Key, SeenFleet, SeenPod
from callfleet_operator.observing.hearing import Ignored
from callfleet_operator.observing.store import Store
from callfleet_operator.planning.actions import Action, Create, Delete, Reason, Remind, SetCordon
from callfleet_operator.reaching.problems import Problem, Trouble
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.posting import Posting

log = structlog.get_logger("callfleet_operator")

_QUIET_TROUBLES = (Trouble.CONFLICT, Trouble.GONE)


def labels(fleet: Key) -> tuple[str, str]:
    """Give the labels that name a fleet."""
    return fleet.namespace, fleet.name


class Voice:
    """Says it."""

    def __init__(self, store: Store, metrics_: Metrics, posting: Posting) -> None:
        self._store = store
        self._metrics = metrics_
        self._posting = posting

    def created(self, fleet: SeenFleet, action: Create, pod: SeenPod) -> None:
        """A pod was made."""
        log.info(
            "pod changed",
            action="created",
            fleet=str(fleet.key),
            pod=pod.name,
            revision=action.revision,
            reason=action.reason.value,
        )
        self._decided(fleet, "created", action.reason)
        self._post(
            about_fleet(fleet),
            "PodCreated",
            f"Created pods of revision {action.revision} ({action.reason})",
        )

    def done(self, fleet: SeenFleet, action: Action, now: float) -> None:
        """Something was done to a pod, at an instant."""
        if isinstance(action, Create):
            return
        pod, what = action.pod, _verb(action)
        log.info(
            "pod changed",
            action=what,
            fleet=str(fleet.key),
            pod=pod.name,
            revision=pod.revision,
            reason=action.reason.value,
            calls=pod.heard.report.calls if pod.heard else None,
            epoch=action.epoch if isinstance(action, SetCordon) else None,
        )
        self._decided(fleet, what, action.reason)
        cordon = pod.cordon
        if isinstance(action, Delete) and cordon is not None and cordon.cordoned and cordon.since:
            drained_for = max(0.0, now - cordon.since)
            self._metrics.observe(metrics.DRAIN_SECONDS, drained_for, labels(fleet.key))
        if isinstance(action, Remind):
            return
        about = About("v1", "Pod", fleet.key.namespace, pod.name, pod.uid)
        self._post(about, f"Pod{what.capitalize()}", _sentence(action), _is_bad(action))

    def failed(self, fleet: SeenFleet, action: Action, problem: Problem) -> None:
        """Something was not done."""
        say = log.info if problem.trouble in _QUIET_TROUBLES else log.warning
        say(
            "pod not changed",
            action=_verb(action),
            fleet=str(fleet.key),
            reason=action.reason.value,
            trouble=problem.trouble.value,
            error=problem.sentence,
        )
        if problem.trouble is Trouble.REFUSED:
            self._post(about_fleet(fleet), f"Cannot{_noun(action)}", problem.sentence, warning=True)

    def calls_lost(self, pod: SeenPod, calls: int, why: str) -> None:
        """Calls ended because their worker did."""
        log.error(
            "calls ended by infrastructure",
            fleet=str(pod.fleet),
            pod=pod.name,
            node=pod.node,
            calls=calls,
            why=why,
        )
        self._metrics.add(metrics.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL, calls, labels(pod.fleet))
        message = f"{calls} calls on pod {pod.name} ended: {why}"
        fleet = self._store.fleets.get(pod.fleet)
        if fleet is not None:
            self._post(about_fleet(fleet), "CallsLost", message, warning=True)

    def report_ignored(self, pod: SeenPod, why: Ignored, report: Report) -> None:
        """A report was not believed."""
        log.warning(
            "a report was not believed",
            fleet=str(pod.fleet),
            pod=pod.name,
            why=why.value,
            told_pod_uid=report.pod_uid,
            told_boot=report.boot_id,
        )
        self._metrics.add(
            metrics.ADMISSION_REPORTS_IGNORED_TOTAL, labels=(*labels(pod.fleet), why.value)
        )
        what = "another pod" if why is Ignored.ANOTHER_POD else "an earlier boot of its container"
        sentence = (
            f"At {pod.address}:{pod.port} a worker of {what} answers; it is not believed, and "
            "this pod counts as busy until its own worker is heard"
        )
        self._post(about_pod(pod), "ReportNotBelieved", sentence, warning=True)

    def offers_refused(self, pod: SeenPod, offers: int) -> None:
        """A worker passed on offers because no slot was free."""
        self._metrics.add(metrics.CALLS_BLOCKED_TOTAL, offers, (*labels(pod.fleet), "no_slot"))

    def worker_started(self, pod: SeenPod, seconds: float) -> None:
        """A new worker takes calls for the first time."""
        log.info("a worker accepts calls", fleet=str(pod.fleet), pod=pod.name, seconds=seconds)
        self._metrics.observe(metrics.POD_START_SECONDS, seconds, labels(pod.fleet))

    def pod_released(self, pod: SeenPod) -> None:
        """A pod is there and no longer the fleet's: somebody took its label."""
        log.warning("a pod was taken out of its fleet", fleet=str(pod.fleet), pod=pod.name)
        sentence = (
            "The fleet's label was taken off: this pod is left alone from now on, its calls go "
            "on, and new ones may come; delete it when it has none"
        )
        self._post(about_pod(pod), "PodReleased", sentence, warning=True)

    def fleet_trouble(self, fleet: SeenFleet, reason: str, sentence: str) -> None:
        """Something about a fleet has to be mended by a person."""
        log.warning("fleet in trouble", fleet=str(fleet.key), reason=reason, error=sentence)
        self._post(about_fleet(fleet), reason, sentence, warning=True)

    def _decided(self, fleet: SeenFleet, what: str, reason: Reason) -> None:
        self._metrics.add(metrics.DECISIONS_TOTAL, labels=(*labels(fleet.key), what, reason.value))

    def _post(self, about: About, reason: str, message: str, warning: bool = False) -> None:
        self._posting.say(Happening(about, reason, message, warning))

    def count(self, metric: Metric, *values: str) -> None:
        """Raise a counter by one."""
        self._metrics.add(metric, labels=values)


def _verb(action: Action) -> str:
    match action:
        case Create():
            return "created"
        case SetCordon():
            return "cordoned" if action.cordon else "uncordoned"
        case Remind():
            return "reminded"
        case Delete():
            return "deleted"
        case _:
            return "relabelled"


def _noun(action: Action) -> str:
    return {"Create": "CreatePod", "Delete": "DeletePod"}.get(type(action).__name__, "ChangePod")


def _is_bad(action: Action) -> bool:
    return isinstance(action, Delete) and action.ends_calls


def _sentence(action: Action) -> str:
    match action:
        case SetCordon(cordon=True):
            return f"Takes no more calls ({action.reason}); those that it has go on"
        case SetCordon():
            return f"Takes calls again ({action.reason})"
        case Delete(ends_calls=True):
            return f"Deleted with calls that outlast the drain's deadline ({action.reason})"
        case Delete():
            return f"Deleted ({action.reason})"
        case _:
            return f"Its label says again whether it is to take calls ({action.reason})"
