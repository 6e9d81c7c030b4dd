"""Keep the last order obeyed where a restart of the container finds it: whole, or not at all."""

import os
from dataclasses import dataclass
from pathlib import Path

from callfleet_contract.admission import MOST_BYTES, Order, WireError, encode, read_order
from callfleet_service.errors import CannotStartError

_FILE = "order.json"
_BEING_WRITTEN = "order.json.new"


class StateFolderError(CannotStartError):
    """Orders cannot be kept where the settings say."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was found: the order, or why there is none."""

    order: Order | None = None
    forgot: str = ""
    """There was an order, and this is why it cannot be read."""
    not_ours: str = ""
    """There was an order for this other pod."""


def check(folder: Path) -> None:
    """See that orders can be kept there.

    Raises:
        StateFolderError: they cannot; the message says what to do.

    """
    try:
        _write(folder / ".try", b"")
        (folder / ".try").unlink()
    except OSError as error:
        message = (
            f"CALLFLEET_ADMISSION__STATE_FOLDER is {str(folder)!r}, where this user cannot write "
            f"({error.strerror or error}): mount an emptyDir there, so that a worker that was "
            "cordoned is cordoned still when its container has been restarted"
        )
        raise StateFolderError(message) from error


def recall(folder: Path, pod_uid: str) -> Recalled:
    """Read the order that stood when the container ended; what cannot be read is said."""
    try:
        with (folder / _FILE).open("rb") as file:
            order = read_order(file.read(MOST_BYTES + 1))
    except FileNotFoundError:
        return Recalled()
    except (OSError, WireError) as error:
        return Recalled(forgot=str(error))
    return Recalled(order) if order.pod_uid == pod_uid else Recalled(not_ours=order.pod_uid)


def keep(folder: Path, order: Order) -> None:
    """Write an order down; when this returns it outlives this process and the machine's crash.

    Raises:
        OSError: it was not written, and the one before it still stands.

    """
    new = folder / _BEING_WRITTEN
    _write(new, encode(order))
    new.replace(folder / _FILE)
    listing = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
