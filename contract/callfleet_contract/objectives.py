"""The ten-call SLO as data: what is measured, how it is judged, and what each part is allowed."""

from dataclasses import dataclass
from enum import StrEnum


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


VOICE_TO_VOICE = Objective(
    "voice_to_voice_seconds",
    "voice to voice, as heard",
    Statistic.P95,
    0.5,
    "s",
    "caller's last speech sample sent to the reply's first sample played at the caller's ear",
)
FLEET_ADDED = Objective(
    "fleet_added_seconds",
    "added by the fleet",
    Statistic.P95,
    0.2,
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
    0.3,
    "s",
    "caller's first sample over the agent to the agent's last sample at the caller's ear",
)
ANSWER = Objective(
    "answer_seconds",
    "answer: joined to greeting heard",
    Statistic.P95,
    3.0,
    "s",
    "a caller who hears nothing for three seconds hangs up",
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

TEN_CALL_SLO: tuple[Objective, ...] = (
    VOICE_TO_VOICE,
    FLEET_ADDED,
    BARGE_IN_STOP,
    TALKED_INTO_PAUSE,
    ANSWER,
    PACKET_LOSS,
    CONCEALED,
    REPLY_FAULTS,
    CALLS_LOST,
)
