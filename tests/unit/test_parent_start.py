"""What stops a start does so before anything runs, with an exit code and a sentence."""

import socket

import pytest
import typer
from typer.testing import CliRunner

from callfleet_service.ports import PortTakenError, bind
from callfleet_worker.command import worker
from callfleet_worker.settings import HttpSettings

VARIABLE = "CALLFLEET_HTTP__PORT"


def test_a_wrong_setting_is_exit_code_two_and_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALLFLEET_SLOTS", "many")
    app = typer.Typer()
    app.command()(worker)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert 'callfleet worker: CALLFLEET_SLOTS is "many"' in result.stderr
    assert "Traceback" not in result.output


def test_a_port_in_use_is_told_with_its_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"127\.0\.0\.1:{port} .*{VARIABLE}"):
            bind(HttpSettings(host="127.0.0.1", port=port), VARIABLE)


def test_an_address_that_is_not_this_machines_is_told() -> None:
    with pytest.raises(PortTakenError, match=r"cannot listen on 192\.0\.2\.1"):
        bind(HttpSettings(host="192.0.2.1", port=0), VARIABLE)


def test_the_newer_kind_of_address_can_be_listened_on() -> None:
    with bind(HttpSettings(host="::1", port=0), VARIABLE) as bound:
        assert bound.family is socket.AF_INET6
