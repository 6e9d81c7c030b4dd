"""Only the holder of the operator's key can sign, and a key that anybody holds is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from callfleet_contract import signing
from callfleet_contract.signing import (
    CORDON,
    WATCH,
    KeyTextError,
    is_signed,
    read_private_key,
    read_public_key,
    sign,
    write_private_key,
    write_public_key,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PUBLIC = KEY.public_key()
BODY = b'{"epoch":1}'


def test_a_signature_is_for_one_purpose_and_one_body() -> None:
    header = sign(KEY, CORDON, BODY)
    assert is_signed([PUBLIC], CORDON, BODY, header)
    assert not is_signed([PUBLIC], WATCH, BODY, header)
    assert not is_signed([PUBLIC], CORDON, BODY + b" ", header)
    assert not is_signed([OTHER.public_key()], CORDON, BODY, header)


def test_each_of_several_keys_may_sign_while_one_is_changed() -> None:
    keys = [OTHER.public_key(), PUBLIC]
    assert all(is_signed(keys, WATCH, b"uid", sign(key, WATCH, b"uid")) for key in (KEY, OTHER))
    assert not is_signed([], WATCH, b"uid", sign(KEY, WATCH, b"uid"))


@pytest.mark.parametrize("header", ["", "?", "AAAA", "é", "A" * 88, "A" * 8000])
def test_what_is_no_signature_is_not_taken_for_one(header: str) -> None:
    assert not is_signed([PUBLIC], CORDON, BODY, header)


def test_keys_are_read_as_they_were_written() -> None:
    assert read_public_key(f" {write_public_key(PUBLIC)}\n") == PUBLIC
    assert write_private_key(read_private_key(write_private_key(KEY))) == write_private_key(KEY)


@pytest.mark.parametrize("text", ["", "secret", "c2VjcmV0", "-----BEGIN PRIVATE KEY-----"])
def test_a_text_that_is_no_key_is_told_what_one_looks_like_and_not_shown(text: str) -> None:
    for read in (read_public_key, read_private_key):
        with pytest.raises(KeyTextError, match="32 bytes in base64, 44 characters") as refused:
            read(text)
        assert not text or text not in str(refused.value)


def test_a_public_key_under_which_anybody_can_sign_is_refused() -> None:
    """The signature is made without any private key, and the library takes it."""
    identity = b"\x01" + bytes(31)
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")
    for raw in signing._WEAK_KEYS:
        with pytest.raises(KeyTextError, match="anybody can sign"):
            read_public_key(base64.b64encode(raw).decode())
