"""On real calls: what is counted of tokens and cost is the model's own ledger, to the token."""

from collections import Counter

import pytest
from call_stage import Stage, on_stage
from model_bench import arm
from phone import Phone

from callfleet_contract import metrics
from callfleet_contract.events import ModelSessionEvent, TokensUsed, UsageDoubted
from callfleet_contract.outcomes import ModelSessionChange
from callfleet_rehearsal.emulator import EmulatorConfig
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker.parent.samples import Sampler

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
USD_PER_MILLION = {("input", "audio"): 3.0, ("input", "text"): 0.5, ("output", "audio"): 12.0}
"""The list prices of that model, a second time."""
NEVER_RESUMED = EmulatorConfig(handle_lifetime_seconds=0.0)

Sums = Counter[tuple[str, str]]


def counted(stage: Stage) -> Sums:
    sums: Sums = Counter()
    for event in stage.of(TokensUsed):
        assert (event.model, event.kind) == (MODEL, "billed")
        sums[event.direction, event.modality] += event.tokens
    return sums


def ledger(stage: Stage) -> Sums:
    sums: Sums = Counter()
    for line in stage.emulator.log.all("usage"):
        sums["input", "audio"] += line["prompt_audio"]
        sums["input", "text"] += line["prompt_text"]
        sums["output", "audio"] += line["response_audio"]
    return sums


def cost_usd(stage: Stage) -> float:
    sampler = Sampler()
    samples = [one for event in stage.job.events for one in sampler.samples(event)]
    return sum(one.value for one in samples if one.metric is metrics.COST_USD_TOTAL)


async def loses_its_connection(stage: Stage, phone: Phone, turn: int) -> None:
    """Ask for something and lose the connection before the reply, which comes all the same."""
    await arm(stage.emulator, "reset", session="any", turn=turn, at="think")
    await phone.asks(turn)


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (EmulatorConfig(), ModelSessionChange.RESUMED),
        (NEVER_RESUMED, ModelSessionChange.SWAPPED),
    ],
    ids=["over a reconnect", "over a swap"],
)
async def test_tokens_and_cost_are_those_of_the_models_ledger(
    livekit_server: LiveKitServer,
    config: EmulatorConfig,
    change: ModelSessionChange,
) -> None:
    async with on_stage(livekit_server, config, model={"names": [MODEL]}) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        await phone.asks(1)
        await loses_its_connection(stage, phone, 2)
        await phone.asks(3)
        await phone.leave()
        await stage.ended()
        assert change in {event.change for event in stage.of(ModelSessionEvent)}
        assert len(stage.emulator.log.all("usage")) >= 4
        assert counted(stage) == ledger(stage)
        usd = sum(ledger(stage)[key] * price for key, price in USD_PER_MILLION.items()) / 1e6
        assert cost_usd(stage) == pytest.approx(usd)
        assert stage.of(UsageDoubted) == []
