"""One command with verbs: each brings in what it needs and no more."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from callfleet.command import VERBS

ASK = """
import json, sys
import callfleet.command
for name in json.loads(sys.argv[2]):
    sys.modules[name] = None
try:
    code = callfleet.command.main(json.loads(sys.argv[1]))
except SystemExit as stop:
    code = stop.code
sys.stdout.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def run(*arguments: str, missing: tuple[str, ...] = ()) -> tuple[int, set[str], str]:
    """Run a verb in a fresh interpreter: exit code, modules imported, what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(arguments), json.dumps(missing)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code or 0, set(modules), done.stdout + done.stderr


def test_help_and_version_import_no_room() -> None:
    for arguments in (["version"], ["--help"], []):
        code, modules, said = run(*arguments)
        assert code == 0
        assert "callfleet" in said
        assert not any(name.startswith("callfleet_") for name in modules)


def test_a_worker_starts_without_the_rehearsal() -> None:
    code, modules, _ = run("worker", "--help")
    assert code == 0
    assert "callfleet_worker.command" in modules
    assert not any(name.startswith(("callfleet_rehearsal", "callfleet_tools")) for name in modules)
    assert "av" not in modules


def test_the_emulator_starts_without_worker_and_livekit() -> None:
    code, modules, _ = run("emulate", "--help")
    assert code == 0
    assert not any(name.startswith(("callfleet_worker", "livekit")) for name in modules)


def test_an_unknown_verb_is_answered_with_those_there_are() -> None:
    code, _, said = run("rehears")
    assert code == 2
    assert all(verb.name in said for verb in VERBS)


def test_a_missing_extra_is_answered_with_how_to_install_it() -> None:
    code, _, said = run("emulate", missing=("orjson",))
    assert code == 2
    assert "callfleet emulate needs orjson" in said
    assert "pip install 'callfleet[rehearsal]'" in said


@pytest.mark.parametrize(
    ("verb", "room", "image", "extra"),
    [
        ("worker", "callfleet_worker", "callfleet-worker", "worker"),
        ("fleet", "callfleet_operator", "callfleet-operator", "operator"),
        ("rehearse", "callfleet_rehearsal", "callfleet-rehearsal", "rehearsal,worker"),
    ],
)
def test_a_verb_of_another_image_is_answered_with_which_image_has_it(
    verb: str, room: str, image: str, extra: str
) -> None:
    code, _, said = run(verb, "--help", missing=(room,))
    assert code == 2
    assert f"callfleet {verb} is not in this image: take the image {image}" in said
    assert f"pip install 'callfleet[{extra}]'" in said
    assert "Traceback" not in said


def test_a_fault_of_ours_is_not_taken_for_something_to_install() -> None:
    for missing in ("callfleet_service", "callfleet_worker.settings"):
        with pytest.raises(subprocess.CalledProcessError) as failed:
            run("worker", missing=(missing,))
        assert "ModuleNotFoundError" in failed.value.stderr


def test_an_extra_that_is_missed_only_when_the_verb_runs_is_answered_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "ws://127.0.0.1:9")
    code, _, said = run("worker", missing=("livekit",))
    assert code == 2
    assert "callfleet worker needs livekit" in said
    assert "pip install 'callfleet[worker]'" in said


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_help(verb: object) -> None:
    name = getattr(verb, "name", "")
    assert importlib.util.find_spec(getattr(verb, "module", "")) is not None
    code, _, said = run(name, "--help")
    assert code == 0
    assert f"callfleet {name}" in said
