"""What a caller and the model each tell of one call: for whoever reads why a test failed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from callfleet_rehearsal.evidence import CallRecord, TurnRecord

_NOT_SHOWN = {"at_ns", "session", "event", "last_speech_received_ns"}


def account(record: CallRecord, told: Sequence[Mapping[str, Any]]) -> str:
    """Put the caller's side and the model's in one list, in seconds since the caller joined.

    ``told`` are the model's events of any calls; all of a session that heard this caller are
    taken, those of turns whose marker it did not recognise as well.
    """
    sessions = {each["session"] for each in told if each.get("call") == record.call}
    since_ns = record.joined_ns or record.join_started_ns
    lines = sorted(
        [
            *_caller(record),
            *(_model(each) for each in told if each["session"] in sessions),
        ]
    )
    head = (
        f"call {record.call} in {record.room} ended {record.end}; sent {record.packets_sent} "
        f"({record.packets_sent_lost} lost), received {record.packets_received} "
        f"({record.packets_received_lost} lost), concealed {record.concealed_seconds:.3f} s, "
        f"sent {record.send_late_p95_seconds * 1000:.0f} ms late at p95"
    )
    return "\n".join([head, *(f"{(at_ns - since_ns) / 1e9:9.3f} {what}" for at_ns, what in lines)])


def _caller(record: CallRecord) -> Iterator[tuple[int, str]]:
    for segment in record.segments:
        seconds = (segment.end_ns - segment.start_ns) / 1e9
        yield segment.start_ns, f"{segment.party} sounds for {seconds:.3f} s (turn {segment.turn})"
    for turn in record.turns:
        yield turn.started_ns, f"caller's turn {turn.turn} ({turn.kind}): {_reply(turn)}"
        for one in turn.heard:
            heard = f"caller hears the marker of call {one.call}, turn {one.turn}"
            yield one.played_at_ns, heard


def _reply(turn: TurnRecord) -> str:
    return (
        f"a reply of {turn.reply_seconds:.3f} s for {turn.expected_reply_seconds:.3f} s, "
        f"{turn.concealed_seconds:.3f} s of it concealed"
    )


def _model(told: Mapping[str, Any]) -> tuple[int, str]:
    facts = " ".join(f"{name}={told[name]}" for name in told if name not in _NOT_SHOWN)
    return told["at_ns"], f"  model {told['session']}: {told['event']} {facts}".rstrip()
