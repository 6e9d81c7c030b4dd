"""Archives of images, made without a builder and without a registry: a folder of files is enough.

The form is the one that ``docker save`` writes, which containerd and buildah read.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callfleet_tools.node.layout import PAUSE_IMAGE

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PROGRAM = 0o755
_FILE = 0o644


@dataclass(frozen=True, slots=True)
class Image:
    """An image: programs and files by their paths in it, links, and what it runs as whom."""

    reference: str
    command: tuple[str, ...]
    programs: Mapping[str, Path] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    user: str = "65535:65535"


def write_archive(image: Image, target: Path) -> Path:
    """Write an image to an archive. The same image gives the same bytes."""
    layer = _layer(image)
    config = json.dumps(_config(image, layer), sort_keys=True).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add(archive, "layer.tar", layer)
        _add(archive, config_name, config)
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return target


def pause_image(program: Path) -> Image:
    """Give the image of what holds a pod's namespaces."""
    return Image(PAUSE_IMAGE, ("/pause",), programs={"pause": program})


def _layer(image: Image) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as layer:
        for name, program in sorted(image.programs.items()):
            _add(layer, name, program.read_bytes(), _PROGRAM)
        for name, text in sorted(image.files.items()):
            _add(layer, name, text.encode())
        for name, leads_to in sorted(image.links.items()):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, leads_to
            layer.addfile(link)
    return written.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = _FILE) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _config(image: Image, layer: bytes) -> dict[str, Any]:
    machine = platform.machine()
    return {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Cmd": list(image.command), "User": image.user, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
