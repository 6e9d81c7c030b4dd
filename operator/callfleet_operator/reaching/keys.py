"""The operator's keys: which one signs for whom. The first is for new pods.

While a key is changed both are there: pods that were made before believe the old one alone.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callfleet_contract.signing import KeyTextError, read_private_key, sign, write_public_key


class NoKeyError(Exception):
    """There is no private key; says how to get one."""


class Keys:
    """The private keys, by their public ones."""

    def __init__(self, private: Sequence[Ed25519PrivateKey]) -> None:
        self._private = {write_public_key(one.public_key()): one for one in private}
        self._first = private[0]

    @property
    def public(self) -> tuple[str, ...]:
        """The public keys that a new pod believes."""
        return tuple(self._private)

    def sign(self, believed: Sequence[str], purpose: str, body: bytes) -> str:
        """Sign with a key that a worker believes, as far as is known; else with the first."""
        known = (self._private[one] for one in believed if one in self._private)
        return sign(next(known, self._first), purpose, body)


def read_keys(path: Path) -> Keys:
    """Read a file with a private key on each line, the one for new pods first.

    Raises:
        NoKeyError: it cannot be read, or holds something else.

    """
    try:
        lines = path.read_text(encoding="utf-8").split()
        private = [read_private_key(line) for line in lines]
    except (OSError, UnicodeDecodeError, KeyTextError) as error:
        message = (
            f"CALLFLEET_OPERATOR_PRIVATE_KEY_FILE is {str(path)!r}, which holds no key ({error}): "
            "make a pair with `callfleet operator keys` and mount the Secret there"
        )
        raise NoKeyError(message) from error
    if not private:
        message = (
            f"{str(path)!r} is empty: make a pair with `callfleet operator keys` and mount the "
            "Secret there"
        )
        raise NoKeyError(message)
    return Keys(private)
