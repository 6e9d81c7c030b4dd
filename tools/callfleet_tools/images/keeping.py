"""Keep the store from growing for ever: what nobody will use again is cleared away."""

import shutil
from datetime import date
from pathlib import Path

from callfleet_tools.images import plan
from callfleet_tools.images.buildah import Buildah


def bases(buildah: Buildah) -> Path:
    """Name the folder of the bases that were made here."""
    return buildah.folder / "bases"


def tidy(buildah: Buildah, today: date) -> None:
    """Clear away what killed builds left, and with the bases of earlier months all that is on them.

    While somebody uses the store nothing happens: the next one does it.
    """
    with buildah.alone() as alone:
        if not alone:
            return
        if buildah.ask("containers", "--quiet"):
            buildah.ask("rm", "--all")
        archives = list(bases(buildah).glob("*.tar"))
        older = plan.older_bases([one.stem for one in archives], today)
        if older:
            images = plan.ours(buildah.ask("images", "--all", "--format", "{{.ID}} {{.Name}}"))
            if images:
                buildah.ask("rmi", "--force", *images)
            shutil.rmtree(buildah.folder / "tmp", ignore_errors=True)
            for name in older:
                (bases(buildah) / f"{name}.tar").unlink()
