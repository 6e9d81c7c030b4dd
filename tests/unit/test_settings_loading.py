"""Settings come from variables or a file, and a wrong one is told in a sentence with its cure."""

import pickle
from pathlib import Path

import pytest

from callfleet_worker.settings import Settings, SettingsError, load

LEAST = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "hush-livekit",
    "GOOGLE_API_KEY": "hush-one",
}


def complaints(**more: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load({**LEAST, **more})
    return caught.value.sentences


def only_complaint(**more: str) -> str:
    (sentence,) = complaints(**more)
    return sentence


def test_the_names_that_livekit_and_google_use_are_enough() -> None:
    settings = load(LEAST)
    assert settings.livekit.url == "ws://127.0.0.1:7880"
    assert settings.livekit.api_secret.get_secret_value() == "hush-livekit"
    assert [key.get_secret_value() for key in settings.model.keys] == ["hush-one"]
    assert (settings.slots, settings.warm_processes, settings.agent_name) == (10, 10, "callfleet")


def test_our_own_names_win_over_those_of_others() -> None:
    settings = load({**LEAST, "CALLFLEET_LIVEKIT__URL": "wss://a", "CALLFLEET_MODEL__KEYS": "b, c"})
    assert settings.livekit.url == "wss://a"
    assert [key.get_secret_value() for key in settings.model.keys] == ["b", "c"]


def test_nothing_set_tells_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as caught:
        load({})
    text = str(caught.value)
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "GOOGLE_API_KEY"):
        assert name in text


def test_a_vertex_project_needs_no_key() -> None:
    least = {name: LEAST[name] for name in LEAST if name != "GOOGLE_API_KEY"}
    settings = load({**least, "CALLFLEET_MODEL__VERTEX_PROJECT": "p"})
    assert settings.model.vertex_project == "p"
    with pytest.raises(SettingsError, match="CALLFLEET_MODEL__KEYS"):
        load(least)


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("CALLFLEET_SLOTS", "ten", "a whole number from 1 to 200"),
        ("CALLFLEET_SLOTS", "0", "a whole number from 1 to 200"),
        ("CALLFLEET_MODEL__SILENCE_MS", "50", "a whole number from 100 to 5000"),
        ("CALLFLEET_MODEL__START_SENSITIVITY", "mid", "low or high"),
        ("CALLFLEET_MODEL__BASE_URL", "http://plain", "https:// or wss://"),
        ("CALLFLEET_MODEL__CA_FILE", "/nowhere.pem", "a path"),
        ("CALLFLEET_MODEL__RESUMPTION", "perhaps", "true or false"),
        ("CALLFLEET_AGENT_CLASS", "no colon", "package.module:Class"),
        ("CALLFLEET_EARS__NOISE_GATE_DBFS", "3", "a number from -90 to -10"),
        ("CALLFLEET_FAREWELL__TRANSFER_TO", "desk", "a tel: or sip: address"),
        ("CALLFLEET_TELEMETRY__OTLP_ENDPOINT", "collector:4317", "http:// or https://"),
        ("CALLFLEET_TELEMETRY__OTLP_ENDPOINT", "http://[::1", "http:// or https://"),
        ("CALLFLEET_TELEMETRY__OTLP_ENDPOINT", "http://collector:99999", "http:// or https://"),
        ("LIVEKIT_URL", "livekit.example.com", "ws://"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_written_with_what_to_write_instead(
    name: str, value: str, cure: str
) -> None:
    sentence = only_complaint(**{name: value})
    assert sentence.startswith(f'{name} is "{value}", which does not fit')
    assert cure in sentence


def test_several_wrong_values_are_told_at_once() -> None:
    assert len(complaints(CALLFLEET_SLOTS="x", CALLFLEET_HTTP__PORT="y", CALLFLEET_SLOT="1")) == 3


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    assert "did you mean CALLFLEET_SLOTS?" in only_complaint(CALLFLEET_SLOT="3")
    assert "CALLFLEET_HTTP__PORT?" in only_complaint(CALLFLEET_HTTP_PORT="8081")
    assert "docs/settings.md" in only_complaint(CALLFLEET_ZZZZZZ="1")


def test_variables_that_kubernetes_sets_for_services_are_none_of_ours() -> None:
    load(
        {
            **LEAST,
            "CALLFLEET_PORT": "tcp://10.0.0.1:8081",
            "CALLFLEET_SERVICE_HOST": "10.0.0.1",
            "CALLFLEET_SERVICE_PORT": "8081",
            "CALLFLEET_SERVICE_PORT_HTTP": "8081",
            "CALLFLEET_OPERATOR_PORT_8081_TCP": "tcp://10.0.0.1:8081",
            "CALLFLEET_OPERATOR_PORT_8081_TCP_ADDR": "10.0.0.1",
            "CALLFLEET_TOOLS_CACHE_DIR": "elsewhere",
        }
    )


def test_a_target_at_or_above_the_trigger_is_refused() -> None:
    sentence = only_complaint(CALLFLEET_MODEL__COMPRESSION__TARGET_TOKENS="9000")
    assert "CALLFLEET_MODEL__COMPRESSION__TARGET_TOKENS is 9000" in sentence


def test_a_transfer_without_a_target_is_refused() -> None:
    sentence = only_complaint(CALLFLEET_FAREWELL__THEN="transfer")
    assert "CALLFLEET_FAREWELL__TRANSFER_TO is not set" in sentence


def test_a_secret_is_never_shown() -> None:
    settings = load({**LEAST, "CALLFLEET_DATABASE_URL": "postgres://u:hush-db@h/d"})
    shown = f"{settings!r} {settings}"
    assert "hush" not in shown
    assert "hush" not in str(complaints(CALLFLEET_SLOTS="x"))
    empty = complaints(LIVEKIT_API_SECRET="", CALLFLEET_LIVEKIT__API_SECRET="")
    assert "a secret that is not shown" in empty[0]


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    settings = load(
        {
            **LEAST,
            "CALLFLEET_AGENT_CLASS": "",
            "CALLFLEET_EARS__NOISE_GATE_DBFS": "",
            "CALLFLEET_TELEMETRY__OTLP_ENDPOINT": " ",
        }
    )
    assert settings.agent_class is None
    assert settings.ears.noise_gate_dbfs is None
    assert settings.telemetry.otlp_endpoint is None


def test_database_urls_get_the_driver_that_can_wait() -> None:
    urls = {
        "postgres://u@h/d": "postgresql+asyncpg://u@h/d",
        "postgresql://u@h/d": "postgresql+asyncpg://u@h/d",
        "sqlite:///x.db": "sqlite+aiosqlite:///x.db",
        "mysql+asyncmy://h/d": "mysql+asyncmy://h/d",
    }
    for written, meant in urls.items():
        settings = load({**LEAST, "CALLFLEET_DATABASE_URL": written})
        assert settings.database_url.get_secret_value() == meant


def test_a_file_is_read_and_variables_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text('slots = 3\n[model]\nnames = ["a", "b"]\nsilence_ms = 900\n')
    settings = load(
        {**LEAST, "CALLFLEET_CONFIG_FILE": str(file), "CALLFLEET_MODEL__SILENCE_MS": "600"}
    )
    assert (settings.slots, settings.model.names) == (3, ("a", "b"))
    assert settings.model.silence_ms == 600


def test_what_is_wrong_in_a_file_is_named_with_file_and_key(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text('[model]\nsilence_ms = "long"\nsilenc_ms = 3\n')
    file.write_text("database_url = 7\n" + file.read_text())
    sentences = complaints(CALLFLEET_CONFIG_FILE=str(file))
    assert sentences[0].startswith(f"{file}: model.silenc_ms is no setting of the worker")
    assert "did you mean model.silence_ms?" in sentences[0]
    assert any(line.startswith(f'{file}: model.silence_ms is "long"') for line in sentences)
    assert any("a secret that is not shown" in line for line in sentences)


@pytest.mark.parametrize("content", ["slots = ", None])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "fleet.toml"
    if content is not None:
        file.write_text(content)
    sentence = only_complaint(CALLFLEET_CONFIG_FILE=str(file))
    assert sentence.startswith(f"CALLFLEET_CONFIG_FILE is '{file}', which cannot be read as TOML")


def test_settings_travel_to_another_process() -> None:
    settings = load(LEAST)
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes


def test_settings_made_in_code_read_the_environment_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in LEAST.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALLFLEET_SLOTS", "4")
    assert Settings(agent_name="desk").slots == 4
    assert Settings(slots=2).slots == 2
