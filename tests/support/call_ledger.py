"""What callers saw, the model heard and workers logged: a row for each job of each call."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfleet_rehearsal.evidence import CallRecord, TurnRecord

NOBODY = "nobody"
WELL = ("hung_up", "completed: caller_hung_up")
"""How a call ends that nothing was done to: its caller saw it so, and its worker said so."""
_HEAD = (
    "| call | pod | pod uid | job | turns | model heard | caller heard | greeted after s "
    "| last reply, s before the end | caller saw | worker said |"
)
Line = Mapping[str, Any]


@dataclass(frozen=True)
class PodLog:
    """What a pod said."""

    name: str
    uid: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class ModelHeard:
    """A caller's sentence as the model recognised it, by the marker in its sound."""

    call: int
    turn: int
    at_ns: int


@dataclass(frozen=True)
class Entry:
    """One job of a call: a call has one, unless its worker died and another took it up."""

    call: int
    pod: str
    pod_uid: str
    job: str
    turns: int
    """Which the caller took, in all jobs of the call."""
    model_heard: int | None
    """Of which the model heard the caller; None where nobody asked it."""
    heard: int
    """To which a reply was heard."""
    greeting_seconds: float | None
    """From dialling to the first sound of the agent; None where there was none."""
    silent_seconds: float | None
    """From the beginning of the last reply heard to the end; None where none was heard."""
    seen: str
    """How the call ended, as its caller saw it."""
    said: str
    """How it ended, as its worker logged it; empty where the worker did not live to say so."""

    def row(self) -> str:
        """Write it as a row of a table."""
        told = (
            self.call,
            self.pod,
            self.pod_uid,
            self.job,
            self.turns,
            "-" if self.model_heard is None else self.model_heard,
            self.heard,
            _written(self.greeting_seconds, 2),
            _written(self.silent_seconds, 1),
            self.seen,
            self.said or "nothing",
        )
        return f"| {' | '.join(map(str, told))} |"


def ledger(
    records: Iterable[CallRecord],
    logs: Sequence[PodLog],
    model: Sequence[ModelHeard] | None = None,
) -> tuple[Entry, ...]:
    """Match callers' records with the logs of pods, and with what the model heard."""
    entries: list[Entry] = []
    for record in records:
        jobs = [
            (log.name, log.uid, job, said)
            for log in logs
            for job, said in _jobs(log.lines, record.room).items()
        ]
        for pod, uid, job, said in jobs or [(NOBODY, "-", "-", "")]:
            seen = f"{record.end} ({record.detail})" if record.detail else str(record.end)
            entries.append(
                Entry(
                    call=record.call,
                    pod=pod,
                    pod_uid=uid,
                    job=job,
                    turns=len(record.turns),
                    model_heard=None if model is None else len(heard_by_model(record, model)),
                    heard=sum(caller_heard(turn) for turn in record.turns),
                    greeting_seconds=greeting_seconds(record),
                    silent_seconds=_silent_seconds(record),
                    seen=seen,
                    said=said,
                )
            )
    return tuple(entries)


def table(entries: Iterable[Entry]) -> str:
    """Write entries for people."""
    rows = [entry.row() for entry in entries]
    return "\n".join([_HEAD, "|" + "---|" * (_HEAD.count("|") - 1), *rows])


def heard_by_model(record: CallRecord, model: Iterable[ModelHeard]) -> set[int]:
    """Give the turns of a call in which the model heard the caller."""
    begun = [(turn.started_ns, turn.turn) for turn in record.turns]
    heard: set[int] = set()
    for one in model:
        if one.call == record.call and record.join_started_ns <= one.at_ns:
            heard.update([turn for since_ns, turn in begun if since_ns <= one.at_ns][-1:])
    return heard


def caller_heard(turn: TurnRecord) -> bool:
    """Say whether a caller heard a reply of its own in a turn."""
    return any(one.call == turn.call for one in turn.heard)


def greeting_seconds(record: CallRecord) -> float | None:
    """Say how long a caller waited for the agent's first sound."""
    heard_ns = record.greeting_heard_ns
    return None if heard_ns is None else (heard_ns - record.join_started_ns) / 1e9


def _silent_seconds(record: CallRecord) -> float | None:
    """Say how long before the end of a call its caller's last reply began."""
    replies = [one.at_ns for turn in record.turns for one in turn.heard if one.call == turn.call]
    return (record.ended_ns - replies[-1]) / 1e9 if replies else None


def _written(seconds: float | None, places: int) -> str:
    return "-" if seconds is None else f"{seconds:.{places}f}"


def told_in(text: str) -> list[dict[str, Any]]:
    """Read the JSON lines of a log; whatever else is in it was not said by us."""
    lines = text.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def logs_in(folder: Path, uids: Mapping[str, str]) -> list[PodLog]:
    """Read the logs of pods that have a file each, called as they are."""
    return [
        PodLog(name, uid, told_in((folder / f"{name}.log").read_text(encoding="utf-8")))
        for name, uid in uids.items()
    ]


def _jobs(lines: Iterable[Line], room: str) -> dict[str, str]:
    """Give the jobs of a room of which a worker logged a turn or the end, and how they ended."""
    found: dict[str, str] = {}
    for line in lines:
        if line.get("room") == room and "call_id" in line:
            ended = line.get("event") == "call ended"
            said = f"{line['outcome']}: {line['reason']}" if ended else ""
            found[line["call_id"]] = found.get(line["call_id"]) or said
    return found
