"""What operator and worker say to each other on the worker's admission port. Pure: no socket here.

``GET /v1/watch`` streams one JSON line, a :class:`Report`, at once, on every change, and at least
every :data:`HEARTBEAT_SECONDS`. ``POST /v1/cordon`` takes an :class:`Order` and answers with the
report after it. Both are signed (see ``signing``): what can cordon a worker is the operator's
private key, and what runs in one worker has none.

An order is obeyed where it is for this pod (``pod_uid``) and newer than the last (``epoch``): so
orders may be lost, doubled, late, or come from an operator that no longer leads. No clock takes
part.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

WATCH_PATH = "/v1/watch"
CORDON_PATH = "/v1/cordon"
HEARTBEAT_SECONDS = 2.0
"""A worker that is silent for longer than a few of these may be gone."""
MOST_BYTES = 4096
"""No order and no report is longer."""


class WireError(ValueError):
    """What came is no message of this port; says which part of it is wrong."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself.

    ``boot_id`` is another after each restart of the container; totals count from there.
    ``sequence`` grows with each report of a boot. ``epoch`` is that of the last order obeyed.
    ``reserved`` calls are accepted and have no process yet, ``active`` ones run; none is in both.
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
        """Whether it has no call and can get none."""
        return self.calls == 0 and not self.accepting


@dataclass(frozen=True, slots=True)
class Order:
    """Take no more calls (``cordon``), or take them again. ``epoch`` grows from order to order."""

    pod_uid: str
    epoch: int
    cordon: bool
    reason: str = ""


def encode(message: Report | Order) -> bytes:
    """Write a message as one JSON line, without its end; the same message gives the same bytes."""
    return json.dumps(asdict(message), separators=(",", ":")).encode()


def read_report(line: bytes) -> Report:
    """Read what a worker said.

    Raises:
        WireError: it is no report. Names it does not know are left out: a newer worker may say
            more.

    """
    return Report(**_facts(line, Report))


def read_order(body: bytes) -> Order:
    """Read what an operator asks for.

    Raises:
        WireError: it is no order.

    """
    order = Order(**_facts(body, Order))
    if order.epoch < 1:
        message = f"epoch is {order.epoch}: epochs of orders begin with 1"
        raise WireError(message)
    return order


def _facts(line: bytes, kind: type[Report | Order]) -> dict[str, Any]:
    if len(line) > MOST_BYTES:
        message = f"a message of {len(line)} bytes: {MOST_BYTES} are the most"
        raise WireError(message)
    try:
        told = json.loads(line)
    except ValueError as error:
        message = f"no JSON ({error})"
        raise WireError(message) from error
    if not isinstance(told, dict):
        message = f"a JSON {type(told).__name__} in place of an object"
        raise WireError(message)
    return {field.name: _fact(told, field.name, field.type) for field in fields(kind)}


def _fact(told: dict[str, Any], name: str, kind: Any) -> Any:
    if name not in told:
        if name == "reason":
            return ""
        message = f"{name} is missing"
        raise WireError(message)
    value = told[name]
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        message = f"{name} is {value!r}, which is no {kind.__name__}"
        raise WireError(message)
    if kind in (int, float) and value < 0:
        message = f"{name} is {value}, which is below 0"
        raise WireError(message)
    return value
