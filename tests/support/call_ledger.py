"""Put together what callers saw and what their workers logged: a row for each job of each call."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfleet_rehearsal.evidence import CallRecord

_HEAD = "| call | pod | pod uid | job | turns | heard | caller saw | worker said |"


@dataclass(frozen=True)
class Entry:
    """One job of a call: a call has one, unless its worker died and another took it up."""

    call: int
    pod: str
    pod_uid: str
    job: str
    turns: int
    """Which the caller took, in all jobs of the call."""
    heard: int
    """To which a reply was heard."""
    seen: str
    """How the call ended, as its caller saw it."""
    said: str
    """How it ended, as its worker logged it; empty where the worker did not live to say so."""

    def row(self) -> str:
        """Write it as a row of a table."""
        told = (self.call, self.pod, self.pod_uid, self.job, self.turns, self.heard, self.seen)
        return f"| {' | '.join(str(one) for one in told)} | {self.said or 'nothing'} |"


def ledger(
    records: Iterable[CallRecord], uids: Mapping[str, str], folder: Path
) -> tuple[Entry, ...]:
    """Match callers' records with the logs of pods; ``uids`` are known by the pods' names."""
    lines = {pod: _lines(folder / f"{pod}.log") for pod in uids}
    return tuple(
        Entry(
            call=record.call,
            pod=pod,
            pod_uid=uids[pod],
            job=job,
            turns=len(record.turns),
            heard=_heard(record),
            seen=f"{record.end} ({record.detail})" if record.detail else str(record.end),
            said=said,
        )
        for record in records
        for pod in uids
        for job, said in _jobs(lines[pod], record.room).items()
    )


def table(entries: Iterable[Entry]) -> str:
    """Write entries for people."""
    rows = [entry.row() for entry in entries]
    return "\n".join([_HEAD, "|" + "---|" * (_HEAD.count("|") - 1), *rows])


def _lines(log: Path) -> list[dict[str, Any]]:
    lines = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _jobs(lines: list[dict[str, Any]], room: str) -> dict[str, str]:
    """Give the jobs of a room of which a worker logged a turn or the end, and how they ended."""
    found: dict[str, str] = {}
    for line in lines:
        if line.get("room") == room and "call_id" in line:
            ended = line.get("event") == "call ended"
            said = f"{line['outcome']}: {line['reason']}" if ended else ""
            found[line["call_id"]] = found.get(line["call_id"]) or said
    return found


def _heard(record: CallRecord) -> int:
    return sum(any(one.call == record.call for one in turn.heard) for turn in record.turns)
