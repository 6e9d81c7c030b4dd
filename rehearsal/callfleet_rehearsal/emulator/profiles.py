"""What differs between the models that speak the Live protocol. Data only."""

from dataclasses import dataclass
from enum import StrEnum


class Api(StrEnum):
    """Through which door a client came: it decides which setup fields exist."""

    V1 = "v1"
    V1BETA = "v1beta"
    V1ALPHA = "v1alpha"
    VERTEX = "vertex"


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """How one generation of models behaves.

    ``first_audio_seconds`` is the published median from the caller's last speech to the reply's
    first audio; only the ``measured`` timing uses it. ``handles_every_turn``: 3.8 sends one
    resumption handle per connection, the others a new one after every turn.
    ``needs_role``: contents without a role close the session with 1007.
    ``dot_is_empty``: the turn ``.`` is answered with nothing.
    """

    name: str
    models: tuple[str, ...]
    on_vertex: tuple[str, ...]
    tools_non_blocking: bool
    refuses_thinking_level: tuple[str, ...]
    needs_role: bool
    dot_is_empty: bool
    handles_every_turn: bool
    first_audio_seconds: float


PROFILES: tuple[ModelProfile, ...] = (
    ModelProfile(
        name="2.5",
        models=(
            "gemini-2.5-flash-native-audio-preview-12-2025",
            "gemini-2.5-flash-native-audio-latest",
        ),
        on_vertex=(),
        tools_non_blocking=False,
        refuses_thinking_level=(),
        needs_role=False,
        dot_is_empty=False,
        handles_every_turn=True,
        first_audio_seconds=0.63,
    ),
    ModelProfile(
        name="3.1",
        models=("gemini-3.1-flash-live-preview",),
        on_vertex=(),
        tools_non_blocking=False,
        refuses_thinking_level=(),
        needs_role=True,
        dot_is_empty=True,
        handles_every_turn=True,
        first_audio_seconds=0.96,
    ),
    ModelProfile(
        name="3.8",
        models=("gemini-3.8-live", "gemini-3.8-live-extended-thinking"),
        on_vertex=("gemini-3.8-live",),
        tools_non_blocking=True,
        refuses_thinking_level=("gemini-3.8-live",),
        needs_role=True,
        dot_is_empty=True,
        handles_every_turn=False,
        first_audio_seconds=1.15,
    ),
    ModelProfile(
        name="vertex",
        models=(),
        on_vertex=("gemini-live-2.5-flash-native-audio",),
        tools_non_blocking=False,
        refuses_thinking_level=(),
        needs_role=False,
        dot_is_empty=False,
        handles_every_turn=True,
        first_audio_seconds=0.63,
    ),
)

PROFILE_NAMES = ("auto", *(profile.name for profile in PROFILES))


def bare_model(model: str) -> str:
    """Take the model's own name out of ``models/X`` or ``…/publishers/google/models/X``."""
    return model.rsplit("models/", 1)[-1]


def profile_for(model: str, api: Api, forced: str = "auto") -> ModelProfile | None:
    """Find how a model behaves; None where this API does not serve it.

    ``forced`` makes every known model behave like the named profile.
    """
    name = bare_model(model)
    for profile in PROFILES:
        served = profile.on_vertex if api is Api.VERTEX else profile.models
        if name in served:
            if forced == "auto":
                return profile
            return next(each for each in PROFILES if each.name == forced)
    return None
