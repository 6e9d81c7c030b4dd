"""Make an image to stand on where no registry is reached: a small Debian with Python, once a month.

For tests. What is published stands on a public image, which is mended as soon as Debian is.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from callfleet_tools import cache, debian
from callfleet_tools.errors import ToolError
from callfleet_tools.images import plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.keeping import bases

Tell = Callable[[str], None]

_CONTAINERFILE = """\
FROM scratch
ADD {archive} /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["/bin/sh"]
"""
_LAST_LINES = 8


def provide(buildah: Buildah, wanted: plan.Debian, today: date, tell: Tell) -> str:
    """Give the name of a base in the store, made now if there is none of this month.

    Raises:
        ToolError: Debian's mirror is not reached, or buildah failed.

    """
    name = wanted.name(today)
    image = f"{plan.PREFIX}base:{name}"
    archive = bases(buildah) / f"{name}.tar"
    with cache.locked(archive, lambda: tell("waiting for another process that makes the base")):
        if buildah.find(image):
            return image
        if not archive.exists():
            tell(f"debootstrap {wanted.suite} from {wanted.mirror}")
            with cache.staged(archive) as making:
                _make(wanted, making)
        tell("storing the base")
        _store(buildah, archive, image)
    return image


def _make(wanted: plan.Debian, archive: Path) -> None:
    root = archive.with_name("root")
    root.mkdir(mode=0o755)
    included = f"--include={','.join(wanted.packages)}"
    _run("debootstrap", "--variant=minbase", included, wanted.suite, str(root), wanted.mirror)
    for name in wanted.removed:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    # Compiled for files of another time than they have in an image.
    for folder in sorted(root.rglob("__pycache__"), reverse=True):
        shutil.rmtree(folder)
    steady = ("--sort=name", "--mtime=@0", "--numeric-owner")
    _run("tar", "-C", str(root), *steady, "-cf", str(archive), ".")
    shutil.rmtree(root)


def _store(buildah: Buildah, archive: Path, image: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "Containerfile"
        recipe.write_text(_CONTAINERFILE.format(archive=archive.name), encoding="utf-8")
        told = ("--timestamp", "0", "--tag", image, "--file", str(recipe), str(archive.parent))
        buildah.ask("build", *told)


def _run(program: str, *arguments: str) -> None:
    command = [debian.path_of(program) or program, *arguments]
    done = subprocess.run(
        command, env=debian.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
        message = (
            f"no base can be made, {program} failed: {' / '.join(said)}; let this machine reach a "
            "mirror of Debian, or name a base that is there: --base IMAGE"
        )
        raise ToolError(message)
