"""An operator says what to correct before it starts, and what it needs it prints itself."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callfleet_contract.signing import (
    is_signed,
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)
from callfleet_operator.command import KEY_NAME, secret
from callfleet_operator.reaching.connection import NoClusterError, find_cluster
from callfleet_operator.reaching.definition import age
from callfleet_operator.reaching.keys import Keys, NoKeyError, read_keys
from callfleet_operator.settings import SettingsError, load, variables
from callfleet_operator.settings_docs import main
from callfleet_service.clocks import in_words, skew_seconds
from callfleet_service.ports import PortTakenError, bind

KEY = {"CALLFLEET_OPERATOR_PRIVATE_KEY_FILE": "/keys/private-key"}


def test_the_environment_is_read() -> None:
    settings = load(
        {
            **KEY,
            "CALLFLEET_OPERATOR_NAMESPACES": "voice, voice-staging",
            "CALLFLEET_OPERATOR_LEASE__NAME": "mine",
            "CALLFLEET_OPERATOR_HTTP__PORT": "0",
            "CALLFLEET_OPERATOR_LOG__LEVEL": "debug",
            "UNRELATED": "x",
        }
    )
    assert settings.namespaces == ("voice", "voice-staging")
    assert settings.lease.name == "mine"
    assert settings.http.port == 0
    assert settings.lease_namespace == "voice"


def test_what_kubernetes_sets_beside_a_service_of_that_name_is_no_setting() -> None:
    links = {
        "CALLFLEET_OPERATOR_SERVICE_HOST": "10.96.0.7",
        "CALLFLEET_OPERATOR_PORT": "tcp://10.96.0.7:8083",
        "CALLFLEET_OPERATOR_PORT_8083_TCP_ADDR": "10.96.0.7",
    }
    assert load({**KEY, **links}).http.port == 8083


def test_everything_that_is_wrong_is_said_at_once_with_its_cure() -> None:
    with pytest.raises(SettingsError) as raised:
        load(
            {
                "CALLFLEET_OPERATOR_NAMESPACE": "voice",
                "CALLFLEET_OPERATOR_RELIST_SECONDS": "1",
                "CALLFLEET_OPERATOR_LEASE__NAME": "No Name",
            }
        )
    said = str(raised.value)
    assert "did you mean CALLFLEET_OPERATOR_NAMESPACES?" in said
    assert "CALLFLEET_OPERATOR_PRIVATE_KEY_FILE is not set" in said
    assert "CALLFLEET_OPERATOR_RELIST_SECONDS is '1'" in said
    assert "CALLFLEET_OPERATOR_LEASE__NAME is 'No Name'" in said


def test_every_setting_says_what_it_does_and_the_page_says_the_same() -> None:
    assert all((info.description or "").endswith(".") for _, info in variables())
    assert main(["--check"]) == 0


def test_a_printed_secret_holds_a_key_and_shows_the_public_one() -> None:
    told: dict[str, Any] = yaml.safe_load(secret("keys", "voice"))
    key = read_private_key(base64.b64decode(told["data"][KEY_NAME]).decode())
    assert told["metadata"]["annotations"]["callfleet.dev/public-key"] == write_public_key(
        key.public_key()
    )
    assert told["metadata"]["namespace"] == "voice"
    assert secret("keys", None) != secret("keys", None)


@pytest.mark.parametrize("content", ["", "nonsense", "\n\n"])
def test_a_file_without_a_key_is_answered_with_how_to_make_one(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "key"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(NoKeyError, match="callfleet operator keys"):
        read_keys(file)
    with pytest.raises(NoKeyError, match="holds no key"):
        read_keys(tmp_path / "absent")


def test_a_worker_is_spoken_to_with_a_key_that_it_believes(tmp_path: Path) -> None:
    new, old = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    file = tmp_path / "key"
    file.write_text(f"{write_private_key(new)}\n{write_private_key(old)}\n", encoding="utf-8")
    keys = read_keys(file)
    assert keys.public == (write_public_key(new.public_key()), write_public_key(old.public_key()))
    for believed, signer in ((keys.public[1:], old), (keys.public, new), ((), new), (("x",), new)):
        signature = keys.sign(believed, "watch", b"body")
        public = read_public_key(write_public_key(signer.public_key()))
        assert is_signed([public], "watch", b"body", signature)


def test_keys_without_a_file_are_the_same() -> None:
    one = Ed25519PrivateKey.generate()
    assert Keys([one]).public == (write_public_key(one.public_key()),)


def test_without_a_cluster_it_is_said_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoClusterError, match="set KUBECONFIG"):
        find_cluster()


def test_a_login_that_runs_a_program_is_answered_with_what_to_use_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = {
        "clusters": [{"name": "it", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"exec": {"apiVersion": "v1", "command": "aws"}}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "it",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(NoClusterError, match="a token or a client certificate"):
        find_cluster()


def test_a_definition_of_another_age_is_said_with_its_cure() -> None:
    assert age(3, 3) == ""
    assert "older (2)" in age(2, 3)
    assert "kubectl apply" in age(2, 3)
    assert "newer (4)" in age(4, 3)
    assert "install the operator" in age(4, 3)
    assert "kubectl apply" in age(None, 3)


def test_the_api_servers_clock_is_heeded_where_it_is_clearly_another() -> None:
    date = "Sun, 29 Nov 2026 10:00:00 GMT"
    then = 1795946400.0
    assert skew_seconds(then, then + 0.2, date) == 0.0
    assert skew_seconds(then - 600, then - 600, date) == 600.5
    assert skew_seconds(then + 60, then + 62, date) == -60.5
    assert skew_seconds(then, then, "") == 0.0
    assert skew_seconds(then, then, "yesterday") == 0.0
    assert (in_words(61.4), in_words(3599.6)) == ("61 s", "60 min")


def test_a_port_that_is_taken_is_answered_with_what_to_set() -> None:
    variable = "CALLFLEET_OPERATOR_HTTP__PORT"
    first = bind(load({**KEY, variable: "0"}).http, variable)
    try:
        port = first.getsockname()[1]
        with pytest.raises(PortTakenError, match=variable):
            bind(load({**KEY, variable: str(port)}).http, variable)
    finally:
        first.close()
