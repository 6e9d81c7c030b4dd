"""The quickstart's agent with every public knob set that was found to help latency or CPU.

Sound at the rate that the model takes, in small frames; no gain control; no transcript that keeps
pace with the sound; no warm-up that sends silence; no monitor of the event loop
(``LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS=0``); a warm process for each call.
"""

import os

from livekit import agents
from livekit.agents import Agent, AgentServer, AgentSession, room_io
from livekit.plugins import google


class Assistant(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a helpful voice AI assistant.")


server = AgentServer(
    load_fnc=lambda: 0.0,
    host="127.0.0.1",
    num_idle_processes=int(os.environ["BENCH_SLOTS"]),
)


@server.rtc_session()
async def my_agent(ctx: agents.JobContext):
    session = AgentSession(
        llm=google.realtime.RealtimeModel(voice="Puck"),
        vad=None,
        turn_handling={"turn_detection": "realtime_llm"},
        aec_warmup_duration=None,
    )

    await session.start(
        room=ctx.room,
        agent=Assistant(),
        record=False,
        room_options=room_io.RoomOptions(
            text_input=False,
            audio_input=room_io.AudioInputOptions(
                sample_rate=16000, frame_size_ms=20, auto_gain_control=False
            ),
            text_output=room_io.TextOutputOptions(sync_transcription=False),
        ),
    )

    await session.generate_reply(instructions="Greet the user and offer your assistance.")


if __name__ == "__main__":
    agents.cli.run_app(server)
