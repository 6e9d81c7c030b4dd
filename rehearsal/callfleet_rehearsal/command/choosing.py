"""Options that verbs share, and who answers the callers."""

import os
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from callfleet_rehearsal.emulator.timing import TimingName
from callfleet_rehearsal.stack.rehearsal import Model

USAGE = 2

ModelName = Annotated[
    Model | None,
    typer.Option("--model", help="Who answers. Unset: gemini where GOOGLE_API_KEY is set."),
]
Timing = Annotated[
    TimingName,
    typer.Option(help="How fast the emulator is: the objectives' ideal, or as was measured."),
]


def chosen_model(console: Console, asked: Model | None) -> Model:
    """Say who answers; the command ends where that cannot be."""
    has_key = bool(os.environ.get("GOOGLE_API_KEY") or os.environ.get("CALLFLEET_MODEL__KEYS"))
    if asked is Model.GEMINI and not has_key:
        give_up(
            console,
            "--model gemini needs a key: set GOOGLE_API_KEY to a Gemini API key, "
            "or leave --model out to talk with the emulator",
            USAGE,
        )
    if asked is not None:
        return asked
    return Model.GEMINI if has_key else Model.EMULATOR


def give_up(console: Console, sentence: str, code: int) -> NoReturn:
    """Say in one sentence why not, and end with an exit code."""
    console.print(sentence, style="red", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(code)
