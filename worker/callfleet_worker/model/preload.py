"""Importing this does the slow part of every call's start once, in the process that forks them.

google-genai brings its HTTP client in only when the first of its clients is made (0.2 s), and
without a context of ours makes a TLS context for each (0.2 to 0.3 s). A fork inherits both.
"""

from google.genai import Client, types
from livekit.agents.llm import async_toolset

from callfleet_worker.model.tls import shared_context

__all__ = ["async_toolset", "warm_up"]


def warm_up(ca_file: str | None = None) -> None:
    """Make and drop a client, and keep the TLS context."""
    context = shared_context(ca_file)
    options = types.HttpOptions(
        client_args={"verify": context}, async_client_args={"ssl": context, "verify": context}
    )
    Client(vertexai=False, api_key="unused", http_options=options).close()


warm_up()
