"""Make the framework's session of a call: nothing but the model decides about turns."""

from typing import Any

from livekit.agents import AgentSession


def open_session(model: Any) -> AgentSession[None]:
    """Make a session in which nothing but the model decides about turns.

    No detector of speech and no detector of turns is loaded, nothing withholds the caller's sound
    from the model, and no timer sends a silent caller away.
    """
    return AgentSession(
        llm=model,
        vad=None,
        turn_handling={
            "turn_detection": "realtime_llm",
            "interruption": {
                "resume_false_interruption": False,
                "discard_audio_if_uninterruptible": False,
            },
        },
        aec_warmup_duration=None,
        user_away_timeout=None,
        session_close_transcript_timeout=0.0,
    )
