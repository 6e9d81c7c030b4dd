"""How the operator signs what it asks of a worker: Ed25519 (RFC 8032), one key pair per operator.

A signature covers the purpose and the body, so that a watch cannot be replayed as a cordon. A
signed order may be replayed, and does nothing: its epoch is no longer new. A signed watch may be
replayed too, and tells how many calls a worker has.
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HEADER = "Callfleet-Signature"
CORDON = "cordon"
"""Purpose of an order; what is signed is the body, byte by byte."""
WATCH = "watch"
"""Purpose of a watch, which has no body: what is signed is the pod's uid."""
_KEY_BYTES = 32
# Public keys of small order (all, as RFC 8032 and as older libraries write them): what is said to
# be signed with one may be signed by nobody. All zeros is what a forgotten placeholder decodes to.
_WEAK_KEYS = frozenset(
    bytes.fromhex(written)
    for written in (
        "00" * 32,
        "00" * 31 + "80",
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ec" + "ff" * 30 + "7f",
        "ec" + "ff" * 31,
        "ed" + "ff" * 30 + "7f",
        "ed" + "ff" * 31,
        "ee" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
    )
)


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
    raw = _key_bytes(text, "public")
    if raw in _WEAK_KEYS:
        message = (
            "this public key is a weak point of the curve, under which anybody can sign: "
            "`callfleet operator keys` makes a pair"
        )
        raise KeyTextError(message)
    return Ed25519PublicKey.from_public_bytes(raw)


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
