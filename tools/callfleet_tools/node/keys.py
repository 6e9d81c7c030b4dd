"""The secrets of a cluster: made anew for each, and gone with it."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from callfleet_tools.node.layout import Layout


def tokens(users: Iterable[str]) -> dict[str, str]:
    """Make a token for each user."""
    return {name: secrets.token_hex(24) for name in users}


def service_account_keys(layout: Layout) -> dict[Path, str]:
    """Make the pair of keys that the tokens of service accounts are signed and checked with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        layout.control / "service-accounts.key": private.decode(),
        layout.control / "service-accounts.pub": public.decode(),
    }
