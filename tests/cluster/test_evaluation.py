"""A furnished cluster answers calls: of fleets made by hand, in any namespace."""

from pathlib import Path
from uuid import uuid4

import pytest
from node_kubectl import WAIT, NodeKubectl

from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallEnd, TurnKind
from callfleet_tools.evaluation import Evaluation, fleets, furnish

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def agent(evaluation: Evaluation, kubectl: NodeKubectl, tmp_path: Path) -> str:
    """A fleet of the test's own that takes calls, by the name of its agent."""
    name = f"agent-{uuid4().hex[:8]}"
    few = {"minReplicas": 1, "maxReplicas": 1}
    made = [*fleets.needs(evaluation), fleets.fleet(evaluation, name, autoscaling=few)]
    kubectl.apply(made, tmp_path / "fleet.json")
    kubectl("wait", "--for=condition=Available", f"vf/{name}", WAIT)
    return name


async def test_a_fleet_in_a_namespace_of_its_own_answers_calls(
    evaluation: Evaluation, agent: str
) -> None:
    calls = (CallPlan(1, (TurnKind.PLAIN, TurnKind.TOOL)), CallPlan(2, (TurnKind.PLAIN,)))
    plan = RunPlan(
        livekit_url=evaluation.livekit_url,
        api_key=evaluation.api_key,
        api_secret=evaluation.api_secret,
        agent_name=agent,
        run_id=uuid4().hex[:6],
        calls=calls,
    )
    records = await run(plan, lambda _: None)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * len(calls)
    turns = [turn for record in records for turn in record.turns]
    assert [turn.kind for turn in turns if turn.heard] == [turn.kind for turn in turns]


def test_furnishing_again_changes_nothing(evaluation: Evaluation) -> None:
    before = pods(evaluation)
    assert furnish(evaluation.cluster) == evaluation
    assert pods(evaluation) == before


def pods(evaluation: Evaluation) -> list[str]:
    spaces = (evaluation.namespace, evaluation.livekit_namespace)
    listed = [evaluation.cluster.kubectl("-n", one, "get", "pods", "-o=name") for one in spaces]
    return sorted("".join(listed).split())
