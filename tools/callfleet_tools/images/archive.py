"""Say which image an archive has: one that is there already need not be written again."""

import json
import tarfile
from pathlib import Path


def holds(archive: Path, image_id: str, reference: str) -> bool:
    """Say whether an archive has this image under this name, as `docker save` writes both."""
    try:
        with tarfile.open(archive) as opened:
            manifest = opened.extractfile("manifest.json")
            told = json.load(manifest) if manifest else []
    except (OSError, KeyError, ValueError, tarfile.TarError):
        return False
    config = f"{image_id.removeprefix('sha256:')}.json"
    return any(one.get("Config") == config and reference in one["RepoTags"] for one in told)
