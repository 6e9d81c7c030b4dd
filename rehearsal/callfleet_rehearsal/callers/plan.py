"""What a run of callers is to do, as frozen values that are written to and read from JSON."""

import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.sound.marker import MAX_CALL


class Voice(StrEnum):
    """What a caller does when it is its turn."""

    SPEAKS = "speaks"
    SILENT = "silent"
    NEVER_STOPS = "never_stops"
    NOISE = "noise"
    BLIP = "blip"


class Listening(StrEnum):
    """How a caller knows replies: by the emulator's markers, or by sound alone."""

    MARKERS = "markers"
    ENERGY = "energy"


class Moment(StrEnum):
    """From when a cue's seconds count."""

    JOINED = "joined"
    GREETING = "greeting"
    TURN = "turn"
    REPLY = "reply"


class Deed(StrEnum):
    """What a caller does on cue, beside its turns."""

    HANG_UP = "hang_up"
    VANISH = "vanish"
    MUTE = "mute"
    UNMUTE = "unmute"
    UNPUBLISH = "unpublish"
    REPUBLISH = "republish"
    NARROW_BAND = "narrow_band"
    WIDE_BAND = "wide_band"


@dataclass(frozen=True, slots=True)
class Cue:
    """Do ``deed`` so many seconds after a moment; ``turn`` says which turn or reply's."""

    deed: Deed
    moment: Moment = Moment.JOINED
    turn: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EarFaults:
    """What is done to the packets that a caller receives, to test the verdict.

    ``hears_call`` gives it another call's sound. ``silence_seconds`` are put into every reply,
    0.4 s after its start. ``cut_after_seconds`` ends every reply so long after its start.
    """

    hears_call: int | None = None
    delay_seconds: float = 0.0
    drop_ratio: float = 0.0
    silence_seconds: float = 0.0
    cut_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call. An empty ``room`` means one of its own, with an agent dispatched to it.

    A barge-in turn's reply is spoken over by the next turn, so it cannot be the last one.
    ``stays_seconds`` ends the calls of callers that take no turns.
    """

    call: int
    kinds: tuple[TurnKind, ...]
    room: str = ""
    voice: Voice = Voice.SPEAKS
    echo: bool = False
    expects_greeting: bool = True
    hears_everybody: bool = False
    stays_seconds: float = 20.0
    start_after_seconds: float = 0.0
    cues: tuple[Cue, ...] = ()
    ear: EarFaults = field(default_factory=EarFaults)

    def __post_init__(self) -> None:
        if not 0 <= self.call < MAX_CALL:
            message = f"calls are numbered 0 to {MAX_CALL - 1}, not {self.call}: plan fewer calls"
            raise PlanError(message)
        if self.kinds and self.kinds[-1] is TurnKind.BARGE_IN:
            message = (
                f"call {self.call} ends with a barge-in, but it is the next turn that speaks over "
                "a barge-in's reply: put another turn behind it"
            )
            raise PlanError(message)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All calls of a run, and where they go.

    With ``media`` set, media go to that address instead of the one that the SFU announces; with
    ``weather``, the callers put a relay of that weather before it. Agents send theirs to what is
    announced: where that is ``agents_media``, a relay of ``agents_weather`` stands there.
    """

    livekit_url: str
    api_key: str
    api_secret: str
    agent_name: str
    run_id: str
    calls: tuple[CallPlan, ...]
    seed: int = 1
    listening: Listening = Listening.MARKERS
    media: tuple[str, int] | None = None
    weather: Weather | None = None
    agents_media: tuple[str, int] | None = None
    agents_weather: Weather | None = None

    def __post_init__(self) -> None:
        relayed = self.weather is not None or self.agents_weather is not None
        if relayed and self.media is None:
            message = (
                "a relay needs to know where media go: set media to the SFU's host and UDP port"
            )
            raise PlanError(message)

    def room_of(self, call: CallPlan) -> str:
        """Name the call's room."""
        return call.room or f"rehearsal-{self.run_id}-{call.call:03d}"


class PlanError(ValueError):
    """A plan that cannot be followed."""


def write(plan: RunPlan, path: Path) -> None:
    """Write a plan to a file that only its owner can read: it holds the server's secret."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(plan), indent=1), encoding="utf-8")


def read(path: Path) -> RunPlan:
    """Read a plan back.

    Raises:
        PlanError: the file cannot be read, or is no plan of this version.

    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        body["calls"] = tuple(_call(call) for call in body["calls"])
        for address in ("media", "agents_media"):
            if body.get(address):
                body[address] = (str(body[address][0]), int(body[address][1]))
        for weather in ("weather", "agents_weather"):
            if body.get(weather):
                body[weather] = Weather(**body[weather])
        body["listening"] = Listening(body.get("listening", Listening.MARKERS))
        return RunPlan(**body)
    except (OSError, ValueError, KeyError, TypeError) as error:
        names = ", ".join(one.name for one in fields(RunPlan))
        message = f"{path} is no plan for callers ({error}); a plan has the fields {names}"
        raise PlanError(message) from error


def _call(body: dict[str, Any]) -> CallPlan:
    return CallPlan(
        **{
            **body,
            "kinds": tuple(TurnKind(kind) for kind in body["kinds"]),
            "voice": Voice(body.get("voice", Voice.SPEAKS)),
            "cues": tuple(_cue(cue) for cue in body.get("cues", ())),
            "ear": EarFaults(**body.get("ear", {})),
        }
    )


def _cue(body: dict[str, Any]) -> Cue:
    moment = Moment(body.get("moment", Moment.JOINED))
    return Cue(**{**body, "deed": Deed(body["deed"]), "moment": moment})


def usual(calls: int, kinds: tuple[TurnKind, ...], spacing_seconds: float) -> tuple[CallPlan, ...]:
    """Plan calls that all do the same, started one after another."""
    return tuple(
        CallPlan(call, kinds, start_after_seconds=call * spacing_seconds) for call in range(calls)
    )
