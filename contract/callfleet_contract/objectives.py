"""The ten-call SLO as data: what is measured, how it is judged, and what each part is allowed.

What callers hear from outside is held against the limits that ``slos`` holds a fleet against from
inside, where both measure the same.
"""

from dataclasses import dataclass
from enum import StrEnum

from callfleet_contract import slos
from callfleet_contract.profiles import ModelProfile

_EARS_SECONDS = 0.05
"""What lies beyond the SFU: the caller's jitter buffer, and the way there and back."""


class Statistic(StrEnum):
    """Which figure of the samples is held against the limit."""

    P95 = "p95"
    RATIO = "ratio"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise: ``statistic`` of ``key`` must be at most ``limit`` (in ``unit``)."""

    key: str
    title: str
    statistic: Statistic
    limit: float
    unit: str
    why: str


def voice_to_voice(profile: ModelProfile) -> Objective:
    """Say how soon callers are to be answered by a model of this profile."""
    return Objective(
        "voice_to_voice_seconds",
        "voice to voice, as heard",
        Statistic.P95,
        slos.TURN_LATENCY[profile].limit,
        "s",
        "caller's last speech sample sent to the reply's first sample played at the caller's ear",
    )


VOICE_TO_VOICE = voice_to_voice(ModelProfile.IDEAL)
FLEET_ADDED = Objective(
    "fleet_added_seconds",
    "added by the fleet",
    Statistic.P95,
    slos.FLEET_OVERHEAD.limit + _EARS_SECONDS,
    "s",
    "voice to voice less what the model took, its wait for silence included",
)
TALKED_INTO_PAUSE = Objective(
    "talked_into_pause_ratio",
    "agent talks into a mid-sentence pause",
    Statistic.RATIO,
    0.02,
    "of pauses",
    "speed must not be bought by talking over people (pauses of 300 to 700 ms)",
)
BARGE_IN_STOP = Objective(
    "barge_in_stop_seconds",
    "barge-in: agent falls silent",
    Statistic.P95,
    slos.BARGE_IN.limit,
    "s",
    "caller's first sample over the agent to the agent's last sample at the caller's ear",
)
ANSWER = Objective(
    "answer_seconds",
    "answer: joined to greeting heard",
    Statistic.P95,
    slos.CALL_SUCCESS.limit,
    "s",
    "a caller who hears nothing for longer hangs up",
)
PACKET_LOSS = Objective(
    "packet_loss_ratio",
    "packets lost",
    Statistic.RATIO,
    0.001,
    "of packets",
    "both directions of the caller's leg; on loopback nothing may be lost",
)
CONCEALED = Objective(
    "concealed_audio_ratio",
    "audio concealed",
    Statistic.RATIO,
    0.01,
    "of audio",
    "reply audio too late, or never there, for the caller's jitter buffer, or with a hole in it",
)
REPLY_FAULTS = Objective(
    "reply_faults_count",
    "replies wrong, missing, doubled, cut or crossed",
    Statistic.COUNT,
    0,
    "replies",
    "each call has markers of its own; another call's marker is an alarm",
)
CALLS_LOST = Objective(
    "calls_lost_count",
    "calls lost",
    Statistic.COUNT,
    0,
    "calls",
    "every call is answered and ends because its caller hangs up",
)


def ten_call_slo(profile: ModelProfile) -> tuple[Objective, ...]:
    """Give all of it, for a model of this profile."""
    return (
        voice_to_voice(profile),
        FLEET_ADDED,
        BARGE_IN_STOP,
        TALKED_INTO_PAUSE,
        ANSWER,
        PACKET_LOSS,
        CONCEALED,
        REPLY_FAULTS,
        CALLS_LOST,
    )


TEN_CALL_SLO = ten_call_slo(ModelProfile.IDEAL)
