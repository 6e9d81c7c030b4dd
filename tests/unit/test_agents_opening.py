"""What an agent says first: a greeting, or to a caller who was cut off, that they were."""

from unittest.mock import MagicMock, PropertyMock, patch

import pytest
from livekit.agents import Agent

from callfleet_worker.persona import PersonaAgent, load_agent
from callfleet_worker.settings import Settings

GREETING, CUT_OFF, OWN = "Greet the caller.", "Say sorry for the line.", "Ask for the password."


class OwnAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Count to three.")

    async def on_enter(self) -> None:
        self.session.generate_reply(instructions=OWN)


class OwnWayAgent(PersonaAgent):
    async def on_enter(self) -> None:
        self.session.generate_reply(instructions=OWN)


class OwnToolsAgent(PersonaAgent):
    pass


def settings(agent: type[Agent] | None, **persona: str) -> Settings:
    path = f"{__name__}:{agent.__name__}" if agent else None
    words = {"greeting": GREETING, "cut_off": CUT_OFF, **persona}
    livekit = {"url": "ws://localhost", "api_key": "key", "api_secret": "s" * 32}
    told = {"livekit": livekit, "model": {"keys": ["key"]}, "persona": words, "agent_class": path}
    return Settings.model_validate(told)


async def opening(told: Settings, *, rescues: bool) -> list[str]:
    """What the model is told to say when the agent enters."""
    agent = load_agent(told, rescues=rescues)
    session = MagicMock()
    with patch.object(Agent, "session", new_callable=PropertyMock, return_value=session):
        await agent.on_enter()
    return [call.kwargs["instructions"] for call in session.generate_reply.call_args_list]


@pytest.mark.parametrize("agent", [None, OwnToolsAgent])
async def test_a_caller_who_was_cut_off_is_told_so_in_place_of_a_greeting(
    agent: type[Agent] | None,
) -> None:
    told = settings(agent)
    assert await opening(told, rescues=False) == [GREETING]
    assert await opening(told, rescues=True) == [CUT_OFF]


@pytest.mark.parametrize("agent", [OwnAgent, OwnWayAgent])
async def test_an_agent_with_an_opening_of_its_own_has_it_after_that(agent: type[Agent]) -> None:
    told = settings(agent)
    assert await opening(told, rescues=False) == [OWN]
    assert await opening(told, rescues=True) == [CUT_OFF, OWN]


async def test_an_agent_that_waits_for_callers_speaks_to_one_who_was_cut_off() -> None:
    assert await opening(settings(None, greeting=""), rescues=False) == []
    assert await opening(settings(None, greeting=""), rescues=True) == [CUT_OFF]


async def test_with_nothing_to_say_to_them_they_are_greeted_as_any_other() -> None:
    assert await opening(settings(None, cut_off=" "), rescues=True) == [GREETING]
