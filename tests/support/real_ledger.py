"""What is left of a scenario: who spoke with whom, the words, the figures, the fleet's history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from call_ledger import Entry, ModelHeard, PodLog, ledger, table
from call_words import Words, conversation

from callfleet_rehearsal.evidence import CallRecord


@dataclass(frozen=True)
class Ledger:
    """All calls of a scenario, as their callers, the model and their workers tell of them."""

    entries: tuple[Entry, ...]
    conversations: str

    @property
    def ends(self) -> list[tuple[str, str]]:
        """Say how each job ended: as its caller saw it, and as its worker said."""
        return [(entry.seen, entry.said) for entry in self.entries]

    @property
    def is_complete(self) -> bool:
        """Say whether each worker has told how its calls ended."""
        return all(entry.said for entry in self.entries)

    def of(self, *pods: str) -> list[Entry]:
        """Give the jobs that these pods had."""
        return [entry for entry in self.entries if entry.pod in pods]

    def but_of(self, *pods: str) -> list[Entry]:
        """Give all others."""
        return [entry for entry in self.entries if entry.pod not in pods]


def written(
    records: Sequence[CallRecord],
    logs: Sequence[PodLog],
    model: Sequence[ModelHeard] | None,
    words: Words,
) -> Ledger:
    """Write a ledger."""
    told = [conversation(record, words, model or ()) for record in records]
    return Ledger(ledger(records, logs, model), "\n".join(told))


def shown(ledger: Ledger | None, figures: Mapping[str, str], history: str) -> str:
    """Write what is told of a scenario, for people; the words are left to a file."""
    parts = [
        "\n".join(f"- {what}: {value}" for what, value in figures.items()),
        table(ledger.entries) if ledger is not None else "The callers were never heard out.",
        history,
    ]
    return "\n\n".join(part for part in parts if part)
