"""Read what a program writes line by line while it still writes."""

import json
from pathlib import Path
from typing import Any


def objects_in(log: Path) -> list[dict[str, Any]]:
    """Read the JSON objects of a log, one to a line, in their order.

    Lines for people are passed over, and the last one as long as only a part of it is written.
    """
    whole, _, _ = log.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
