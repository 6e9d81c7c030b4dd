"""The short way of a caller's sound to the model is the long way, shorter."""

from google.genai.types import Blob, LiveClientRealtimeInput

from callfleet_worker.upstream.gemini_sound import MIME_TYPE, audio_message, sound_event


def test_a_chunk_of_sound_is_the_object_that_pydantic_would_make() -> None:
    sound = b"\1\2" * 320
    made = sound_event(sound)
    usual = LiveClientRealtimeInput(audio=Blob(data=sound, mime_type=MIME_TYPE))
    assert made == usual
    assert made.model_dump() == usual.model_dump()
    assert made.model_dump_json(exclude_none=True) == usual.model_dump_json(exclude_none=True)
    assert made.audio is not None
    assert audio_message(made.audio) == audio_message(Blob(data=sound, mime_type=MIME_TYPE))
