"""What a case of the table of odd client frames consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from callfleet_rehearsal.emulator.profiles import Api

LIVE_25 = "models/gemini-2.5-flash-native-audio-preview-12-2025"
LIVE_38 = "models/gemini-3.8-live"
LIVE_38_THINKING = "models/gemini-3.8-live-extended-thinking"
VERTEX_25 = "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash-native-audio"
GOOD_KEY = "good-key"
GOOD_TOKEN = "auth_tokens/good"  # noqa: S105 - made up for the table


class Basis(StrEnum):
    """What the expected answer rests on."""

    DOCUMENTED = "documented"
    TYPES = "SDK types"
    MEASURED = "measured"
    REPORTED = "reported"
    UNKNOWN = "not known"


class Place(StrEnum):
    """When the frame is sent."""

    DOOR = "at the door"
    FIRST = "as the first message"
    LIVE = "after setupComplete"
    MANUAL = "after setupComplete, detection disabled"


@dataclass(frozen=True, slots=True)
class Closes:
    """The emulator closes so."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """The upgrade gets this HTTP status."""

    code: int


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The session goes on. ``sees``: a path of keys that comes back; ``event``: what is logged."""

    sees: str = ""
    event: str = ""


Answer = Closes | Status | GoesOn


@dataclass(frozen=True, slots=True)
class FrameCase:
    """One malformed or odd thing that a client may send.

    ``frame`` is JSON to be, or bytes or text sent as they are. ``says`` is what documentation,
    SDK types, measurements or reports say of it.
    """

    name: str
    place: Place
    frame: Any
    basis: Basis
    says: str
    answer: Answer
    api: Api = Api.V1BETA
    model: str = LIVE_25
    path: str = ""
    headers: Mapping[str, str] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def setup(model: str = LIVE_25, **fields: Any) -> dict[str, Any]:
    """Write a setup message, fields as they are given."""
    return {"setup": {"model": model, **fields}}


def unknown(name: str, where: str, why: str = "Cannot find field.") -> Closes:
    """Expect the complaint about a field's name."""
    place = f" at '{where}'" if where else ""
    return closes(f'Invalid JSON payload received. Unknown name "{name}"{place}: {why}')


def closes(reason: str, code: int = 1007) -> Closes:
    """Expect a close; long reasons are cut as a close frame must be."""
    return Closes(code, reason.encode()[:123].decode(errors="ignore"))
