"""What contenders carry is searched in turn, and one that breaks does not carry so many."""

from pathlib import Path

import pytest
from synthetic import rehearsal

from callfleet_rehearsal.bench.carried import Carried
from callfleet_rehearsal.bench.contenders import OURS, PLAIN
from callfleet_rehearsal.bench.run import KINDS, Plan
from callfleet_rehearsal.capacity.run import Manner, Tried
from callfleet_rehearsal.capacity.search import Step
from callfleet_rehearsal.command import carrying
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.stack.errors import StackError

CARRIES = {PLAIN.key: 3, OURS.key: 18}
PLAN = Plan((PLAIN, OURS), (1,), rounds=1)
VERDICT = judge(rehearsal())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said of a search on a machine of which plain breaks and ours holds less and less."""

    def try_calls(calls: int, manner: Manner, folder: Path) -> Tried:
        key = folder.name.partition("-")[0]
        assert manner.kinds_of(calls) == (KINDS,) * calls
        assert (manner.start is None) == (key == OURS.key)
        if key == PLAIN.key and calls > CARRIES[key]:
            message = (
                "worker ended by itself with signal SIGKILL; the end of its log (x):\n  a line"
            )
            raise StackError(message)
        return Tried(Step(calls, calls <= CARRIES[key]), VERDICT, rehearsal(), 0.0)

    monkeypatch.setattr(carrying, "try_calls", try_calls)
    return []


def test_each_is_searched_to_the_end_and_the_reason_is_told(
    said: list[str], tmp_path: Path
) -> None:
    plain, ours = carrying.carried((PLAIN, OURS), PLAN, tmp_path, said.append)
    broke = "worker ended by itself with signal SIGKILL"
    assert plain == Carried(PLAIN.key, 3, 4, known=True, why=broke)
    assert (ours.held, ours.failed, ours.known) == (18, 19, True)


def test_they_try_in_turn_until_one_is_done(said: list[str], tmp_path: Path) -> None:
    carrying.carried((PLAIN, OURS), PLAN, tmp_path, said.append)
    order = [line.partition(",")[0] for line in said]
    both = 2 * min(order.count(PLAIN.key), order.count(OURS.key))
    assert order[:both] == [PLAIN.key, OURS.key] * (both // 2)
    assert said[0] == "plain, 8 calls: too many (worker ended by itself with signal SIGKILL)"
    assert said[1] == "callfleet, 8 calls: held"
