"""Metrics of a LiveKit server, which knows callers and rooms and no fleets. Names only."""

from enum import StrEnum

JOB = "livekit-server"
"""What its servers are scraped as, by the chart and on a local stack."""


class LiveKit(StrEnum):
    """Those that alerts and boards ask for."""

    ROOMS = "livekit_room_total"
    PARTICIPANTS = "livekit_participant_total"
    PACKET_LOSS = "livekit_packet_loss_percent"
