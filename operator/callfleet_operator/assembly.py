"""Put together what an operator that leads consists of. Nothing is started here."""

import time
from dataclasses import dataclass, field

from callfleet_contract import operator_metrics as metrics
from callfleet_contract.admission import Report
from callfleet_operator.acting.applying import Acting
from callfleet_operator.acting.hands import Hands
from callfleet_operator.leading.lease import Leading
from callfleet_operator.objects.seen import SeenPod
from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.following import Following
from callfleet_operator.observing.hearing import Ignored
from callfleet_operator.observing.listening import Listening
from callfleet_operator.observing.picturing import Moment, Picturing
from callfleet_operator.observing.relisting import Relisting
from callfleet_operator.observing.store import Store
from callfleet_operator.planning.planner import plan
from callfleet_operator.reaching.admission import AdmissionClient
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.definition import Definition
from callfleet_operator.reaching.keys import Keys
from callfleet_operator.reaching.writing import Writer
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.plans import Plans
from callfleet_operator.telling.posting import Posting
from callfleet_operator.telling.ticks import TickTraces
from callfleet_operator.telling.voice import Voice
from callfleet_operator.ticking.keeping import Keeping
from callfleet_operator.ticking.rounds import Rounds
from callfleet_operator.ticking.tick import Tools


class Clock:
    """Two clocks in one: the API server's time, which never jumps here, and seconds that passed."""

    def __init__(self, skew_seconds: float) -> None:
        self._ahead = time.time() + skew_seconds - time.monotonic()

    def moment(self) -> Moment:
        """Say when it is."""
        steady = time.monotonic()
        return Moment(steady + self._ahead, steady)


@dataclass(slots=True)
class Herald:
    """Passes on what follows from reports: to be said, and to be thought over."""

    voice: Voice
    rounds: Rounds | None = field(default=None)

    def calls_lost(self, pod: SeenPod, calls: int, why: str) -> None:
        """Calls ended because their worker did."""
        self.voice.calls_lost(pod, calls, why)

    def report_ignored(self, pod: SeenPod, why: Ignored, report: Report) -> None:
        """A report was not believed."""
        self.voice.report_ignored(pod, why, report)

    def offers_refused(self, pod: SeenPod, offers: int) -> None:
        """A worker passed on offers because no slot was free."""
        self.voice.offers_refused(pod, offers)

    def worker_started(self, pod: SeenPod, seconds: float) -> None:
        """A new worker takes calls for the first time."""
        self.voice.worker_started(pod, seconds)

    def worker_changed(self, pod: SeenPod, *, at_once: bool) -> None:
        """There is something to think over."""
        if self.rounds is not None:
            self.rounds.wake(pod.fleet, at_once=at_once)


@dataclass(frozen=True, slots=True)
class Given:
    """What an operator is put together from."""

    connection: Connection
    leading: Leading
    keys: Keys
    metrics: Metrics
    plans: Plans
    traces: TickTraces
    definition: Definition
    me: str
    namespaces: tuple[str, ...]
    sees_nodes: bool
    skew_seconds: float
    """How far the API server's clock is ahead of ours."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts that are started and stopped."""

    store: Store
    admission: AdmissionClient
    listening: Listening
    following: Following
    relisting: Relisting
    rounds: Rounds
    posting: Posting

    async def close(self) -> None:
        """End what was started, the acting first."""
        await self.rounds.stop()
        await self.following.close()
        await self.listening.close()
        await self.admission.close()


def assemble(given: Given) -> Operator:
    """Put an operator together; its clock begins here."""
    store, clock = Store(), Clock(given.skew_seconds)
    connection, registry = given.connection, given.metrics

    def count(what: str, result: str) -> None:
        registry.add(metrics.API_WRITES_TOTAL, labels=(what, result))

    writer = Writer(given.leading.holds, count)
    posting = Posting(connection, writer, given.me, lambda: clock.moment().epoch)
    voice = Voice(store, registry, posting)
    herald = Herald(voice)
    began = clock.moment()
    ears = Ears(began.steady, herald)
    admission = AdmissionClient(given.keys)
    hands = Hands(connection, writer, store, given.keys.public)
    tools = Tools(
        plan=plan,
        picturing=Picturing(store, ears, sees_nodes=given.sees_nodes),
        acting=Acting(hands, admission, ears, voice, time.monotonic),
        keeping=Keeping(hands, store),
        voice=voice,
        metrics=registry,
        plans=given.plans,
        traces=given.traces,
        definition=given.definition,
        moment=clock.moment,
    )
    rounds = Rounds(store, tools, registry, began.epoch)
    herald.rounds = rounds
    listening = Listening(store, ears, admission, time.monotonic)
    following = Following(ears, connection, voice, time.monotonic)
    for one in (following, listening):
        store.listen(one)
    return Operator(
        store=store,
        admission=admission,
        listening=listening,
        following=following,
        relisting=Relisting(connection, store, given.namespaces, sees_nodes=given.sees_nodes),
        rounds=rounds,
        posting=posting,
    )
