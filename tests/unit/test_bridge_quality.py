"""Every second of a caller's connection is of one quality, and is told once."""

from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.outcomes import CallerQuality
from callfleet_worker.bridge.quality import QualitySeconds

SECOND = 1_000_000_000
GOOD, POOR = CallerQuality.GOOD, CallerQuality.POOR

qualities = st.none() | st.sampled_from(CallerQuality)
changes = st.lists(st.tuples(qualities, st.integers(0, 10 * SECOND), st.booleans()))


def test_seconds_belong_to_the_quality_that_was() -> None:
    watched = QualitySeconds()
    watched.becomes(GOOD, 10 * SECOND)
    watched.becomes(POOR, 13 * SECOND)
    assert watched.take(14 * SECOND) == ((GOOD, 3.0), (POOR, 1.0))
    assert watched.take(16 * SECOND) == ((POOR, 2.0),)


def test_what_is_not_known_is_not_counted() -> None:
    watched = QualitySeconds()
    assert watched.take(5 * SECOND) == ()
    watched.becomes(None, 6 * SECOND)
    watched.becomes(GOOD, 7 * SECOND)
    watched.becomes(None, 8 * SECOND)
    assert watched.take(99 * SECOND) == ((GOOD, 1.0),)


@given(changes)
def test_all_seconds_are_told_once_however_often_they_are_taken(
    steps: list[tuple[CallerQuality | None, int, bool]],
) -> None:
    watched, at_ns, known_ns, told = QualitySeconds(), 0, 0, 0.0
    current: CallerQuality | None = None
    for quality, later_ns, is_taken in steps:
        at_ns += later_ns
        known_ns += later_ns if current is not None else 0
        if is_taken:
            told += sum(seconds for _, seconds in watched.take(at_ns))
        current = quality
        watched.becomes(quality, at_ns)
    told += sum(seconds for _, seconds in watched.take(at_ns))
    assert abs(told - known_ns / SECOND) < 1e-6


def test_an_instant_before_the_last_takes_nothing_back() -> None:
    watched = QualitySeconds()
    watched.becomes(GOOD, 10 * SECOND)
    assert watched.take(9 * SECOND) == ()
