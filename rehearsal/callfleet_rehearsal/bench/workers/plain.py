"""A voice agent as the quickstart of livekit-agents has it, with Gemini for its model.

Left out of the quickstart: the noise cancellation, which only LiveKit Cloud serves. Put in: a load
of nothing, because the default one refuses calls where all of a test shares one machine.
"""

from livekit import agents
from livekit.agents import Agent, AgentServer, AgentSession
from livekit.plugins import google


class Assistant(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a helpful voice AI assistant.")


server = AgentServer(load_fnc=lambda: 0.0, host="127.0.0.1")


@server.rtc_session()
async def my_agent(ctx: agents.JobContext):
    session = AgentSession(llm=google.realtime.RealtimeModel(voice="Puck"))

    await session.start(room=ctx.room, agent=Assistant())

    await session.generate_reply(instructions="Greet the user and offer your assistance.")


if __name__ == "__main__":
    agents.cli.run_app(server)
