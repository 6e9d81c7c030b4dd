"""Images run as a strict cluster runs them: another user than root, no rights, a read-only root."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from image_room import Image, Room, Wanted

from callfleet.command import VERBS
from callfleet_rehearsal.stack.livekit import answers
from callfleet_tools.images.plan import Role

pytestmark = pytest.mark.timeout(600)

FAKE_LIVEKIT = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-at-least-32-characters",
    "GOOGLE_API_KEY": "made-up",
    "CALLFLEET_HTTP__PORT": "0",
}
WRITABLE = ("/tmp", "/var/lib/callfleet")  # noqa: S108 - the container's own


def test_every_verb_of_a_role_says_how_it_is_used(image: Image, room: Room) -> None:
    own = [verb.name for verb in VERBS if verb.image == image.title]
    assert own
    for name in own:
        done = room.run(image, Wanted([name, "--help"], writable=["/tmp"]))  # noqa: S108 - as above
        assert (name, done.returncode, done.stderr) == (name, 0, "")


def test_a_verb_of_another_role_says_which_image_has_it(image: Image, room: Room) -> None:
    others = {verb.image: verb for verb in VERBS if verb.image != image.title}
    assert len(others) == len(Role) - 1
    for title, verb in others.items():
        done = room.run(image, Wanted([verb.name]))
        assert done.returncode == 2
        assert done.stderr.startswith(f"callfleet {verb.name} is not in this image: ")
        assert title in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_nothing_can_be_written_outside_of_what_is_named(image: Image, room: Room) -> None:
    program = """
import os, pathlib
for folder in ("/", "/opt/callfleet", "/etc", "/usr/lib", "/var/lib/callfleet"):
    try:
        (pathlib.Path(folder) / "mark").write_text("x")
    except OSError:
        continue
    raise SystemExit(folder + " can be written")
pathlib.Path("/tmp/mark").write_text("x")
assert os.getuid() != 0
"""
    done = room.python(image, program)
    assert (done.returncode, done.stderr) == (0, "")


def test_python_knows_its_user_by_name(image: Image, room: Room) -> None:
    done = room.python(image, "import getpass; print(getpass.getuser())")
    assert (done.stdout, done.stderr) == ("callfleet\n", "")


def test_a_worker_that_lacks_settings_names_them(images: Mapping[Role, Image], room: Room) -> None:
    done = room.run(images[Role.WORKER], Wanted(writable=WRITABLE))
    assert done.returncode == 2
    assert "LIVEKIT_URL is not set" in done.stderr


def test_a_worker_whose_folder_cannot_be_written_says_which(
    images: Mapping[Role, Image], room: Room
) -> None:
    done = room.run(images[Role.WORKER], Wanted(environment=FAKE_LIVEKIT))
    assert done.returncode == 1
    assert "set it to a folder that can be written" in done.stderr


def test_a_worker_that_is_told_to_go_in_its_first_moments_goes(
    images: Mapping[Role, Image], room: Room
) -> None:
    wanted = Wanted(environment=FAKE_LIVEKIT, writable=WRITABLE)
    with room.started(images[Role.WORKER], wanted) as container:
        container.wait_until(container.is_up, "running")
        container.signal("TERM")
        assert container.ends() == 128 + 15


def test_the_images_own_verb_is_what_it_does_without_arguments(image: Image, room: Room) -> None:
    says = {
        Role.WORKER: "LIVEKIT_URL is not set",
        Role.OPERATOR: "CALLFLEET_OPERATOR_PRIVATE_KEY",
        Role.REHEARSAL: "callfleet VERB",
    }
    done = room.run(image, Wanted())
    assert says[Role(image.role)] in done.stdout + done.stderr


def test_no_module_is_taken_from_the_folder_that_can_be_written(image: Image, room: Room) -> None:
    program = """
import pathlib, subprocess, sys
pathlib.Path("typer.py").write_text("raise SystemExit(7)")
sys.exit(subprocess.call([sys.executable, "-m", "callfleet", "version"]))
"""
    done = room.python(image, program)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_rehearsal_plays_gemini_live_until_it_is_told_to_go(
    images: Mapping[Role, Image], room: Room
) -> None:
    wanted = Wanted(["emulate", "--port", "0"], writable=["/tmp"])  # noqa: S108 - as above
    with room.started(images[Role.REHEARSAL], wanted) as container:
        container.wait_until(lambda: "Stop it with Ctrl-C" in container.err, "listening")
        (control,) = re.findall(r"http://127\.0\.0\.1:\d+", container.err)
        assert answers(f"{control}/faults")
        container.signal("TERM")
        assert container.ends() == 0


def test_an_agent_of_ones_own_goes_on_top(
    images: Mapping[Role, Image], room: Room, tmp_path: Path
) -> None:
    agent = tmp_path / "my_agent.py"
    agent.write_text("import av\nraise ImportError('there with av ' + av.__version__)\n")
    told = {"PYTHONPATH": "/opt/agent", "CALLFLEET_AGENT_CLASS": "my_agent:Agent"}
    wanted = Wanted(
        environment=FAKE_LIVEKIT | told,
        writable=WRITABLE,
        bound={agent: "/opt/agent/my_agent.py"},
    )
    done = room.run(images[Role.WORKER], wanted)
    assert "my_agent cannot be imported (ImportError: there with av " in done.stderr


def test_an_operator_starts_and_says_that_it_knows_no_cluster(
    images: Mapping[Role, Image], room: Room, tmp_path: Path
) -> None:
    made = room.run(images[Role.OPERATOR], Wanted(["operator", "keys"]))
    assert "kind: Secret" in made.stdout
    generate = """
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from callfleet_contract.signing import write_private_key
print(write_private_key(Ed25519PrivateKey.generate()))
"""
    key = tmp_path / "private-key"
    key.write_text(room.python(images[Role.OPERATOR], generate).stdout, encoding="utf-8")
    told = {"CALLFLEET_OPERATOR_PRIVATE_KEY_FILE": "/run/private-key"}
    done = room.run(
        images[Role.OPERATOR], Wanted(environment=told, bound={key: "/run/private-key"})
    )
    assert done.returncode == 1
    assert "no cluster is known" in done.stderr
