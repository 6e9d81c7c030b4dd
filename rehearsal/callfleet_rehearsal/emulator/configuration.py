"""What an emulator is started with."""

from dataclasses import dataclass, field
from pathlib import Path

from callfleet_rehearsal.emulator.brain import Script
from callfleet_rehearsal.emulator.conversations import HANDLE_LIFETIME_SECONDS
from callfleet_rehearsal.emulator.timing import COMPLETE_SILENCE_SECONDS, TimingName


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """Settings of one emulator. Port 0 takes a free one.

    ``keys``: the API keys that are good; none means that any is. ``profile``: ``auto`` behaves as
    the model asked for does. ``complete_silence_seconds``: the silence after a sentence that
    sounds complete. ``playback_speed``: how fast the client is taken to play; above 1 turnComplete
    comes sooner, which makes tests shorter. ``connection_seconds``: life of one connection, goAway
    included. ``session_seconds``: life of a session without context compression, resumptions
    included. ``most_sessions``: more at once are refused; 0 refuses none. ``listen``: the address
    to listen on, where ``host`` is a name by which others find it; the control port is on loopback
    then. ``tls_folder``: certificates to show, in place of ones made now.
    """

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    keys: tuple[str, ...] = ()
    profile: str = "auto"
    timing: TimingName = TimingName.IDEAL
    seed: int = 0
    complete_silence_seconds: float = COMPLETE_SILENCE_SECONDS
    playback_speed: float = 1.0
    connection_seconds: float = 600.0
    go_away_seconds: float = 60.0
    session_seconds: float = 900.0
    handle_lifetime_seconds: float = HANDLE_LIFETIME_SECONDS
    most_sessions: int = 0
    script: Script = field(default_factory=Script)
    log_file: Path | None = None
    certificate_folder: Path | None = None
    listen: str | None = None
    tls_folder: Path | None = None
