"""Who talks on a call: a persona from the settings, or an Agent class named by import path."""

import importlib
import inspect

from livekit.agents import Agent, llm

from callfleet_worker.settings import PersonaSettings, Settings

_SETTING = "CALLFLEET_AGENT_CLASS"


class AgentClassError(ValueError):
    """``agent_class`` names nothing that can talk; the message says what to write instead."""


class PersonaAgent(Agent):
    """An agent made of settings. Subclass it to add tools: instructions and greeting stay set.

    ``house_rules`` of a subclass are added to the persona's instructions.
    """

    house_rules = ""

    def __init__(self, settings: Settings) -> None:
        super().__init__(instructions=instructions_of(settings.persona, self.house_rules))
        self.settings = settings
        self.opening = settings.persona.greeting

    @classmethod
    def check(cls, settings: Settings) -> None:
        """Find out at start-up what would otherwise fail in every call. Override it to do so.

        Raises:
            AgentClassError: with a sentence that says what to correct.

        """

    async def on_enter(self) -> None:
        """Greet the caller, unless the greeting is set to nothing."""
        if self.opening.strip():
            self.session.generate_reply(instructions=self.opening.strip())


def instructions_of(persona: PersonaSettings, house_rules: str = "") -> str:
    """Join who the agent is, what its tools ask for, and which language it speaks.

    The language goes here because native-audio models take no language code.
    """
    language = (
        f"Speak the language of the BCP-47 code {persona.language}, "
        "unless the caller asks for another."
    )
    parts = (persona.instructions, house_rules, language)
    return "\n".join(part.strip() for part in parts if part.strip())


def load_agent_class(path: str) -> type[Agent]:
    """Import an Agent class. Call it at start-up, so that no caller meets the error.

    Raises:
        AgentClassError: nothing can be imported there, or it is no Agent that can be built.

    """
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the user's own module may raise anything on import
        message = (
            f"{_SETTING} is {path!r}, but {module_name} cannot be imported "
            f"({type(error).__name__}: {error}): mend it, install its package beside callfleet, "
            "or put its folder on PYTHONPATH"
        )
        raise AgentClassError(message) from error
    found = getattr(module, class_name, None)
    if found is None:
        known = ", ".join(_agents_in(module_name)) or "no Agent class at all"
        message = f"{_SETTING} is {path!r}, but {module_name} has no {class_name}: it has {known}"
        raise AgentClassError(message)
    if not (inspect.isclass(found) and issubclass(found, Agent)):
        message = (
            f"{_SETTING} is {path!r}, which is no class derived from livekit.agents.Agent: "
            "derive it from callfleet_worker.persona.PersonaAgent"
        )
        raise AgentClassError(message)
    _check_constructor(path, found)
    return found


def check_agent(settings: Settings) -> None:
    """See at start-up whether calls will have an agent.

    Raises:
        AgentClassError: as ``load_agent_class``, or what the class itself finds wrong.

    """
    if settings.agent_class is None:
        return
    found = load_agent_class(settings.agent_class)
    if issubclass(found, PersonaAgent):
        found.check(settings)


def own_tools(settings: Settings) -> list[str]:
    """Name the tools that the Agent class itself declares; no agent is built, no code of it run.

    Raises:
        AgentClassError: as ``load_agent_class``.

    """
    if settings.agent_class is None:
        return []
    members = inspect.getmembers_static(load_agent_class(settings.agent_class))
    kinds = (llm.FunctionTool, llm.RawFunctionTool)
    return [member.info.name for _, member in members if isinstance(member, kinds)]


def load_agent(settings: Settings, *, rescues: bool = False) -> Agent:
    """Build the agent of one call.

    A class derived from ``PersonaAgent`` is built with the settings, any other Agent without
    arguments. One that rescues a caller whose agent before it died says so first.

    Raises:
        AgentClassError: as ``load_agent_class``.

    """
    if settings.agent_class is None:
        agent: Agent = PersonaAgent(settings)
    else:
        agent = _build(load_agent_class(settings.agent_class), settings)
    words = settings.persona.cut_off.strip()
    if rescues and words:
        _open_with(agent, words)
    return agent


def _open_with(agent: Agent, words: str) -> None:
    """Have an agent say something in place of its greeting; one with a way of its own, before."""
    if isinstance(agent, PersonaAgent) and type(agent).on_enter is PersonaAgent.on_enter:
        agent.opening = words
        return
    enter = agent.on_enter

    async def say_and_enter() -> None:
        agent.session.generate_reply(instructions=words)
        await enter()

    setattr(agent, "on_enter", say_and_enter)  # noqa: B010 - a method of this agent alone


def _build(found: type[Agent], settings: Settings) -> Agent:
    if issubclass(found, PersonaAgent):
        return found(settings)
    return found()  # type: ignore[call-arg]  # a user's class sets its own instructions


def _check_constructor(path: str, found: type[Agent]) -> None:
    given = (None,) if issubclass(found, PersonaAgent) else ()
    try:
        inspect.signature(found).bind(*given)
    except TypeError as error:
        wants = "the settings alone" if given else "no arguments"
        message = (
            f"{_SETTING} is {path!r}, whose constructor cannot be called with {wants} ({error}): "
            "give its other parameters default values"
        )
        raise AgentClassError(message) from error


def _agents_in(module_name: str) -> list[str]:
    module = importlib.import_module(module_name)
    return [
        name
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Agent) and value.__module__ == module_name
    ]
