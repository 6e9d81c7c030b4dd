"""Carry out faults on a session's wire."""

from collections.abc import Callable
from dataclasses import dataclass

from callfleet_rehearsal.emulator import frames
from callfleet_rehearsal.emulator.fault_kinds import Deed, Point
from callfleet_rehearsal.emulator.faults import Effect
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.wire import Wire


@dataclass(frozen=True, slots=True)
class Twist:
    """What a fault changes in the session's own next step."""

    swallowed: bool = False
    empty_turn: bool = False
    drop_audio: bool = False
    odd_pcm: bool = False
    complete_early: bool = False
    stray_audio: bool = False
    without_id: bool = False
    no_usage: bool = False
    double_usage: bool = False
    vague_usage: int = 0
    late_audio_seconds: float | None = None


_TWISTS = {
    Deed.EMPTY_TURN: Twist(empty_turn=True),
    Deed.DROP_AUDIO: Twist(drop_audio=True),
    Deed.ODD_PCM: Twist(odd_pcm=True),
    Deed.COMPLETE_EARLY: Twist(complete_early=True),
    Deed.STRAY_AUDIO: Twist(stray_audio=True),
    Deed.CALL_WITHOUT_ID: Twist(without_id=True),
    Deed.NO_USAGE: Twist(no_usage=True),
    Deed.DOUBLE_USAGE: Twist(double_usage=True),
}
_SET_TWISTS = {Deed.LATE_AUDIO, Deed.VAGUE_USAGE}


class Striker:
    """One session's faults."""

    def __init__(
        self,
        shared: Shared,
        name: str,
        wire: Wire,
        after: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._shared = shared
        self._name = name
        self._wire = wire
        self._after = after

    def at(self, point: Point, turn: int | None) -> Twist:
        """Carry out what is armed for this point, and say what it changes."""
        if not self._shared.faults.armed:
            return Twist()
        effect = self._shared.faults.take(point, self._name, turn)
        if effect is None:
            return Twist()
        if effect.deed in _TWISTS or effect.deed in _SET_TWISTS:
            self._shared.log.add(self._name, "fault", name=effect.name)
            return _twist(effect)
        self.strike(effect)
        return Twist(swallowed=point is Point.SETUP and effect.deed is not Deed.SLOW_PONG)

    def strike(self, effect: Effect) -> None:
        """Carry a fault out on the wire."""
        settings, wire = effect.settings, self._wire
        self._shared.log.add(self._name, "fault", name=effect.name)
        match effect.deed:
            case Deed.CLOSE:
                wire.close(int(settings["code"]), str(settings["reason"]))
            case Deed.RESET:
                wire.reset()
            case Deed.BLACK_HOLE:
                wire.vanish()
            case Deed.SLOW_PONG:
                wire.slow_pongs(float(settings["seconds"]))
            case Deed.STALL:
                wire.hold(float(settings["seconds"]))
            case Deed.SEND:
                wire.send(_body(effect))
            case Deed.GO_AWAY:
                self._go_away(effect)
            case _:
                return

    def _go_away(self, effect: Effect) -> None:
        settings = effect.settings
        left = float(settings["time_left_seconds"])
        self._wire.send(frames.go_away(left))
        self._shared.log.add(self._name, "go_away", time_left=left)
        code, reason = int(settings["code"]), str(settings["reason"])
        self._after(float(settings["kill_after_seconds"]), lambda: self._wire.close(code, reason))


def _twist(effect: Effect) -> Twist:
    if effect.deed is Deed.LATE_AUDIO:
        return Twist(late_audio_seconds=float(effect.settings["after_seconds"]))
    if effect.deed is Deed.VAGUE_USAGE:
        return Twist(vague_usage=int(effect.settings["factor"]))
    return _TWISTS[effect.deed]


def _body(effect: Effect) -> bytes:
    raw = effect.settings.get("raw")
    return str(raw).encode() if raw is not None else frames.frame(dict(effect.settings["body"]))
