"""Reads what a process of the proxy left or goes on leaving in its folder, in the order in which it was heard."""

from __future__ import annotations

import contextlib
import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core import files
from infra_notifications.proxy.records import Found, Record, records_in
from infra_notifications.proxy.spool import Segment, is_alive, segments_of

CURSOR = "cursor.json"


@dataclass
class FolderReader:
    """The reader of one folder. `take` hands out records, `done` forgets them.

    A reader that dies between the two hands them out once more: each has an id, so that it counts once.
    """

    folder: Path
    damaged: int = 0
    # By segment, up to where it was taken.
    _taken: dict[str, int] = field(default_factory=dict)
    _handed: dict[str, int] = field(default_factory=dict)
    _finished: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.folder / CURSOR).read_text())
            self._taken = {str(name): int(position) for name, position in found.items()}

    def take(self, most: int) -> list[Record]:
        """The next records, at most so many."""
        self._handed, self._finished = dict(self._taken), []
        streams: dict[int, list[Segment]] = {}
        for segment in segments_of(self.folder):
            streams.setdefault(segment.rank, []).append(segment)
        ordered = heapq.merge(*(self._stream(segments, most) for segments in streams.values()), key=lambda one: one[0])
        taken = []
        for _number, name, found in ordered:
            taken.append(found.record)
            self._handed[name] = found.end
            self.damaged += found.damaged
            if len(taken) >= most:
                break
        return taken

    def _stream(self, segments: list[Segment], most: int) -> Iterator[tuple[int, str, Found]]:
        """The records of one rank that were not taken, the oldest first."""
        for place, segment in enumerate(segments):
            start, name = self._taken.get(segment.path.name, 0), segment.path.name
            for count, found in enumerate(records_in(_bytes_of(segment.path), start), 1):
                yield found.record.number, name, found
                if count >= most:
                    return
            # Behind it lies another, so that nothing more is written to this one.
            if place + 1 < len(segments):
                self._finished.append(segment.path)

    def done(self) -> None:
        """What was handed out has been taken in. Raises nothing: what cannot be noted is handed out once more."""
        self._taken = self._handed
        with contextlib.suppress(OSError):
            for path in self._finished:
                path.unlink(missing_ok=True)
                self._taken.pop(path.name, None)
            files.put(self.folder / CURSOR, json.dumps(self._taken))

    @property
    def waiting_bytes(self) -> int:
        """How much of it was not taken in yet."""
        return sum(max(0, each.size - self._taken.get(each.path.name, 0)) for each in segments_of(self.folder))

    @property
    def is_over(self) -> bool:
        """Whether the process that wrote to it has ended."""
        return not is_alive(self.folder)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def journal_of(folder: Path) -> list[Record]:
    """What a process that was killed had not yet written, in the order in which it was heard."""
    found: dict[int, Record] = {}
    for path in (folder / "a.journal", folder / "b.journal"):
        for each in records_in(_bytes_of(path)):
            found[each.record.number] = each.record
    return [found[number] for number in sorted(found)]


def numbers_in(folder: Path, least: int) -> set[int]:
    """The numbers of the records that stand in a folder's segments, from this one on."""
    every = (found.record.number for each in segments_of(folder) for found in records_in(_bytes_of(each.path)))
    return {number for number in every if number >= least}
