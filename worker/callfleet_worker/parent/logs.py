"""Lines on standard output, for our own loggers and everybody's, in every process.

A line that belongs to a call says which, whoever wrote it. Caller content never passes: the
framework marks it with ``lk.pii``, and a room's name can hold a phone number.
"""

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from callfleet_contract.traces import trace_id_of
from callfleet_service import logs
from callfleet_service.logs import CRASHES, FIRST, Style
from callfleet_service.whereabouts import Whereabouts
from callfleet_worker.settings import LogSettings

FACTS = "callfleet_facts"
_PII = "lk.pii"
_PHONE_NUMBER = re.compile(r"\+\d{6,}")
_SHOWN_DIGITS = 4
_FRAMEWORK = "livekit.agents"
_RUN_OTHERS_CODE = (_FRAMEWORK, "asyncio")
"""Who runs what others wrote, and tells how that broke."""
_CHATTER = (
    "initializing process",
    "process initialized",
    "initializing job runner",
    "job runner initialized",
)
_OURS = ("callfleet", "callfleet_contract", "callfleet_worker", _FRAMEWORK)
_NOISY = {"livekit": logging.WARNING, "asyncio": logging.WARNING, "aiohttp.access": logging.WARNING}
_SAID_BY_THE_LINE = frozenset(FIRST) - {"call_id"}
_ADD_EXTRAS = structlog.stdlib.ExtraAdder()
_WHOLE_MESSAGES = ("job_request", "job", "resp")
"""Messages of LiveKit's protocol: participants' metadata and attributes are in them."""


def hide_content(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out what callers said, and most of their phone numbers."""
    private = [key for key in event if key.startswith(_PII)]
    for key in private:
        del event[key]
    if (private or _is_of_others_code(event)) and isinstance(event.get("exception"), str):
        event["exception"] = without_words(event["exception"])
        # The loop repeats an exception below its first line.
        event["event"] = str(event.get("event", "")).partition("\n")[0]
    for key, value in event.items():
        event[key] = _without_numbers(value)
    return event


def _is_of_others_code(event: EventDict) -> bool:
    """Whether an exception may be an agent's or a tool's, whose words repeat what was said."""
    name = str(event.get("logger", ""))
    return name == CRASHES or ("call_id" in event and name.startswith(_RUN_OTHERS_CODE))


def _without_numbers(value: object) -> object:
    """Shorten phone numbers in what will be written of a value, however deep they stand in it."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _without_numbers(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_numbers(part) for part in value]
    text = str(value)
    return _PHONE_NUMBER.sub(_mask, text) if "+" in text else text


def _mask(number: re.Match[str]) -> str:
    return number[0][: _SHOWN_DIGITS + 1] + "…"


def without_words(traceback: str) -> str:
    """Keep a traceback's frames and its exceptions' names; their words can quote a caller."""
    kept = []
    in_frames = False
    for line in traceback.splitlines():
        if line.startswith("Traceback "):
            in_frames = True
            kept.append(line)
        elif in_frames and line.startswith(" "):
            kept.append(line)
        elif in_frames:
            in_frames = False
            kept.append(line.partition(":")[0])
    return "\n".join(kept)


def _take_facts(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Take over a library's facts, or those that a call's process packed for the journey.

    What a library calls as the schema calls something of its own is another thing: the
    framework's ``call_id`` is that of a tool's call.
    """
    theirs = _ADD_EXTRAS(logger, name, {"_record": event["_record"]})
    del theirs["_record"]
    packed = theirs.pop(FACTS, {})
    event.update(_apart(theirs, FIRST))
    event.update(_apart(packed, _SAID_BY_THE_LINE))
    return event


def _apart(facts: Mapping[str, object], taken: Collection[str]) -> dict[str, object]:
    return {f"their_{name}" if name in taken else name: said for name, said in facts.items()}


def _drop_what_is_not_a_fact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if event.get("message") == event.get("event"):
        # The framework leaves its own copy on what it carries from another process.
        event.pop("message", None)
    for key in _WHOLE_MESSAGES:
        event.pop(key, None)
    return event


def name_the_call(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say whose line it is under one name, and in which trace the call is told.

    The framework calls the id ``job_id``, and now and then has it only inside a whole message.
    """
    job_id = event.pop("job_id", None) or next(filter(None, map(_id_in, _parts(event))), None)
    call_id = event.get("call_id") or job_id
    if isinstance(call_id, str) and call_id:
        event["call_id"] = call_id
        event["trace_id"] = trace_id_of(call_id)
    return event


def _parts(event: EventDict) -> list[object]:
    return [event[key] for key in _WHOLE_MESSAGES if key in event]


def _id_in(message: object) -> object:
    found = message.get("id") if isinstance(message, Mapping) else getattr(message, "id", None)
    return found if isinstance(found, str) else None


def _record_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take over the traceback that came as text from another process."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord) and record.exc_text and "exception" not in event:
        event["exception"] = record.exc_text
    return event


def _pack_for_parent(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    message = event.pop("event", "")
    packed: EventDict = {"event": message, FACTS: dict(event)}
    return packed


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave the framework's two lines for each process it starts to those who debug."""
    debugs = logging.getLogger(_FRAMEWORK).isEnabledFor(logging.DEBUG)
    return debugs or record.getMessage() not in _CHATTER


_STYLE = Style(
    ours=_OURS,
    quiet=_NOISY,
    received=(_take_facts,),
    whole=(_record_exception,),
    told=(name_the_call, hide_content, _drop_what_is_not_a_fact),
)


def write_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set up the parent: every record of every logger becomes one line, on standard output."""
    here = Whereabouts.read()
    always = {name: said for name, said in (("fleet", here.fleet), ("pod", here.pod)) if said}
    logs.write_logs(settings, replace(_STYLE, always=always), stream)
    framework = logging.getLogger(_FRAMEWORK)
    framework.removeFilter(_is_worth_a_line)
    framework.addFilter(_is_worth_a_line)


def send_logs_to_parent(settings: LogSettings) -> None:
    """Set up a call's process: the framework carries each record to the parent, facts and all."""
    logs.set_levels(settings, _STYLE)
    logs.log_what_nobody_caught()
    logs.use(
        [
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            _pack_for_parent,
            structlog.stdlib.render_to_log_kwargs,
        ]
    )
