"""Whoever is on call is told of a real fault, by the rules as they are, and of nothing else.

A night of faults is played beside the tests, which wait for the notifications; it takes minutes,
because some alerts wait for two before they disturb anybody.
"""

from collections.abc import Iterator

import pytest
from oncall_houses import Houses, built, playing
from oncall_scenes import play
from oncall_watch import Case, complaint, note

from callfleet_rehearsal.machine import SEND_LATE_LIMIT_SECONDS

pytestmark = pytest.mark.timeout(1500)

DEAR = "each reply is billed at 30 times its tokens, which are not said to be of what"
LATE = "the model takes 3.5 s longer for each reply"
FAR = "200 ms and 5 % loss between a worker and its LiveKit server"
AWAY = "the model answers every connection with 503; a call every two seconds"
CASES = (
    Case("CallfleetWatchdog", "", "none: Prometheus starts"),
    Case("CallfleetTargetDown", "gone", "a worker is killed"),
    Case("CallfleetOneWayAudio", "unheard", "nothing of one caller's sound gets through"),
    Case("CallfleetNoCapacity", "full", "one more caller than there are slots"),
    Case("CallfleetFleetOverheadBudgetPage", "far", FAR),
    Case("CallfleetFleetOverheadBudgetTicket", "far", FAR),
    Case("CallfleetMediaBudgetTicket", "far", FAR),
    Case("CallfleetTurnLatencyMeasuredBudgetTicket", "late", LATE),
    Case("CallfleetOrphanedRooms", "lonely", "a room asks for an agent that nobody is"),
    Case("CallfleetModelConnectFailing", "away", AWAY),
    Case("CallfleetCallSuccessBudgetPage", "away", AWAY),
    Case("CallfleetCallSuccessBudgetTicket", "away", AWAY),
    Case("CallfleetTurnLatencyIdealBudgetTicket", "slow", LATE),
    Case("CallfleetBargeInBudgetTicket", "deaf", "a caller has to speak for 1 s to interrupt"),
    Case("CallfleetLoopBlocked", "blocked", "a tool holds the loop up for 5 s, six times"),
    Case("CallfleetActiveCallsMismatch", "ghost", "a LiveKit server that nobody scrapes"),
    Case("CallfleetTelemetryLost", "lacking", "nobody listens where the collector should be"),
    Case("CallfleetSliAbsent", "lacking", "a relabelling drops a metric"),
    Case("CallfleetTokenUnattributedHigh", "late", DEAR),
    Case("CallfleetCostPerMinuteHigh", "late", DEAR),
)
BESIDES: dict[str, set[str]] = {
    "well": set(),
    "full": set(),
    "ghost": set(),
    # It has the model of the fleet that is late.
    "slow": {"CallfleetTokenUnattributedHigh", "CallfleetCostPerMinuteHigh"},
    # What distance adds, callers wait for.
    "far": {"CallfleetTurnLatencyIdealBudgetTicket"},
}
"""What else follows from a fleet's fault."""
OF_BUSY_PROCESSORS = {
    "CallfleetFleetOverheadBudgetPage",
    "CallfleetFleetOverheadBudgetTicket",
    "CallfleetTurnLatencyIdealBudgetTicket",
    "CallfleetLoopBlocked",
}
TALK_ALL_AT_ONCE = ("late", "far", "slow", "blocked", "deaf")
"""Where two processors are too few for so many calls, this is told of them, and rightly."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    """Everything, with faults that strike one after the other."""
    with built(tmp_path_factory.mktemp("night")) as houses, playing(play(houses), houses.watches):
        yield houses


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_somebody_is_told_of(case: Case, night: Houses) -> None:
    watch = night.watch_of(case.scene)
    told = watch.told(case.alert, case.scene)
    assert complaint(case, told) == ""
    note(case, told.arrived - watch.struck.get(case.scene, watch.began))


@pytest.mark.parametrize(
    ("alert", "scene"),
    [
        ("CallfleetNoCapacity", "full"),
        ("CallfleetOneWayAudio", "unheard"),
    ],
)
def test_and_that_it_is_over(alert: str, scene: str, night: Houses) -> None:
    watch = night.watch_of(scene)
    told = watch.told_it_is_over(alert, scene)
    print(f"{alert}: over {told.arrived - watch.mended[scene]:.0f} s after the fault")


def test_nobody_is_told_of_anything_else(night: Houses) -> None:
    expected: dict[str, set[str]] = {fleet: set(more) for fleet, more in BESIDES.items()}
    for case in CASES:
        expected.setdefault(case.scene, set()).add(case.alert)
    for fleet in TALK_ALL_AT_ONCE:
        expected[fleet] |= OF_BUSY_PROCESSORS
    fleets = (*night.crowded.workers, *night.quiet.workers)
    beside = {fleet: night.watch_of(fleet).all_told(fleet) - expected[fleet] for fleet in fleets}
    besides = {fleet: names for fleet, names in beside.items() if names}
    late = max(watch.late_seconds for watch in night.watches)
    names = {name for each in besides.values() for name in each}
    if names and names <= OF_BUSY_PROCESSORS and late > SEND_LATE_LIMIT_SECONDS:
        pytest.skip(f"the machine is too busy: callers sent {late * 1000:.0f} ms late")
    assert besides == {}
