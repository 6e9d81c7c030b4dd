"""The emulator under a name of its own, with certificates that it was given, as in a pod."""

import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_rehearsal.emulator.certificates import (
    BadCertificatesError,
    make_certificates,
    read_certificates,
)

NAME = "emulator.voice.svc"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with certificates for that name, as a Secret is mounted."""
    folder = tmp_path / "given"
    made = make_certificates(folder, NAME)
    made.ca_file.rename(folder / "ca.crt")
    for name in ("tls.crt", "tls.key"):
        shutil.copy(folder / "server.pem", folder / name)
    (folder / "server.pem").unlink()
    return folder


async def test_it_listens_elsewhere_than_its_name_says_and_shows_what_it_was_given(
    given: Path,
) -> None:
    config = EmulatorConfig(host=NAME, listen="127.0.0.1", tls_folder=given)
    async with Emulator(config) as emulator:
        name, _, port = emulator.url.removeprefix("https://").partition(":")
        trust = ssl.create_default_context(cafile=given / "ca.crt")
        async with (
            aiohttp.ClientSession() as client,
            client.get(
                f"https://127.0.0.1:{port}/healthz", ssl=trust, server_hostname=NAME
            ) as answer,
        ):
            assert answer.status == 200
        assert name == NAME
        assert emulator.ca_file == given / "ca.crt"
        assert emulator.control_url.startswith("http://127.0.0.1:")
    assert not (given / "ca.pem").exists()


def test_certificates_that_are_not_there_are_named(given: Path) -> None:
    (given / "tls.key").unlink()
    with pytest.raises(BadCertificatesError, match=r"has no tls\.key; give a folder with tls\.crt"):
        read_certificates(given)


def test_a_key_of_another_certificate_is_refused(given: Path, tmp_path: Path) -> None:
    make_certificates(tmp_path / "other", NAME)
    shutil.copy(tmp_path / "other" / "server.pem", given / "tls.key")
    with pytest.raises(BadCertificatesError, match=r"cannot be used together .*its own key"):
        read_certificates(given)
