"""Begin a session: a new conversation, or one that a handle leads back to."""

import random
import time
from dataclasses import replace

from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.conversations import Conversation, HandleFate, refusal
from callfleet_rehearsal.emulator.listening import ListenRules
from callfleet_rehearsal.emulator.performing import Performer
from callfleet_rehearsal.emulator.settings import SessionSettings
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.timing import Clockwork
from callfleet_rehearsal.emulator.tokens import Ledger
from callfleet_rehearsal.emulator.wire import Wire


def set_up(shared: Shared, name: str, wire: Wire, settings: SessionSettings) -> Performer:
    """Make the session's speaking half.

    Raises:
        RefusedError: the handle does not lead back to anything now.

    """
    conversation = _conversation(shared, name, settings)
    source = random.Random(f"{shared.config.seed}:{name}")
    _log_setup(shared, name, settings)
    return Performer(
        shared=shared,
        name=name,
        wire=wire,
        settings=settings,
        conversation=conversation,
        clockwork=Clockwork(shared.config.timing, settings.profile, source),
    )


def listen_rules(settings: SessionSettings, config: EmulatorConfig) -> ListenRules:
    """Say how this session's turns begin and end."""
    return ListenRules(
        automatic=settings.detection.automatic,
        prefix_seconds=settings.detection.prefix_seconds,
        silence_seconds=settings.detection.silence_seconds,
        complete_silence_seconds=config.complete_silence_seconds,
    )


def _conversation(shared: Shared, name: str, settings: SessionSettings) -> Conversation:
    now_ns = time.monotonic_ns()
    ledger = Ledger(
        preamble=settings.preamble_tokens,
        trigger=settings.trigger_tokens,
        target=settings.target_tokens,
    )
    if not settings.handle:
        return Conversation(model=settings.model, ledger=ledger, started_ns=now_ns)
    fate, found = shared.handles.look_up(settings.handle, settings.model, now_ns)
    shared.log.add(name, "resume", fate=fate.value)
    if fate is not HandleFate.GOOD or found is None:
        raise refusal(fate)
    found.connected = True
    found.ledger = replace(ledger, turns=found.ledger.turns)
    return found


def _log_setup(shared: Shared, name: str, settings: SessionSettings) -> None:
    detection = settings.detection
    shared.log.add(
        name,
        "setup",
        model=settings.model,
        profile=settings.profile.name,
        automatic=detection.automatic,
        prefix_seconds=detection.prefix_seconds,
        silence_seconds=detection.silence_seconds,
        interrupts=detection.interrupts,
        functions=[function.name for function in settings.functions],
        voice=settings.voice,
        resumes=bool(settings.handle),
        trigger_tokens=settings.trigger_tokens,
        target_tokens=settings.target_tokens,
    )
