"""Importing this does the slow part of every call's start once, in the process that forks them.

google-genai brings its HTTP client in only when the first of its clients is made (0.2 s), and
without a context of ours makes a TLS context for each (0.2 to 0.3 s). pydantic completes a model's
schema when the first of its kind is made (0.05 s in all). A fork inherits all of it.
"""

from google.genai import Client, types
from livekit.agents import llm
from livekit.agents.llm import async_toolset
from livekit.plugins.google.utils import create_tools_config

from callfleet_worker.model.tls import shared_context

__all__ = ["async_toolset", "warm_up"]


def warm_up(ca_file: str | None = None) -> None:
    """Make and drop a client, and keep the TLS context."""
    context = shared_context(ca_file)
    options = types.HttpOptions(
        client_args={"verify": context}, async_client_args={"ssl": context, "verify": context}
    )
    Client(vertexai=False, api_key="unused", http_options=options).close()
    _complete_schemas()


@llm.function_tool
async def _any_tool(word: str, count: int = 1) -> str:  # noqa: ARG001 - only its form matters
    """Stand for the tools that an agent will have."""
    return ""


def _complete_schemas() -> None:
    """Have pydantic finish what a call's set-up and its first messages need."""
    tools, _ = create_tools_config(llm.ToolContext([_any_tool]), use_parameters_json_schema=False)
    content = types.Content(parts=[types.Part(text="")])
    config = types.LiveConnectConfig(
        generation_config=types.GenerationConfig(), system_instruction=content, tools=[*tools]
    )
    types.LiveConnectParameters(model="any", config=config).model_dump(exclude_none=True)
    types.LiveClientContent(turns=[content]).model_dump_json()
    types.LiveServerMessage.model_validate({"serverContent": {"turnComplete": True}})


warm_up()
