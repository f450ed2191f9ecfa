"""The buffer on disk: append-only segments of records, bounded; what matters least goes first.

    {folder}/{process}/{rank}-{number of its first record}.seg     one stream of segments for each rank
    {folder}/{process}/alive                                       locked while the process lives

Each process of the proxy appends to a folder of its own, and to nothing that another wrote. So what is damaged is the
end of a file, or what the disk itself has spoilt; records say by their checksum where they are whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from infra_notifications.proxy.records import Rank, Record, encode, records_in

ALIVE, READER = "alive", "reader"
# In the memory file system: the folder on disk that this one belongs to.
BELONGS_TO = "belongs-to"
log = structlog.get_logger("signalbox.ocpp_listener")
SYNC_S, COMPLAINS_EVERY_S = 1.0, 60.0
# A bound holds so many segments at least, so that what goes first is a small part.
SEGMENTS, SMALLEST = 64, 16 * 1024


@dataclass(slots=True)
class Segment:
    """A file of records of one rank."""

    path: Path
    rank: int
    first: int
    size: int


def segments_of(folder: Path) -> list[Segment]:
    """The segments of a process, by rank and age; what is gone meanwhile is left out."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            rank, dash, first = entry.name.removesuffix(".seg").partition("-")
            if entry.name.endswith(".seg") and dash and rank.isdecimal() and first.isdecimal():
                with contextlib.suppress(OSError):
                    found.append(Segment(Path(entry.path), int(rank), int(first), entry.stat().st_size))
    return sorted(found, key=lambda segment: (segment.rank, segment.first))


def is_alive(folder: Path) -> bool:
    """Whether the process that writes to a folder lives."""
    try:
        file = _lock(folder / ALIVE)
    except OSError:
        return False
    if file:
        os.close(file)
    return not file


def claim(folder: Path) -> int:
    """Makes sure that one reader alone takes what a folder holds; a descriptor to close, or 0 when another does."""
    try:
        return _lock(folder / READER)
    except OSError:
        return 0


def _lock(path: Path) -> int:
    """Locks a file, which is made if need be; its descriptor, or 0 when somebody else holds it. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return 0
    return file


@dataclass
class Spool:
    """What one process appends to. Not for several threads."""

    folder: Path
    process: str
    most_bytes: int
    evicted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.own = self.folder / self.process
        self._files: dict[int, tuple[int, Segment]] = {}
        self._alive = 0
        self._unsynced: set[int] = set()
        self._synced_at = time.monotonic()
        self._complained_at = -COMPLAINS_EVERY_S
        self.segment_bytes = max(SMALLEST, self.most_bytes // SEGMENTS)

    def open(self) -> None:
        """Raises OSError."""
        if not self._alive:
            self.own.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._alive = _lock(self.own / ALIVE)

    def append(self, records: Sequence[tuple[Record, bytes]]) -> None:
        """Appends encoded records. Raises OSError, when none or some of them were written: written again they are known
        as what they are."""
        if self._alive and not self.own.is_dir():
            self.close()  # somebody removed it
        self.open()
        by_rank: dict[int, list[tuple[Record, bytes]]] = {}
        for record, data in records:
            by_rank.setdefault(record.rank, []).append((record, data))
        for rank, part in sorted(by_rank.items()):
            self._write(rank, part)
        self._sync()
        self._evict()

    def beat(self) -> None:
        """Shows that the process lives, by the time of a file: when it ended, that says when. Raises OSError."""
        self.open()
        os.utime(self.own / ALIVE)

    def complain(self, error: OSError) -> None:
        """Once a minute: a disk that is full is tried with each record."""
        if time.monotonic() - self._complained_at >= COMPLAINS_EVERY_S:
            self._complained_at = time.monotonic()
            log.warning("the spool cannot be written to", folder=str(self.folder), error=str(error))

    def _write(self, rank: int, part: Sequence[tuple[Record, bytes]]) -> None:
        data = b"".join(data for _record, data in part)
        if rank in self._files and self._files[rank][1].size >= self.segment_bytes:
            self._seal(rank)
        if rank not in self._files:
            first = part[0][0].number
            path = self.own / f"{rank}-{first:020d}.seg"
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._files[rank] = (file, Segment(path, rank, first, 0))
        file, segment = self._files[rank]
        view = memoryview(data)
        try:
            while view:
                written = os.write(file, view)
                segment.size += written
                view = view[written:]
        except OSError:
            # Behind half a record begins a new file.
            self._seal(rank)
            raise
        self._unsynced.add(file)

    def _seal(self, rank: int) -> None:
        file, _segment = self._files.pop(rank)
        self._unsynced.discard(file)
        with contextlib.suppress(OSError):
            os.fdatasync(file)
        os.close(file)

    def _sync(self) -> None:
        """A process that is killed loses nothing that was written; a machine without power no more than a second."""
        if time.monotonic() - self._synced_at < SYNC_S:
            return
        for file in self._unsynced:
            os.fdatasync(file)
        self._unsynced.clear()
        self._synced_at = time.monotonic()

    # ---- the bound --------------------------------------------------------------------------------------------------

    def _evict(self) -> None:
        """Deletes the oldest segments of the lowest rank while there is more than may be."""
        if sum(segment.size for _file, segment in self._files.values()) + self._others() <= self.most_bytes:
            return
        segments = [each for folder in folders_in(self.folder) for each in self._mine_to_delete(folder)]
        total = sum(each.size for folder in folders_in(self.folder) for each in segments_of(folder))
        for segment in sorted(segments, key=lambda each: (each.rank, each.first)):
            if total <= self.most_bytes:
                break
            total -= segment.size
            self._delete(segment)

    def _others(self) -> int:
        open_now = {segment.path for _file, segment in self._files.values()}
        found = (each for folder in folders_in(self.folder) for each in segments_of(folder))
        return sum(each.size for each in found if each.path not in open_now)

    def _mine_to_delete(self, folder: Path) -> Iterable[Segment]:
        """All of our own and of the dead; of another process that lives not what it writes to."""
        segments = segments_of(folder)
        if folder == self.own or not is_alive(folder):
            return segments
        last = {each.rank: each.path for each in segments}
        return [each for each in segments if each.path != last[each.rank]]

    def _delete(self, segment: Segment) -> None:
        held = self._files.get(segment.rank)
        if held is not None and held[1].path == segment.path:
            self._seal(segment.rank)
        with contextlib.suppress(OSError):
            self.evicted.update(found.record.route for found in records_in(segment.path.read_bytes()))
            segment.path.unlink()

    def close(self) -> None:
        for rank in list(self._files):
            self._seal(rank)
        if self._alive:
            os.close(self._alive)
            self._alive = 0


def folders_in(base: Path) -> list[Path]:
    """The folders of all processes, by name."""
    try:
        return sorted(path for path in base.iterdir() if path.is_dir())
    except OSError:
        return []


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def sweep(bases: Iterable[Path]) -> None:
    """Removes from a memory file system what belongs to no spool any more: folders of which no process lives, and whose
    spool on disk is gone; and such as hold nothing."""
    for base in bases:
        folders = folders_in(base)
        if any(is_alive(folder) or _spool_of(folder).is_dir() for folder in folders):
            continue
        for folder in folders:
            remove(folder)
        with contextlib.suppress(OSError):
            base.rmdir()


def _spool_of(folder: Path) -> Path:
    """Where a process that left no word of it kept its spool is not known: it may be anywhere."""
    try:
        return Path((folder / BELONGS_TO).read_text() or "/")
    except OSError:
        return Path("/")


def lost_record(number: int, route: str, count: int) -> tuple[Record, bytes]:
    record = Record(number, Rank.FAULT, route, lost=count)
    return record, encode(record)
