"""What tests of images share: the images, made now if need be, and a room to run them in."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from image_room import RUNNER, Image, Room, read

from callfleet_tools.images import needs, plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.make import Wish, make

BASE = os.environ.get("CALLFLEET_TEST_BASE")
"""Another base than the one that is made here: an image in the store."""


@pytest.fixture(scope="session")
def buildah() -> Buildah:
    """The store that images are kept in; skips for whoever is not root."""
    if os.geteuid() != 0:
        pytest.skip(needs.STORE.obstacle() or "")
    needs.STORE.more(RUNNER).provide()
    return Buildah()


@pytest.fixture(scope="session")
def wish() -> Wish:
    """What the tests have made."""
    return Wish(base=BASE)


@pytest.fixture(scope="session")
def images(buildah: Buildah, wish: Wish) -> Iterator[Mapping[plan.Role, Image]]:
    """The image of each role, as the tree makes it now."""
    with contextlib.ExitStack() as mounted:
        found = {}
        for made in make(wish, buildah):
            root = mounted.enter_context(buildah.mounted(made.image_id))
            found[plan.Role(made.role)] = read(made.role, made.image_id, buildah, root)
        yield found


@pytest.fixture(scope="session", params=list(plan.Role))
def image(request: pytest.FixtureRequest, images: Mapping[plan.Role, Image]) -> Image:
    """Each image in turn."""
    found: Image = images[request.param]
    return found


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Where a test runs containers."""
    return Room(tmp_path)
