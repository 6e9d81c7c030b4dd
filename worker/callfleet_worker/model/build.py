"""Build the model of a call from the settings.

    model = build_model(settings, call_id, emit)   # a CallModel, which is an llm.RealtimeModel
    session = AgentSession(llm=model, …)
    model.attach(session)                          # lets a swap renew the reply under way
    …
    model.reason                                   # CallReason, once the session closed with ERROR

Call ``prewarm(settings)`` in the process that forks jobs, or in an idle one, before any job.
"""

from functools import partial
from typing import Any

from google.genai import types
from livekit.agents.types import NOT_GIVEN, APIConnectOptions

from callfleet_worker.model.fallback import CallModel, Emit
from callfleet_worker.model.preload import warm_up
from callfleet_worker.model.roster import Candidate, Roster, candidates
from callfleet_worker.model.tls import ca_argument, shared_context
from callfleet_worker.persona import check_agent
from callfleet_worker.settings import CompressionSettings, ModelSettings, Sensitivity, Settings
from callfleet_worker.upstream.gemini import PhoneModel, tell_failures_once

_MAX_RETRIES = 2
_RETRY_SECONDS = 0.5
_START = {
    Sensitivity.LOW: types.StartSensitivity.START_SENSITIVITY_LOW,
    Sensitivity.HIGH: types.StartSensitivity.START_SENSITIVITY_HIGH,
}
_END = {
    Sensitivity.LOW: types.EndSensitivity.END_SENSITIVITY_LOW,
    Sensitivity.HIGH: types.EndSensitivity.END_SENSITIVITY_HIGH,
}


def prewarm(settings: Settings) -> None:
    """Do the slow part of a call's start, once a process and before its first call.

    Raises:
        CaFileError: ``model.ca_file`` cannot be used.
        AgentClassError: ``agent_class`` names no Agent, or one that lacks something.

    """
    tell_failures_once()
    warm_up(ca_argument(settings.model.ca_file))
    check_agent(settings)


def build_model(settings: Settings, call_id: str, emit: Emit) -> CallModel:
    """Build the model of one call: every model with every key, in order of preference.

    Args:
        settings: The worker's settings.
        call_id: Goes into the events.
        emit: Takes ``ModelSessionEvent``, ``ToolOffered``, ``TokensUsed`` and ``UsageDoubted``, on
            the event loop, must not block.

    """
    keys = 1 if settings.model.vertex_project else len(settings.model.keys)
    roster = Roster(candidates(settings.model.names, keys))
    return CallModel(call_id, roster, partial(_phone_model, settings), emit)


def _phone_model(settings: Settings, way: Candidate) -> PhoneModel:
    model, persona = settings.model, settings.persona
    transcription = types.AudioTranscriptionConfig()
    return PhoneModel(
        setup_seconds=model.setup_seconds,
        resumption=model.resumption,
        model=way.model,
        voice=persona.voice,
        temperature=persona.temperature,
        realtime_input_config=turn_taking(model),
        context_window_compression=compression(model.compression) or NOT_GIVEN,
        input_audio_transcription=transcription if model.transcription.caller else None,
        output_audio_transcription=transcription if model.transcription.agent else None,
        conn_options=APIConnectOptions(
            max_retry=_MAX_RETRIES, retry_interval=_RETRY_SECONDS, timeout=model.setup_seconds
        ),
        http_options=_http_options(model),
        **_access(model, way),
    )


def turn_taking(model: ModelSettings) -> types.RealtimeInputConfig:
    """Say when a caller on the phone has begun and ended to speak."""
    return types.RealtimeInputConfig(
        automatic_activity_detection=types.AutomaticActivityDetection(
            start_of_speech_sensitivity=_START[model.start_sensitivity],
            end_of_speech_sensitivity=_END[model.end_sensitivity],
            prefix_padding_ms=model.prefix_padding_ms,
            silence_duration_ms=model.silence_ms,
        ),
        activity_handling=types.ActivityHandling.START_OF_ACTIVITY_INTERRUPTS,
    )


def compression(wanted: CompressionSettings) -> types.ContextWindowCompressionConfig | None:
    """Say when the model forgets the oldest part of the call."""
    if not wanted.enabled:
        return None
    return types.ContextWindowCompressionConfig(
        trigger_tokens=wanted.trigger_tokens,
        sliding_window=types.SlidingWindow(target_tokens=wanted.target_tokens),
    )


def _http_options(model: ModelSettings) -> types.HttpOptions:
    context = shared_context(ca_argument(model.ca_file))
    return types.HttpOptions(
        base_url=model.base_url,
        timeout=int(model.setup_seconds * 1000),
        client_args={"verify": context},
        async_client_args={"ssl": context, "verify": context},
    )


def _access(model: ModelSettings, way: Candidate) -> dict[str, Any]:
    if model.vertex_project is not None:
        return {
            "vertexai": True,
            "project": model.vertex_project,
            "location": model.vertex_location,
        }
    return {"vertexai": False, "api_key": model.keys[way.key].get_secret_value()}
