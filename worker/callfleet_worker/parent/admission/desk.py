"""Decide which orders a worker obeys, and say how it stands. Pure: no socket, no file, no clock."""

from dataclasses import asdict, dataclass
from enum import Enum

from callfleet_contract.admission import Order, Report

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be told of a worker and its calls at one moment."""

    registered: bool
    draining: bool
    slots: int
    reserved: int
    active: int
    accepted_total: int
    given_back_total: int
    ended_total: int
    refused_total: int
    cut_total: int
    call_seconds_total: float
    unconnected: str = ""


class Verdict(Enum):
    """What is done with an order."""

    OBEY = "obey"
    """It is new: keep it, then do it."""
    STANDS = "stands"
    """It was obeyed before: answer, and do nothing."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; where it is a refusal, a sentence that says why."""

    verdict: Verdict
    sentence: str = ""


class Desk:
    """Knows the last order obeyed, and obeys only what is for this pod and newer."""

    def __init__(self, pod_uid: str, boot_id: str, last: Order | None, *, forgot: bool) -> None:
        """Begin a boot.

        Args:
            pod_uid: The pod that this is.
            boot_id: This start of its container; no other has the same.
            last: The order that stood when the container ended; None where there was none.
            forgot: There was one, and it cannot be read. The operator may have seen this pod
                cordoned and idle, and be about to delete it: so no call is taken until it says
                more. Any order is new then.

        """
        self._pod_uid, self._boot_id = pod_uid, boot_id
        self._sequence = 0
        self.epoch = last.epoch if last else 0
        self.cordoned = last.cordon if last else forgot
        self.ends_calls = False
        """Calls had their time. No boot after this one needs to know: it has none of them."""

    def judge(self, order: Order) -> Judgement:
        """Decide what is to be done with an order, and do nothing yet."""
        if order.pod_uid != self._pod_uid:
            return _refuse(
                f"this order is for the pod {order.pod_uid[:_SHOWN_CHARACTERS]!r}, and this is "
                f"{self._pod_uid!r}: look up who has this address now"
            )
        if order.epoch < self.epoch:
            return _refuse(
                f"epoch {order.epoch} is older than {self.epoch}, which was obeyed already: an "
                "operator that leads gives a higher one"
            )
        if order.epoch > self.epoch:
            return Judgement(Verdict.OBEY)
        if order.cordon is self.cordoned:
            return Judgement(Verdict.STANDS)
        done = "cordoned" if self.cordoned else "uncordoned"
        return _refuse(
            f"epoch {order.epoch} was obeyed already, and {done} this worker: an order that says "
            "something else needs a higher one"
        )

    def obey(self, order: Order) -> None:
        """Have an order stand that was judged to be new."""
        self.epoch, self.cordoned = order.epoch, order.cordon
        self.ends_calls = order.ends_calls

    def add(self, order: Order) -> None:
        """Take what an order that stands already says beside."""
        self.ends_calls |= order.ends_calls

    def report(self, seen: Seen) -> Report:
        """Say how the worker stands; each report has a higher number than the one before."""
        self._sequence += 1
        return Report(
            pod_uid=self._pod_uid,
            boot_id=self._boot_id,
            sequence=self._sequence,
            epoch=self.epoch,
            cordoned=self.cordoned,
            **asdict(seen),
        )


def _refuse(sentence: str) -> Judgement:
    return Judgement(Verdict.REFUSE, sentence)
