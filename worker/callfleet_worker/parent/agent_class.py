"""Find out before any call comes whether the agent class that was set can be imported."""

import importlib

from livekit.agents import Agent

from callfleet_worker.parent.errors import CannotStartError


class AgentClassError(CannotStartError):
    """The agent class cannot be used; the message says why and what to write."""


def check_agent_class(path: str | None) -> None:
    """Import the class that ``CALLFLEET_AGENT_CLASS`` names.

    Raises:
        AgentClassError: it cannot be imported, or is no agent.

    """
    if path is None:
        return
    module_name, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # the user's own module may raise anything on import
        message = (
            f"CALLFLEET_AGENT_CLASS is {path!r}, which cannot be imported "
            f"({type(error).__name__}: {error}): write package.module:Class of a class that this "
            "Python can import, or unset it to use the persona"
        )
        raise AgentClassError(message) from error
    if not (isinstance(found, type) and issubclass(found, Agent)):
        message = (
            f"CALLFLEET_AGENT_CLASS is {path!r}, which is no agent: write package.module:Class of "
            "a subclass of livekit.agents.Agent"
        )
        raise AgentClassError(message)
