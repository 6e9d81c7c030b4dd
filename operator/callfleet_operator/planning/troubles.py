"""Say what is wrong with a fleet that a person has to mend, and how. Sentences alone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from callfleet_contract.fleet.spec import Mode, OnDeadline
from callfleet_contract.fleet.status import RolloutPhase
from callfleet_operator.planning.draining import is_overdue
from callfleet_operator.planning.rollout import Course, is_to_be_undone
from callfleet_operator.planning.seen import OVER, RESUME_SECONDS, Seen, Standing, View, age_seconds
from callfleet_operator.planning.snapshot import Doubt
from callfleet_operator.planning.trust import Trust

NAMES_TOLD = 3
MOST_CHARACTERS = 500
"""Of what others say."""
UNSCHEDULED_SECONDS = 30.0

CURES = {
    "ErrImagePull": "check template.image and template.imagePullSecrets",
    "ImagePullBackOff": "check template.image and template.imagePullSecrets",
    "InvalidImageName": "template.image is no image's name",
    "ErrImageNeverPull": "template.imagePullPolicy is Never, and the image is not on the node",
    "CreateContainerConfigError": "check that each of template.secrets, and what template.env "
    "refers to, is there",
    "CreateContainerError": "check template.image and template.resources",
    "CrashLoopBackOff": "read its log: kubectl logs POD --previous",
    "RunContainerError": "check template.image and template.resources",
}
KEPT = "counted as busy and kept"
ANSWERS = {
    Doubt.ANOTHER_POD: (
        "WrongPodAnswers",
        "the worker of pod uid {told} answers",
        "see which pods share that address (kubectl get pods -A -o wide)",
    ),
    Doubt.OLD_BOOT: (
        "OldBootAnswers",
        "an earlier start of its container, boot {told}, answers again",
        "see what else listens on its admission port",
    ),
    Doubt.REFUSED: (
        "ListeningRefused",
        "{told}",
        "see whether another pod has that address, or this pod another operator's public key",
    ),
}
AND_DELETE = "delete the pod when its calls have ended"
OTHER_CURE = "see kubectl describe pod"
LIVEKIT_CURE = "check LiveKit, LIVEKIT_URL and the API key in template.secrets"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: a word for it, and a sentence that says what to do."""

    word: str
    sentence: str


def troubles(view: View, trust: Trust, course: Course) -> list[Trouble]:
    """Say all that is wrong, what matters most first."""
    about_fleet = (_agent_name, _create_refused, _replicas_missing)
    about_pods = (
        _containers,
        _not_started,
        _unscheduled,
        _silent,
        _strangers,
        _unconnected,
        _heedless,
        _overdue,
    )
    found = [trouble for tell in about_fleet for trouble in tell(view)]
    found += _rollout(view, course)
    found += [trouble for tell in about_pods for trouble in tell(view)]
    if trust.is_fallback:
        fallback = view.snapshot.spec.autoscaling.metrics.fallback.replicas
        sentence = f"the fleet is held at no less than {fallback} workers meanwhile"
        found.append(Trouble("Fallback", sentence))
    return found


def names(pods: Iterable[Seen]) -> str:
    """Name a few pods, and say how many there are besides."""
    all_names = sorted(seen.pod.name for seen in pods)
    told = ", ".join(all_names[:NAMES_TOLD])
    more = len(all_names) - NAMES_TOLD
    return f"{told} and {more} more" if more > 0 else told


def counted(pods: int, noun: str = "worker") -> str:
    """Say how many, in the singular or the plural."""
    return f"{pods} {noun}" if pods == 1 else f"{pods} {noun}s"


def _some(
    view: View, word: str, belongs: Callable[[Seen], bool], sentence: Callable[[list[Seen]], str]
) -> Iterator[Trouble]:
    pods = [seen for seen in view.pods if belongs(seen)]
    if pods:
        yield Trouble(word, sentence(pods))


def _agent_name(view: View) -> Iterator[Trouble]:
    snapshot = view.snapshot
    if snapshot.agent_name_taken_by:
        name = snapshot.spec.agent_name or snapshot.name
        yield Trouble(
            "AgentNameTaken",
            f"agent name {name} is that of the older fleet {snapshot.agent_name_taken_by} on the "
            "same LiveKit, so calls reach either: set another agentName",
        )


def _create_refused(view: View) -> Iterator[Trouble]:
    if view.snapshot.create_refused:
        said = view.snapshot.create_refused[:MOST_CHARACTERS]
        yield Trouble(
            "CreateRefused",
            f"the API server refuses new pods: {said}; mend the template, or raise the quota",
        )


def _replicas_missing(view: View) -> Iterator[Trouble]:
    spec = view.snapshot.spec
    if spec.autoscaling.mode is Mode.MANUAL and spec.replicas is None:
        yield Trouble("ReplicasMissing", "autoscaling.mode is Manual: set spec.replicas")


def _rollout(view: View, course: Course) -> Iterator[Trouble]:
    told = course.status
    if told.phase is RolloutPhase.FAILED:
        yield Trouble("RolloutFailed", f"{told.message}; change the template, or undo the rollout")
    elif told.target in told.undone and not is_to_be_undone(view, told):
        yield Trouble(
            "RolloutUndone",
            f"{told.message}; the fleet is back at revision {told.current}: change the template",
        )
    elif is_to_be_undone(view, told) and told.target not in told.undone:
        sentence = f"revision {told.target} cannot be undone: none that worked is kept before it"
        yield Trouble("UndoImpossible", sentence)


def _containers(view: View) -> Iterator[Trouble]:
    by_word = dict[str, list[Seen]]()
    for seen in view.pods:
        if seen.pod.trouble and not seen.fresh and seen.standing is not Standing.FINISHED:
            by_word.setdefault(_word(seen.pod.trouble), []).append(seen)
    for word, pods in sorted(by_word.items()):
        said = pods[0].pod.trouble[:MOST_CHARACTERS]
        cure = CURES.get(word, OTHER_CURE)
        yield Trouble(
            word, f"{counted(len(pods), 'pod')} cannot start ({names(pods)}): {said}; {cure}"
        )


def _not_started(view: View) -> Iterator[Trouble]:
    return _some(
        view,
        "NotStarted",
        lambda seen: (
            seen.standing is Standing.STUCK and seen.pod.node != "" and not seen.pod.trouble
        ),
        lambda pods: (
            f"{counted(len(pods), 'pod')} without a running container, older than the "
            f"{view.start_timeout_seconds:.0f} s that a start may take ({names(pods)}); "
            f"{OTHER_CURE}"
        ),
    )


def _word(trouble: str) -> str:
    """Take what can stand as a condition's reason: the first word, letters and figures alone."""
    first = trouble.replace(":", " ").split() or [""]
    word = "".join(sign for sign in first[0] if sign.isascii() and sign.isalnum())[:64]
    return word if word[:1].isalpha() else "ContainerTrouble"


def _unscheduled(view: View) -> Iterator[Trouble]:
    now = view.snapshot.now

    def waits(seen: Seen) -> bool:
        is_old = age_seconds(seen.pod, now) >= UNSCHEDULED_SECONDS
        return seen.uncordoned and seen.pod.node == "" and not seen.pod.running and is_old

    return _some(
        view,
        "NoNode",
        waits,
        lambda pods: (
            f"{counted(len(pods), 'pod')} found no node ({names(pods)}): add nodes, or "
            "lower template.resources"
        ),
    )


def _silent(view: View) -> Iterator[Trouble]:
    after = view.snapshot.spec.autoscaling.metrics.stale_after_seconds

    def is_silent(seen: Seen) -> bool:
        is_drained = seen.standing is Standing.DRAINING and not seen.fresh and seen.pod.running
        return (seen.standing is Standing.SILENT or is_drained) and seen.doubted is None

    return _some(
        view,
        "StaleReports",
        is_silent,
        lambda pods: (
            f"{counted(len(pods))} not heard for {after} s ({names(pods)}): they count as "
            "busy and are kept; see whether the operator reaches their admission port"
        ),
    )


def _strangers(view: View) -> Iterator[Trouble]:
    for why, (word, what, cure) in ANSWERS.items():
        pods = [
            seen
            for seen in view.pods
            if seen.doubted is not None and seen.doubted.why is why and seen.standing not in OVER
        ]
        told = next((seen.doubted.told[:MOST_CHARACTERS] for seen in pods if seen.doubted), "")
        if pods:
            yield Trouble(
                word,
                f"{counted(len(pods), 'pod')} answered for by what is not believed "
                f"({names(pods)}): {what.format(told=told)}; {KEPT}; {cure}, and {AND_DELETE}",
            )


def _unconnected(view: View) -> Iterator[Trouble]:
    return _some(
        view,
        "NotConnected",
        lambda seen: seen.standing is Standing.UNCONNECTED or _knows_why(seen),
        lambda pods: (
            f"{counted(len(pods))} without a connection to LiveKit ({names(pods)}): "
            f"{_said_of_livekit(pods) or LIVEKIT_CURE}"
        ),
    )


def _knows_why(seen: Seen) -> bool:
    """Whether a worker that is to be connected soon says itself what is in its way."""
    said = seen.report.unconnected if seen.report is not None and seen.fresh else ""
    return seen.standing is Standing.STARTING and said != ""


def _said_of_livekit(pods: list[Seen]) -> str:
    """Quote a worker that knows what is in its way: it stands nearer than an operator."""
    said = (seen.report.unconnected for seen in pods if seen.report is not None)
    return next((sentence[:MOST_CHARACTERS] for sentence in said if sentence), "")


def _heedless(view: View) -> Iterator[Trouble]:
    now = view.snapshot.now

    def is_heedless(seen: Seen) -> bool:
        cordon, report = seen.pod.cordon, seen.report
        if cordon is None or report is None or not seen.fresh or seen.standing is Standing.ENDING:
            return False
        is_late = cordon.since > 0 and now - cordon.since >= RESUME_SECONDS
        return is_late and report.epoch < cordon.epoch

    return _some(
        view,
        "OrdersNotObeyed",
        is_heedless,
        lambda pods: (
            f"{counted(len(pods))} without obedience to the order on the pod "
            f"({names(pods)}): see whether they have this operator's public key"
        ),
    )


def _overdue(view: View) -> Iterator[Trouble]:
    seconds = view.snapshot.spec.max_call_seconds
    if view.snapshot.spec.drain.on_deadline is OnDeadline.TERMINATE:
        return iter(())
    return _some(
        view,
        "DrainOverdue",
        lambda seen: is_overdue(seen, view),
        lambda pods: (
            f"{counted(len(pods))} drained for longer than {seconds} s "
            f"(drain.maxCallSeconds) with {counted(sum(seen.calls for seen in pods), 'call')} "
            f"({names(pods)}): they are kept; to end the calls, delete the pods or set "
            "drain.onDeadline: Terminate"
        ),
    )
