"""On a real call: what both say is told where content is asked for, and nowhere else."""

from typing import Any

import pytest
from call_stage import on_stage
from worker_stand import until

from callfleet_contract.events import ModelSessionEvent, Said, TurnMeasured
from callfleet_contract.outcomes import ModelSessionChange
from callfleet_rehearsal.stack.livekit import LiveKitServer

COLLECTOR = "http://127.0.0.1:4318"
TRANSCRIBED = {"transcription": {"caller": True, "agent": True}}


@pytest.mark.parametrize(
    ("telemetry", "model", "roles"),
    [
        ({"content": True, "redact": "(?i)order"}, TRANSCRIBED, {"user", "assistant"}),
        ({}, TRANSCRIBED, set()),
        ({"content": True}, {}, set()),
    ],
    ids=["asked for", "not asked for", "asked for but not transcribed"],
)
async def test_what_both_say_is_told_where_it_is_asked_for_and_transcribed(
    livekit_server: LiveKitServer,
    telemetry: dict[str, Any],
    model: dict[str, Any],
    roles: set[str],
) -> None:
    telemetry = {"otlp_endpoint": COLLECTOR, **telemetry}
    async with on_stage(livekit_server, telemetry=telemetry, model=model) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        await phone.asks(1)
        await until(lambda: bool(stage.of(TurnMeasured)), "measured")
        await phone.silence()
        await until(lambda: roles <= {said.role for said in stage.of(Said)}, "told")
        told = stage.of(Said)
        assert {said.role for said in told} == roles
        assert not any("order" in said.text.lower() for said in told)
        (opened,) = stage.of(ModelSessionEvent)
        assert (opened.change, opened.model) == (ModelSessionChange.OPENED, stage.call._model.model)
