"""Turn the media engine's running totals into windows of their own. No clock, no network."""

from dataclasses import dataclass
from typing import Any

from callfleet_contract.events import MediaPath, RtpWindow


@dataclass(frozen=True, slots=True)
class Totals:
    """What the engine has counted since the call began, and what it measured last."""

    packets_received: int = 0
    packets_lost: int = 0
    jitter_seconds: float = 0.0
    jitter_buffer_delay_seconds: float = 0.0
    jitter_buffer_samples: int = 0
    concealed_samples: int = 0
    total_samples: int = 0
    packets_sent: int = 0
    sent_lost: int = 0
    sent_jitter_seconds: float = 0.0
    sent_reports: int = 0
    """Reports of the SFU on what it gets of the agent's sound."""
    rtt_seconds: float = 0.0
    protocol: str = "unknown"
    candidate_type: str = "unknown"


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two looks at the totals."""

    heard: RtpWindow
    said: RtpWindow
    jitter_buffer_seconds: float | None
    rtt_seconds: float


def window_between(call_id: str, before: Totals, after: Totals) -> Window:
    """Subtract. Totals that fall (a loss taken back, a new track) count as nothing, never less."""
    received = _grown(before.packets_received, after.packets_received)
    samples = _grown(before.total_samples, after.total_samples)
    concealed = _grown(before.concealed_samples, after.concealed_samples)
    emitted = _grown(before.jitter_buffer_samples, after.jitter_buffer_samples)
    delay = after.jitter_buffer_delay_seconds - before.jitter_buffer_delay_seconds
    heard = RtpWindow(
        call_id=call_id,
        leg="agent_in",
        packets_received=received,
        packets_lost=_grown(before.packets_lost, after.packets_lost),
        jitter_seconds=after.jitter_seconds,
        rtt_seconds=after.rtt_seconds,
        concealed_ratio=min(1.0, concealed / samples) if samples else 0.0,
    )
    sent = _grown(before.packets_sent, after.packets_sent)
    sent_lost = _grown(before.sent_lost, after.sent_lost)
    said = RtpWindow(
        call_id=call_id,
        leg="agent_out",
        packets_received=max(0, sent - sent_lost),
        packets_lost=sent_lost,
        jitter_seconds=after.sent_jitter_seconds,
        rtt_seconds=after.rtt_seconds,
        concealed_ratio=0.0,
    )
    mean = max(0.0, delay / emitted) if emitted else None
    return Window(heard, said, mean, after.rtt_seconds)


class Windows:
    """Makes windows of so many looks; the first is one look, so that a call's start tells early."""

    def __init__(self, call_id: str, looks: int) -> None:
        self._call_id, self._looks = call_id, looks
        self._begins, self._latest = Totals(), Totals()
        self._left = 1

    def look(self, totals: Totals) -> tuple[RtpWindow, ...]:
        """Take what one look saw; give the windows that end with it."""
        self._latest = totals
        self._left -= 1
        return () if self._left else self.end()

    def end(self) -> tuple[RtpWindow, ...]:
        """Give what came since the last window, which ends here."""
        if self._latest is self._begins:
            return ()
        window = window_between(self._call_id, self._begins, self._latest)
        self._begins, self._left = self._latest, self._looks
        return window.heard, window.said


def path_of(call_id: str, totals: Totals) -> MediaPath:
    """Name the way that the media took."""
    return MediaPath(call_id, totals.protocol, totals.candidate_type)


def totals_of(*peers: list[Any]) -> Totals:
    """Read the engine's statistics, a list of protobuf messages for each peer connection.

    Which of the connections carries which direction is the engine's choice: one may carry both.
    """
    heard: list[Any] = []
    found: dict[str, Any] = {}
    for peer in peers:
        for stats in peer:
            match stats.WhichOneof("stats"):
                case "inbound_rtp" if stats.inbound_rtp.stream.kind == "audio":
                    heard.append(stats.inbound_rtp)
                case "outbound_rtp" if stats.outbound_rtp.stream.kind == "audio":
                    found["packets_sent"] = stats.outbound_rtp.sent.packets_sent
                case "remote_inbound_rtp":
                    found["sent_lost"] = max(0, stats.remote_inbound_rtp.received.packets_lost)
                    found["sent_jitter_seconds"] = stats.remote_inbound_rtp.received.jitter
                    measured = stats.remote_inbound_rtp.remote_inbound
                    found["sent_reports"] = measured.round_trip_time_measurements
        found |= _path(peer)
    return Totals(**found, **_heard(heard))


def _heard(streams: list[Any]) -> dict[str, Any]:
    """Add up the caller's streams: a track published anew is a stream of its own."""
    if not streams:
        return {}
    latest = max(streams, key=lambda each: each.inbound.last_packet_received_timestamp)
    return {
        "packets_received": sum(each.received.packets_received for each in streams),
        "packets_lost": sum(max(0, each.received.packets_lost) for each in streams),
        "jitter_seconds": latest.received.jitter,
        "jitter_buffer_delay_seconds": sum(each.inbound.jitter_buffer_delay for each in streams),
        "jitter_buffer_samples": sum(each.inbound.jitter_buffer_emitted_count for each in streams),
        "concealed_samples": sum(each.inbound.concealed_samples for each in streams),
        "total_samples": sum(each.inbound.total_samples_received for each in streams),
    }


_PROTOCOLS = ("udp", "tcp")
_TYPES = ("host", "srflx", "prflx", "relay")


def _path(peer: list[Any]) -> dict[str, Any]:
    by_kind: dict[str, dict[str, Any]] = {}
    for stats in peer:
        kind = stats.WhichOneof("stats")
        if kind is not None:
            by_kind.setdefault(kind, {})[getattr(stats, kind).rtc.id] = getattr(stats, kind)
    selected = {
        transport.transport.selected_candidate_pair_id
        for transport in by_kind.get("transport", {}).values()
    }
    pairs = by_kind.get("candidate_pair", {})
    pair = next((pairs[each] for each in selected if each in pairs), None)
    if pair is None:
        return {}
    found: dict[str, Any] = {"rtt_seconds": pair.candidate_pair.current_round_trip_time}
    local = by_kind.get("local_candidate", {}).get(pair.candidate_pair.local_candidate_id)
    if local is not None:
        protocol = local.candidate.protocol.lower()
        kinds = dict(enumerate(_TYPES))
        found["protocol"] = protocol if protocol in _PROTOCOLS else "unknown"
        found["candidate_type"] = kinds.get(local.candidate.candidate_type, "unknown")
    return found


def _grown(before: int, after: int) -> int:
    return max(0, after - before)
