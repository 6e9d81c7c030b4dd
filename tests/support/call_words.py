"""The words that each side of a call heard. They are known from markers: no log has them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from call_ledger import ModelHeard, heard_by_model

from callfleet_rehearsal.evidence import CallRecord
from callfleet_rehearsal.sound.clips import greeting, reply

Words = Callable[[int, int], str]
"""What a caller says: by the number of the call, and by the turn."""


def conversation(record: CallRecord, words: Words, model: Sequence[ModelHeard]) -> str:
    """Write one call for people."""
    return "\n".join(_lines(record, words, heard_by_model(record, model)))


def _lines(record: CallRecord, words: Words, heard: Iterable[int]) -> Iterator[str]:
    yield f"### Call {record.call}\n"
    if record.greeting_heard_ns is not None:
        yield f"- caller heard: {greeting().text}"
    for turn in record.turns:
        side = "model heard" if turn.turn in heard else "nobody heard"
        yield f"- {side}: {words(record.call, turn.turn)}"
        own = [one for one in turn.heard if one.call == record.call]
        yield from (f"- caller heard: {reply(one.call, one.turn).text}" for one in own)
        if not own:
            yield "- caller heard nothing"
    yield f"- {record.end}{record.detail and ': '}{record.detail}\n"
