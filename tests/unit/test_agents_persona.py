"""Which agent talks, and what a wrong path is answered with."""

import pytest
from livekit.agents import Agent

from callfleet_worker.agents.orders import OrdersAgent
from callfleet_worker.persona import (
    AgentClassError,
    PersonaAgent,
    check_agent,
    instructions_of,
    load_agent,
    load_agent_class,
    own_tools,
)
from callfleet_worker.settings import PersonaSettings, Settings, load


class OwnAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Count to three.")


class NeedsMore(PersonaAgent):
    def __init__(self, settings: Settings, database: str) -> None:
        super().__init__(settings)
        self.database = database


NOT_A_CLASS = 3


def settings(**more: str) -> Settings:
    return load(
        {
            "LIVEKIT_URL": "ws://localhost:7880",
            "LIVEKIT_API_KEY": "devkey",
            "LIVEKIT_API_SECRET": "s" * 32,
            "GOOGLE_API_KEY": "key",
            **more,
        }
    )


def test_without_a_class_the_persona_alone_is_the_agent() -> None:
    agent = load_agent(settings(CALLFLEET_PERSONA__INSTRUCTIONS="You sell flowers."))
    assert isinstance(agent, PersonaAgent)
    assert "You sell flowers." in str(agent.instructions)
    assert "en-US" in str(agent.instructions)


def test_the_example_agent_keeps_the_persona_and_adds_its_rules() -> None:
    chosen = settings(
        CALLFLEET_AGENT_CLASS="callfleet_worker.agents.orders:OrdersAgent",
        CALLFLEET_PERSONA__INSTRUCTIONS="You are Ada.",
    )
    agent = load_agent(chosen)
    assert isinstance(agent, OrdersAgent)
    assert "You are Ada." in str(agent.instructions)
    assert "order number" in str(agent.instructions)
    assert [tool.id for tool in agent.tools] == ["look_up_order"]


def test_tools_of_a_class_are_known_without_an_agent() -> None:
    orders = settings(CALLFLEET_AGENT_CLASS="callfleet_worker.agents.orders:OrdersAgent")
    assert own_tools(orders) == ["look_up_order"]
    assert own_tools(settings()) == []


def test_language_is_asked_for_in_words() -> None:
    assert "de-DE" in instructions_of(PersonaSettings(language="de-DE"))


def test_a_class_of_ones_own_is_built_without_arguments() -> None:
    assert load_agent_class(f"{__name__}:OwnAgent") is not None
    assert load_agent(settings(CALLFLEET_AGENT_CLASS=f"{__name__}:OwnAgent")).instructions == (
        "Count to three."
    )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "no_such_package.agents:Mine",
            "no_such_package.agents cannot be imported (ModuleNotFoundError",
        ),
        ("callfleet_worker.agents.orders:Wrong", "has no Wrong: it has OrdersAgent"),
        ("callfleet_worker.model.roster:Roster", "is no class derived from livekit.agents.Agent"),
        (f"{__name__}:NOT_A_CLASS", "is no class derived from"),
        (f"{__name__}:NeedsMore", "cannot be called with the settings alone"),
    ],
)
def test_a_wrong_path_is_answered_with_its_cure(path: str, words: str) -> None:
    with pytest.raises(AgentClassError) as raised:
        load_agent_class(path)
    assert words in str(raised.value)
    assert path in str(raised.value)


def test_what_the_class_itself_finds_wrong_is_told_at_start_up() -> None:
    check_agent(settings())
    orders = "callfleet_worker.agents.orders:OrdersAgent"
    check_agent(settings(CALLFLEET_AGENT_CLASS=orders))
    with pytest.raises(AgentClassError, match="CALLFLEET_DATABASE_URL is no database"):
        check_agent(settings(CALLFLEET_AGENT_CLASS=orders, CALLFLEET_DATABASE_URL="oracle://x/y"))
