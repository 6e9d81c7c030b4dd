"""Work out what an image is made of, part by part. No process, no file."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_PACKAGE = re.compile(r"^opt/callfleet/lib/python3[^/]*/site-packages/([^/]+)")
_LIBRARY = re.compile(r"^usr/(?:local/)?lib/(?:lib)?python3[^/]*/")
_UNITS = ("B", "KB", "MB", "GB", "TB")
_OURS = "callfleet"
_OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an image and how much of it there is, in bytes as files have them."""

    name: str
    size: int


def part_of(path: str) -> str:
    """Name the part that a file belongs to, by its path below the root."""
    found = _PACKAGE.match(path)
    if found:
        name = re.sub(r"(-[^-]+\.dist-info|\.libs|\.cpython-.*|\.abi3.*|\.py)$", "", found[1])
        return _OURS if name.startswith(_OURS) else name
    return "Python" if _LIBRARY.match(path) else "Debian"


def makeup(files: Iterable[tuple[str, int]], most: int) -> tuple[Part, ...]:
    """Give the largest parts, largest first, and what is left over as one more."""
    sizes: Counter[str] = Counter()
    for path, size in files:
        sizes[part_of(path)] += size
    shown = [Part(name, size) for name, size in sizes.most_common(most)]
    rest = sizes.total() - sum(part.size for part in shown)
    return (*shown, Part(_OTHERS, rest)) if rest else tuple(shown)


def read_size(text: str) -> int:
    """Read a size as buildah writes it, like ``448 MB``, once for each name of an image.

    Raises:
        ValueError: it is written in another way.

    """
    number, unit = text.splitlines()[0].split()
    factor: int = 1000 ** _UNITS.index(unit)
    return round(float(number) * factor)


def megabytes(size: int) -> str:
    """Write a size as people read it."""
    return f"{size / 1e6:.1f} MB"
