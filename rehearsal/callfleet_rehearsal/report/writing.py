"""Write a run's report into its folder."""

from dataclasses import dataclass
from pathlib import Path

from callfleet_rehearsal.report.document import document
from callfleet_rehearsal.report.facts import RunFacts
from callfleet_rehearsal.report.page import page
from callfleet_rehearsal.verdict import Evidence, Verdict


@dataclass(frozen=True, slots=True)
class Written:
    """Where the report is."""

    html: Path
    json: Path


def write(folder: Path, verdict: Verdict, evidence: Evidence, facts: RunFacts) -> Written:
    """Write ``report.html`` and ``report.json`` into an existing folder."""
    written = Written(folder / "report.html", folder / "report.json")
    written.html.write_text(page(verdict, evidence, facts), encoding="utf-8")
    written.json.write_text(document(verdict, evidence, facts), encoding="utf-8")
    return written
