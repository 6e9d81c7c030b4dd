"""Keep the newest of each thing. What was deleted stays deleted. No I/O.

What a watch, a list and the answer to a write say comes in any order: resource versions tell which
is newer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

_MOST_GONE = 20_000


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


_Name = TypeVar("_Name")
_Thing = TypeVar("_Thing", bound=_Versioned)
Tell = Callable[[_Thing | None, _Thing | None], None]


class Shelf(Generic[_Name, _Thing]):
    """Things of one kind by name; who wants to know is told of each change, before and after."""

    def __init__(self, tell: Tell[_Thing]) -> None:
        self._things: dict[_Name, _Thing] = {}
        self._gone: dict[_Name, int] = {}
        self._tell = tell

    def __iter__(self) -> Iterator[_Thing]:
        return iter(tuple(self._things.values()))

    def __len__(self) -> int:
        return len(self._things)

    def get(self, name: _Name) -> _Thing | None:
        """Give a thing, if it is there."""
        return self._things.get(name)

    def is_gone(self, name: _Name) -> bool:
        """Tell what was there and is deleted from what was never seen."""
        return name in self._gone and name not in self._things

    def put(self, name: _Name, thing: _Thing) -> None:
        """Take what was seen, unless something newer was."""
        before = self._things.get(name)
        if thing.version <= self._gone.get(name, -1):
            return
        if before is not None and before.version >= thing.version:
            return
        self._gone.pop(name, None)
        self._things[name] = thing
        if before != thing:
            self._tell(before, thing)

    def drop(self, name: _Name, version: int = 0) -> None:
        """Take that a thing is gone as of a version; without one, as it was last seen."""
        before = self._things.get(name)
        if before is not None and version and before.version > version:
            return
        self._bury(name, max(version, before.version if before is not None else 0))
        if self._things.pop(name, None) is not None:
            self._tell(before, None)

    def replace(self, listed: Mapping[_Name, _Thing], version: int) -> None:
        """Take a whole list, as of a version: what it does not have is gone, unless it is newer."""
        for name, thing in listed.items():
            self.put(name, thing)
        for name in tuple(self._things):
            if name not in listed:
                self.drop(name, version)

    def _bury(self, name: _Name, version: int) -> None:
        self._gone[name] = max(version, self._gone.pop(name, 0))
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
