"""How the operator signs what it asks of a worker: Ed25519 (RFC 8032), one key pair per operator.

A signature covers the purpose and the body, so that a watch cannot be replayed as a cordon. A
signed order may be replayed, and does nothing: its epoch is no longer new.
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEADER = "Callfleet-Signature"
_KEY_BYTES = 32


class KeyTextError(ValueError):
    """A text is no key: says what one looks like."""


def sign(key: Ed25519PrivateKey, purpose: str, body: bytes) -> str:
    """Make the header's value: the signature as base64."""
    return base64.b64encode(key.sign(_signed(purpose, body))).decode()


def is_signed(keys: Sequence[Ed25519PublicKey], purpose: str, body: bytes, header: str) -> bool:
    """Say whether the holder of any of these keys signed it; several, while a key is changed."""
    try:
        signature = base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_verifies(key, signature, _signed(purpose, body)) for key in keys)


def read_public_key(text: str) -> Ed25519PublicKey:
    """Read a public key from its 32 bytes in base64.

    Raises:
        KeyTextError: it is none.

    """
    return Ed25519PublicKey.from_public_bytes(_key_bytes(text, "public"))


def read_private_key(text: str) -> Ed25519PrivateKey:
    """Read a private key from its 32 bytes in base64.

    Raises:
        KeyTextError: it is none; what it was is not said.

    """
    return Ed25519PrivateKey.from_private_bytes(_key_bytes(text, "private"))


def write_public_key(key: Ed25519PublicKey) -> str:
    """Write a public key as :func:`read_public_key` reads it."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def write_private_key(key: Ed25519PrivateKey) -> str:
    """Write a private key as :func:`read_private_key` reads it."""
    return base64.b64encode(key.private_bytes_raw()).decode()


def _key_bytes(text: str, which: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        message = (
            f"this is no Ed25519 {which} key: it has to be {_KEY_BYTES} bytes in base64, "
            "44 characters; `callfleet operator keys` makes a pair"
        )
        raise KeyTextError(message)
    return raw


def _signed(purpose: str, body: bytes) -> bytes:
    return b"callfleet/v1 " + purpose.encode() + b"\n" + body


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
