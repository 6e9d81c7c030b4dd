"""Run the emulator without the ``callfleet`` command: ``python -m callfleet_rehearsal.emulator``."""

import typer

from callfleet_rehearsal.emulator.command import emulate

if __name__ == "__main__":
    typer.run(emulate)
