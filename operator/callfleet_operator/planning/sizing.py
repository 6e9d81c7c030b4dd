"""Say how many workers calls need. Pure arithmetic.

Each of the calls in progress is still there after the lead time with probability p = e^(-L/h), and
those that begin meanwhile and are still there are Poisson with mean λh(1 - p): the transient of
M/M/∞, exact for exponential lengths of calls (Eick, Massey, Whitt: The Physics of the Mt/G/∞ Queue,
Operations Research 41, 1993). Mean and variance of their sum, normal for many calls, give the slots
that suffice with the probability asked for (square-root staffing; Halfin, Whitt, 1981).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from callfleet_contract.fleet.spec import Headroom
from callfleet_operator.planning.snapshot import Arrivals

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Demand:
    """What calls need, and how that came about."""

    calls: int
    expected: float
    """Calls after the lead time, their mean."""
    deviation: float
    quantile: float
    slots: float
    """Slots that are needed with the idle ones."""
    incoming_slots: int
    """Slots that calls of the lead time alone need: what must be free meanwhile."""

    def pods(self, slots_per_pod: int) -> int:
        """Pods that have so many slots."""
        return math.ceil(self.slots / slots_per_pod - _ROUNDING)


def demand(calls: int, arrivals: Arrivals, lead_seconds: float, headroom: Headroom) -> Demand:
    """Say what is needed for calls in progress and those that come before a new worker is there."""
    rate = max(arrivals.per_second, arrivals.per_second_peak, 0.0)
    stay, incoming = _after(lead_seconds, arrivals.mean_call_seconds, rate)
    expected = calls * stay + incoming
    deviation = math.sqrt(calls * stay * (1 - stay) + incoming)
    quantile = NormalDist().inv_cdf(headroom.answer_slo)
    slots = max(float(calls), expected + quantile * deviation) + headroom.min_idle_slots
    alone = math.ceil(incoming + quantile * math.sqrt(incoming) - _ROUNDING)
    return Demand(calls, expected, deviation, quantile, slots, alone)


def _after(lead_seconds: float, mean_call_seconds: float, rate: float) -> tuple[float, float]:
    """Say with which probability a call stays, and how many new ones there are after the lead time.

    While no call has ended, none is expected to.
    """
    if mean_call_seconds <= 0:
        return 1.0, rate * lead_seconds
    stay = math.exp(-lead_seconds / mean_call_seconds)
    return stay, rate * mean_call_seconds * (1 - stay)
