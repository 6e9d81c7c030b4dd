"""The admission port opens where there is a key, and a wrong one is told what to write."""

from pathlib import Path

import pytest

from callfleet_worker.settings import Settings, SettingsError, load

KEY = "yNWy27TOYJJ8LHi5mJuUA0zmm1/tUVQ4TBwvBPLMF4Y="
OTHER = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
NEEDED = {
    "LIVEKIT_URL": "ws://livekit",
    "LIVEKIT_API_KEY": "k",
    "LIVEKIT_API_SECRET": "s",
    "GOOGLE_API_KEY": "g",
}


def loaded(**admission: str) -> Settings:
    more = {f"CALLFLEET_ADMISSION__{name.upper()}": value for name, value in admission.items()}
    return load(NEEDED | more)


@pytest.mark.parametrize("keys", [None, "", " , "])
def test_without_a_key_the_port_is_not_opened(keys: str | None) -> None:
    settings = loaded() if keys is None else loaded(public_keys=keys, pod_uid="")
    assert not settings.admission.is_open
    assert settings.admission.port == 8082


def test_two_keys_are_heeded_while_one_is_changed() -> None:
    admission = loaded(public_keys=f"{KEY}, {OTHER}", pod_uid="uid", state_folder="").admission
    assert admission.is_open
    assert admission.public_keys == (KEY, OTHER)
    assert admission.state_folder == Path("/var/lib/callfleet")


@pytest.mark.parametrize("wrong", ["garbage", f"{KEY},x", KEY[:-1], f"{KEY};{OTHER}", f"{KEY}A"])
def test_what_is_no_key_is_told_what_one_looks_like(wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(public_keys=wrong, pod_uid="uid")
    (sentence,) = refused.value.sentences
    assert sentence.startswith("CALLFLEET_ADMISSION__PUBLIC_KEYS is ")
    assert "write Ed25519 public keys, each of 32 bytes in base64 (44 characters)" in sentence


def test_a_key_that_anybody_can_sign_with_is_refused() -> None:
    with pytest.raises(SettingsError, match="a weak point of the curve"):
        loaded(public_keys="A" * 43 + "=", pod_uid="uid")


def test_keys_without_the_pods_uid_are_refused_with_the_cure() -> None:
    with pytest.raises(SettingsError, match=r"ADMISSION__POD_UID is not: .*downward API"):
        loaded(public_keys=KEY)
