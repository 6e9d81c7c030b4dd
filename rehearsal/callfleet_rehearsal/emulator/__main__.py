"""``python -m callfleet_rehearsal.emulator``: the same as ``callfleet emulate``."""

import typer

from callfleet_rehearsal.emulator.command import emulate

if __name__ == "__main__":
    typer.run(emulate)
