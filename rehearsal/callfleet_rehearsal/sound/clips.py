"""The clips that callers and the emulated model speak, read from this package."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound import flac
from callfleet_rehearsal.sound.script import RATE, Role

CLIP_RATE = RATE
INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class Clip:
    """Recorded speech, 16 kHz mono; its first and last samples are audible."""

    name: str
    role: Role
    text: str
    seconds: float
    samples: NDArray[np.int16]


@cache
def all_clips() -> tuple[Clip, ...]:
    """Every clip of the package, in the order of the script."""
    folder = files("callfleet_rehearsal.sound") / "recordings"
    index = json.loads((folder / INDEX_NAME).read_text(encoding="utf-8"))
    return tuple(
        Clip(
            entry["name"],
            Role(entry["role"]),
            entry["text"],
            entry["seconds"],
            flac.read((folder / f"{entry['name']}.flac").read_bytes()),
        )
        for entry in index["clips"]
    )


@cache
def clips_of(role: Role) -> tuple[Clip, ...]:
    """All clips of one role."""
    return tuple(clip for clip in all_clips() if clip.role is role)


def question(number: int) -> Clip:
    """A caller's whole sentence, by any number."""
    clips = clips_of(Role.CALLER)
    return clips[number % len(clips)]


def split_question(number: int) -> tuple[Clip, Clip]:
    """A sentence in two parts, the first of which is not complete."""
    first, second = clips_of(Role.SPLIT_A), clips_of(Role.SPLIT_B)
    return first[number % len(first)], second[number % len(second)]


def reply(call: int, turn: int) -> Clip:
    """What the emulated model answers in a turn: both sides know it from the marker alone."""
    clips = clips_of(Role.AGENT)
    return clips[(call * 7 + turn) % len(clips)]


def greeting() -> Clip:
    """What the emulated model says first."""
    return clips_of(Role.GREETING)[0]
