"""What operator and worker say to each other on the worker's admission port. Pure: no socket here.

``GET /v1/watch`` streams one JSON line, a :class:`Report`, at once, on every change, and at least
every :data:`HEARTBEAT_SECONDS`. ``POST /v1/cordon`` takes an :class:`Order` and answers with the
report after it, or with a :class:`Refusal`. Both are signed (see ``signing``): what can cordon a
worker is the operator's private key, and what runs in one worker has none.

An order is obeyed where it is for this pod (``pod_uid``) and newer than the last (``epoch``): so
orders may be lost, doubled, late, or come from an operator that no longer leads. No clock takes
part.
"""

import json
import math
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any, NoReturn

WATCH_PATH = "/v1/watch"
CORDON_PATH = "/v1/cordon"
HEARTBEAT_SECONDS = 2.0
"""A worker that is silent for longer than a few of these may be gone."""
MOST_BYTES = 4096
"""No message is longer."""
MOST = 2**53 - 1
"""No number is higher: up to here every reader of JSON keeps whole numbers whole."""
MOST_CHARACTERS = 500
"""Of a sentence in a report, which has room for so many of ASCII beside the rest."""
_SHOWN_CHARACTERS = 80


class WireError(ValueError):
    """What came is no message of this port; says which part of it is wrong."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself.

    ``boot_id`` is another after each restart of the container; totals count from there.
    ``sequence`` grows with each report of a boot. ``epoch`` is that of the last order obeyed; 0 is
    none, or one that the worker forgot: then it is cordoned until the next.
    ``reserved`` calls are accepted and have no process yet, ``active`` ones run, or ended without
    a word and are about to be counted; none is in both. At any moment ``accepted_total`` is
    ``ended_total + given_back_total + reserved + active``, but for calls that have ended and whose
    process has yet to go: those are active still.
    """

    pod_uid: str
    boot_id: str
    sequence: int
    epoch: int
    cordoned: bool
    registered: bool
    draining: bool
    slots: int
    reserved: int
    active: int
    accepted_total: int
    ended_total: int
    refused_total: int
    """Offers passed on because no slot was free: a caller may have waited."""
    cut_total: int
    """Calls that ended because this worker or a process of it did."""
    call_seconds_total: float
    """Length of all ended calls."""
    given_back_total: int = 0
    """Accepted calls that LiveKit gave to another worker after all: no arrivals, and no ends."""
    unconnected: str = ""
    """Why it is not ``registered``, and what to do, in a sentence; empty where it does not know."""

    @property
    def accepting(self) -> bool:
        """Whether it takes a call while it has a slot for it."""
        return self.registered and not self.cordoned and not self.draining

    @property
    def calls(self) -> int:
        """Slots taken."""
        return self.reserved + self.active

    @property
    def free(self) -> int:
        """Calls that it would take now."""
        return max(0, self.slots - self.calls) if self.accepting else 0

    @property
    def idle(self) -> bool:
        """Whether it has no call and takes none: one that only lost LiveKit may find it again."""
        return self.calls == 0 and (self.cordoned or self.draining)


@dataclass(frozen=True, slots=True)
class Order:
    """Take no more calls (``cordon``), or take them again. ``epoch`` grows from order to order."""

    pod_uid: str
    epoch: int
    cordon: bool
    reason: str = ""
    """For people who read the worker's log: it decides nothing."""
    ends_calls: bool = False
    """Calls had their time: a worker that is told to go after this order ends them at once itself,
    rather than be killed with them. May be added to an order that stands; a newer one undoes it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order or a watch was refused, in a sentence; and how the worker is, if it was asked.

    With status 409 the order is not the one to obey (``report`` says which epoch is), with 507 it
    could not be kept and nothing changed. 400, 401, 404, 405, 408 and 413 come without a report.
    """

    error: str
    report: Report | None = None


def encode(message: Report | Order | Refusal) -> bytes:
    """Write a message as one JSON line, without its end; the same message gives the same bytes."""
    facts = asdict(message)
    if isinstance(message, Refusal) and message.report is None:
        del facts["report"]
    return json.dumps(facts, separators=(",", ":")).encode()


def read_report(line: bytes) -> Report:
    """Read what a worker said.

    Raises:
        WireError: it is no report. Names it does not know are left out: a newer worker may say
            more.

    """
    return _report(_object(line))


def read_order(body: bytes) -> Order:
    """Read what an operator asks for.

    Raises:
        WireError: it is no order.

    """
    order = Order(**_facts(_object(body), Order))
    if order.epoch < 1:
        message = f"epoch is {order.epoch}: epochs of orders begin with 1"
        raise WireError(message)
    return order


def read_refusal(body: bytes) -> Refusal:
    """Read why a worker did not do what it was asked for.

    Raises:
        WireError: it is no refusal; something else than a worker may have answered.

    """
    told = _object(body)
    error = _fact(told, "error", str)
    report = told.get("report")
    if report is None:
        return Refusal(error)
    if not isinstance(report, dict):
        message = f"report is a JSON {type(report).__name__} in place of an object"
        raise WireError(message)
    return Refusal(error, _report(report))


def _report(told: dict[str, Any]) -> Report:
    return Report(**_facts(told, Report))


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > MOST_BYTES:
        message = f"a message of {len(line)} bytes: {MOST_BYTES} are the most"
        raise WireError(message)
    try:
        told = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        message = f"no JSON ({error})"
        raise WireError(message) from error
    if not isinstance(told, dict):
        message = f"a JSON {type(told).__name__} in place of an object"
        raise WireError(message)
    return told


def _no_number(word: str) -> NoReturn:
    message = f"{word} is no number of JSON's"
    raise ValueError(message)


def _facts(told: dict[str, Any], kind: type[Report | Order]) -> dict[str, Any]:
    return {
        field.name: _fact(told, field.name, field.type)
        for field in fields(kind)
        if field.name in told or _is_needed(field)
    }


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING


def _fact(told: dict[str, Any], name: str, kind: Any) -> Any:
    if name not in told:
        message = f"{name} is missing"
        raise WireError(message)
    value = told[name]
    if kind is float and type(value) is int and abs(value) <= MOST:
        value = float(value)
    if type(value) is not kind:
        message = f"{name} is {_shown(value)}, which is no {kind.__name__}"
        raise WireError(message)
    if kind in (int, float) and not (0 <= value <= MOST and math.isfinite(value)):
        message = f"{name} is {_shown(value)}: it has to be from 0 to {MOST}"
        raise WireError(message)
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
