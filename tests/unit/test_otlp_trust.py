"""Whom a program believes to be its collector, and what it tells nobody of its keys."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from collectors import http_collector
from pydantic import SecretStr
from sending_stand import QUICK, Lost, started, tell
from written_lines import writing

from callfleet_rehearsal.emulator.certificates import Certificates, make_certificates
from callfleet_service.errors import CannotStartError
from callfleet_service.otlp.sending import headers_of
from callfleet_service.otlp.settings import Protocol

CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE"


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    with writing() as stream:
        yield stream


@pytest.fixture
def ours(tmp_path: Path) -> Certificates:
    (tmp_path / "ours").mkdir()
    return make_certificates(tmp_path / "ours", "127.0.0.1")


@pytest.fixture
def another(tmp_path: Path) -> Certificates:
    (tmp_path / "another").mkdir()
    return make_certificates(tmp_path / "another", "127.0.0.1")


def test_the_authority_that_is_named_is_the_one_that_is_believed(
    lost: Lost, ours: Certificates, another: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another.ca_file))
    monkeypatch.setenv(CERTIFICATE, str(ours.ca_file))
    with http_collector(ours.server) as collector:
        sending = started(collector.url, lost)
        tell(sending, 2)
        sending.stop()
    assert len(collector.all_spans()) == 2
    assert not lost


def test_nobody_else_is_believed(
    lost: Lost, ours: Certificates, another: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ours.ca_file))
    monkeypatch.setenv(CERTIFICATE, str(another.ca_file))
    with http_collector(ours.server) as collector:
        sending = started(collector.url, lost)
        tell(sending, 2)
        sending.stop()
    assert not collector.requests
    assert lost == {("traces", "unreachable"): 2}


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_file_that_holds_no_authority_is_said_at_the_start(
    lost: Lost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: Protocol,
    is_there: bool,
) -> None:
    file = tmp_path / "ca.pem"
    if is_there:
        file.write_text("no certificate", encoding="utf-8")
    monkeypatch.setenv(CERTIFICATE, str(file))
    with pytest.raises(CannotStartError, match=rf"{file}.*set {CERTIFICATE}"):
        started("https://127.0.0.1:1", lost, otlp_protocol=protocol)
    started("http://127.0.0.1:1", lost, otlp_protocol=protocol).stop()


@pytest.mark.parametrize("protocol", Protocol)
def test_headers_that_cannot_be_read_are_counted_and_not_quoted(
    lost: Lost, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, protocol: Protocol
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Bearer a-key,x=1")
    assert headers_of("") == {"x": "1"}
    assert headers_of("Bearer a-key,y=2") == {"y": "2"}
    assert written.getvalue().count('"left_out": 1') == 2
    sending = started("http://127.0.0.1:1", lost, otlp_protocol=protocol)
    tell(sending, 1)
    sending.stop()
    assert "a-key" not in written.getvalue()


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1", "authorization=Bearer a\n-key"),
        ("http://somebody:a-key@nowhere.invalid:4317", "x=1"),
    ],
)
def test_keys_that_do_not_work_are_told_to_nobody(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    lost: Lost,
    written: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    protocol: Protocol,
    url: str,
    headers: str,
) -> None:
    sending = started(url, lost, QUICK, otlp_protocol=protocol, otlp_headers=SecretStr(headers))
    tell(sending, 1)
    sending.stop()
    assert sum(lost.values()) == 1
    told = written.getvalue() + "".join(capfd.readouterr())
    assert "telemetry is lost" in told
    assert "-key" not in told
