"""A Gemini Live API for tests and rehearsals: hears, takes turns, speaks. See docs/emulator.md."""

from callfleet_rehearsal.emulator.brain import Script, ScriptedTurn
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.server import Emulator, PortInUseError
from callfleet_rehearsal.emulator.timing import TimingName

__all__ = [
    "Emulator",
    "EmulatorConfig",
    "PortInUseError",
    "Script",
    "ScriptedTurn",
    "TimingName",
]
