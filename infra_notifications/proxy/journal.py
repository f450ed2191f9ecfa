"""The last moments of what a process heard, in memory that outlives it.

Between the event loop, which may wait for nothing, and the disk lies a moment in which SIGKILL would lose what was
heard. So the loop puts each record into a file of the memory file system as well: a copy within memory, which a process
that is killed leaves behind. The thread that writes the spool swaps the two halves, writes what stood in one, and
empties it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path

SIZE = 1 << 20


class Half:
    """A file of one size, of which every byte is there before it is written to: a full file system then ends nobody."""

    def __init__(self, path: Path | None, size: int = SIZE) -> None:
        self.size, self.used, self.path = size, 0, None
        self._map: mmap.mmap | None = None
        if path is None:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(file, 0, size)
                self._map = mmap.mmap(file, size)
                self.path = path
            finally:
                os.close(file)

    def put(self, data: bytes) -> bool:
        """Says whether there was room; a journal that could not be made has none."""
        end = self.used + len(data)
        if self._map is None or end > self.size:
            return False
        self._map[self.used : end] = data
        self.used = end
        return True

    def empty(self) -> None:
        if self._map is not None:
            self._map[: self.used] = bytes(self.used)
        self.used = 0

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Journal:
    """Two halves: one is written to, the other is on its way to the disk."""

    def __init__(self, folder: Path | None) -> None:
        self.active, self._other = (Half(folder / name if folder else None) for name in ("a.journal", "b.journal"))

    def swap(self) -> Half:
        """The half that was written to so far; the other, which is empty, takes its place."""
        self.active, self._other = self._other, self.active
        return self._other

    def close(self) -> None:
        self.active.close()
        self._other.close()
