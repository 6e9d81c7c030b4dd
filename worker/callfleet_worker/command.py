"""The verb ``callfleet worker``: take calls until told to go."""

import sys
from typing import NoReturn

import typer

from callfleet_service.errors import CannotStartError
from callfleet_worker.settings import SettingsError, load
from callfleet_worker.settings.loading import EXIT_CODE as WRONG_SETTINGS

CANNOT_START = 1


def worker() -> None:
    """Register with LiveKit and take calls; everything is set by environment or file.

    SIGTERM lets the calls in progress finish first.
    """
    try:
        settings = load()
    except SettingsError as error:
        _give_up(error.sentences, WRONG_SETTINGS)
    # Heavy imports, which a wrong setting should not have to wait for.
    from callfleet_worker.call import entrypoint  # noqa: PLC0415
    from callfleet_worker.parent.life import run  # noqa: PLC0415 - as above

    try:
        run(settings, entrypoint)
    except CannotStartError as error:
        _give_up((str(error),), CANNOT_START)


def _give_up(sentences: tuple[str, ...], code: int) -> NoReturn:
    for sentence in sentences:
        sys.stderr.write(f"callfleet worker: {sentence}\n")
    raise typer.Exit(code)
