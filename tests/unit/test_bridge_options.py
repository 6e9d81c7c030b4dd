"""What the bridge of a call does with sound and people is what the settings say."""

from dataclasses import asdict, fields

import pytest

from callfleet_worker.bridge.sink import BridgeOptions
from callfleet_worker.call import bridge_options
from callfleet_worker.settings import SettingsError, load

LEAST = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "s" * 32,
    "GOOGLE_API_KEY": "key",
}
OTHERWISE = [
    ("CALLFLEET_CALLER__WAIT_SECONDS", "60", "caller_wait_seconds", 60),
    ("CALLFLEET_CALLER__RETURN_SECONDS", "0", "caller_return_seconds", 0),
    ("CALLFLEET_EARS__NOISE_GATE_DBFS", "-50", "noise_gate_dbfs", -50),
    ("CALLFLEET_EARS__ECHO_CANCELLATION", "false", "echo_cancellation", False),
    ("CALLFLEET_MOUTH__QUEUE_MS", "200", "queue_ms", 200),
    ("CALLFLEET_MOUTH__SUBSCRIPTION_WAIT_SECONDS", "2.5", "subscription_wait_seconds", 2.5),
    ("CALLFLEET_MOUTH__SETTLE_SECONDS", "0", "settle_seconds", 0),
    ("CALLFLEET_MOUTH__BITRATE_KBPS", "32", "bitrate_kbps", 32),
    ("CALLFLEET_MOUTH__DTX", "false", "dtx", False),
    ("CALLFLEET_MOUTH__RED", "false", "red", False),
]


@pytest.mark.parametrize(("name", "value", "option", "expected"), OTHERWISE)
def test_a_variable_sets_its_option_of_the_bridge_and_no_other(
    name: str, value: str, option: str, expected: object
) -> None:
    usual, told = bridge_options(load(LEAST)), bridge_options(load({**LEAST, name: value}))
    assert set(asdict(told).items()) - set(asdict(usual).items()) == {(option, expected)}


def test_there_is_no_option_of_the_bridge_that_cannot_be_set() -> None:
    assert {field.name for field in fields(BridgeOptions)} == {
        option for _, _, option, _ in OTHERWISE
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLFLEET_CALLER__WAIT_SECONDS", "0"),
        ("CALLFLEET_CALLER__RETURN_SECONDS", "301"),
        ("CALLFLEET_MOUTH__SUBSCRIPTION_WAIT_SECONDS", "-1"),
        ("CALLFLEET_MOUTH__SETTLE_SECONDS", "6"),
    ],
)
def test_a_wait_that_no_caller_would_stand_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({**LEAST, name: value})
