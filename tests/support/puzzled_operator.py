"""An operator with a bug: it cannot decide on fleets of one name, and looks after all others."""

import sys
from pathlib import Path

from callfleet.command import main
from callfleet_operator import assembly
from callfleet_operator.planning.actions import Plan
from callfleet_operator.planning.snapshot import Snapshot

PROGRAM = Path(__file__)
PUZZLE = "puzzling"
decide = assembly.plan


def puzzled(seen: Snapshot) -> Plan:
    if seen.name == PUZZLE:
        message = "this fleet is beyond me"
        raise ArithmeticError(message)
    return decide(seen)


if __name__ == "__main__":
    assembly.plan = puzzled
    sys.exit(main(sys.argv[1:]))
