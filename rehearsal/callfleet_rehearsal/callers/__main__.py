"""``python -m callfleet_rehearsal.callers PLAN.json OUT.jsonl``: place the calls of a plan."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from callfleet_rehearsal.callers.plan import PlanError, read
from callfleet_rehearsal.callers.run import run


def _tell(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the callers; 2 where the plan cannot be followed."""
    if len(arguments) != 2:  # noqa: PLR2004 - the plan and the records
        sys.stderr.write("usage: python -m callfleet_rehearsal.callers PLAN.json OUT.jsonl\n")
        return 2
    try:
        plan = read(Path(arguments[0]))
    except PlanError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    records = uvloop.run(run(plan, _tell))
    lines = (json.dumps(asdict(record)) + "\n" for record in records)
    Path(arguments[1]).write_text("".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
