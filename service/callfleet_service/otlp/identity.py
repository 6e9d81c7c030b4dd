"""Give traces ids of their own choosing: that of a call follows from the call's."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_chosen: ContextVar[str] = ContextVar("chosen_trace_id", default="")


class ChosenIds(RandomIdGenerator):
    """Makes ids of spans at random, and of traces where none is chosen."""

    def generate_trace_id(self) -> int:
        """Give the id of a trace that begins."""
        chosen = _chosen.get()
        return int(chosen, 16) if chosen else super().generate_trace_id()


@contextmanager
def in_trace(trace_id: str) -> Iterator[None]:
    """Have a span without a parent begin the trace of this id, 32 hexadecimal digits."""
    token = _chosen.set(trace_id)
    try:
        yield
    finally:
        _chosen.reset(token)
