"""Takes in what the proxy heard: from the spool, in order, in shared batches, by the same intake as messages by HTTP.

It runs in a process of its own, beside each process of the proxy, so that the intake takes no time of the connections,
and goes on for a while after the proxy was killed. While the database is away it waits; the spool is its memory.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from core.ingest import Intake, Submission
from core.services import end_life, show_life
from infra_notifications.choices import SourceKind
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import OcppRoute, Source
from infra_notifications.models.sources import source_id
from infra_notifications.proxy.reader import FolderReader, journal_of, numbers_in
from infra_notifications.proxy.records import Record
from infra_notifications.proxy.spool import ALIVE, claim, folders_in, is_alive, remove
from infra_notifications.rules.frames import HeardMessage
from infra_notifications.services.connections import lose_process, take_connections
from infra_notifications.services.doors import PROXY, SHOWN_EVERY_S
from infra_notifications.services.messages import take_messages
from infra_notifications.services.registering import Registrar
from infra_notifications.services.sources import Heard, count_lost, count_sources

log = structlog.get_logger("signalbox.ocpp_spool")
AT_ONCE = 1_000
IDLE_S, AWAY_S, REGISTER_EVERY_S = 0.1, 1.0, 5.0
# A folder without a living process is given up when nothing was made in it for so long.
NEW_S = 2.0
# A writer whose proxy is gone takes what is left, for so long.
LINGERS_S = 10.0
AWAY = (OperationalError, InterfaceError)


class Writer:
    """Takes in what lies in some folders; one of them may be that of a memory file system with the journals."""

    def __init__(self, folders: Sequence[Path], *, patience_s: float = NEW_S) -> None:
        self._folders, self._patience_s = folders, patience_s
        self._readers: dict[Path, tuple[FolderReader, int]] = {}
        self._routes: dict[str, int] = {}
        self._registered_at = 0.0
        self._shown_at = -SHOWN_EVERY_S
        self._instance = f"{socket.gethostname()[:80]} {os.getppid()}"
        self._registrar = Registrar()
        # Of the batch under way, what is taken in; and what is taken in and not counted yet.
        self._taken: set[int] = set()
        self._brought: list[tuple[Submission[Any], Intake]] = []
        self._heard = Heard()
        self._named: set[str] = set()
        # By process, what of its journals stands in its spool.
        self._saved: dict[str, set[int]] = defaultdict(set)

    def step(self) -> int:
        """Takes in at most one batch of each process; returns how many records. Raises OperationalError or
        InterfaceError while the database is away: then the rest waits."""
        self._count()
        return sum(self._take_from(path) for base in self._folders for path in folders_in(base))

    def _take_from(self, path: Path) -> int:
        age_s = _age_s(path)  # before a lock is made in it
        reader, _lock = self._readers.get(path, (None, 0))
        if reader is None:
            if not (lock := claim(path)):
                return 0
            reader = FolderReader(path)
            self._readers[path] = (reader, lock)
        # Asked before it is read: what is read then is all.
        is_over = reader.is_over
        records = reader.take(AT_ONCE)
        if records:
            self.take_in(records)
            reader.done()
            self._taken.clear()
            self._count()
        elif is_over and age_s >= self._patience_s:
            self._end(path)
        return len(records)

    def _end(self, path: Path) -> None:
        """A process has ended, and all that it wrote is taken in."""
        left = self._unsaved(path)
        for start in range(0, len(left), AT_ONCE):
            self.take_in(left[start : start + AT_ONCE])
        self._taken.clear()
        self._count()
        reader, lock = self._readers.pop(path)
        if reader.damaged:
            log.warning("a segment was damaged", process=path.name, bytes=reader.damaged)
        if not any((base / path.name).is_dir() for base in self._folders if base / path.name != path):
            lose_process(process=path.name, at=_ended_at(path), now=timezone.now())
            self._saved.pop(path.name, None)
        remove(path)
        os.close(lock)

    def _unsaved(self, path: Path) -> list[Record]:
        """What stands in the journals of a process and not in its spool: it was killed between the two."""
        folders = [base / path.name for base in self._folders]
        journals = [record.number for folder in folders for record in journal_of(folder)]
        if not journals:
            return []
        saved = self._saved[path.name]
        for folder in folders:
            saved |= numbers_in(folder, min(journals))
        return [record for record in journal_of(path) if record.number not in saved]

    def take_in(self, records: Sequence[Record]) -> None:
        """What cannot be taken in for a reason of its own is given up alone, and counted as lost."""
        try:
            self._take_all(records)
        except AWAY:
            raise
        except Exception as error:
            if len(records) > 1:
                half = len(records) // 2
                self.take_in(records[:half])
                self.take_in(records[half:])
                return
            log.error("a record could not be taken in", error=f"{type(error).__name__}: {error}"[:300])
            count_lost(source=self._source(records[0].route), count=1, now=timezone.now())

    def _take_all(self, records: Sequence[Record]) -> None:
        now = timezone.now()
        messages, refused = (
            defaultdict[int, list[HeardMessage]](list),
            defaultdict[int, list[tuple[HeardMessage, str]]](list),
        )
        links, heard = defaultdict(list), Heard()
        for record in (each for each in records if each.link is not None or each.number not in self._taken):
            source = self._source(record.route)
            if record.message is not None and record.problem:
                refused[source].append((record.message, record.problem))
            elif record.message is not None:
                messages[source].append(record.message)
            elif record.link is not None:
                links[source].append(record.link)
            else:
                heard.lost[source] += record.lost or 0
        spoken = [_submission(key, messages[key], refused[key]) for key in {**messages, **refused}]
        linked: list[Submission[Any]] = [Submission(key, list(enumerate(items))) for key, items in links.items()]
        if spoken:
            self._brought += zip(spoken, take_messages(submissions=spoken, now=now, heard=heard), strict=True)
        # The database may go away before the rest is taken: this batch comes once more then.
        self._taken |= {record.number for record in records if record.link is None}
        self._heard.add(heard)
        if linked:
            heard = Heard()
            self._brought += zip(linked, take_connections(submissions=linked, now=now, heard=heard), strict=True)
            self._heard.add(heard)

    def _count(self) -> None:
        """In one statement: what came together is counted together. What is a repetition to the intake was read from
        the spool once more, and no source repeated anything."""
        if not (self._brought or self._heard.lost):
            return
        for _submission, intake in self._brought:
            intake.duplicates = 0
        brought, intakes = [list(column) for column in zip(*self._brought, strict=True)] or ([], [])
        count_sources(submissions=brought, intakes=intakes, heard=self._heard, now=timezone.now(), is_answered=False)
        self._brought, self._heard = [], Heard()
        # That of a route which is deleted meanwhile has its name all the same.
        for route in self._routes.keys() - self._named:
            Source.objects.filter(pk=self._routes[route], name="").update(name=route)
        self._named |= self._routes.keys()

    def _source(self, route: str) -> int:
        if route not in self._routes:
            found = OcppRoute.objects.filter(slug=route).values_list("pk", flat=True).first()
            self._routes[route] = source_id(SourceKind.PROXY, found or 0)
        return self._routes[route]

    def is_left(self) -> bool:
        """Whether a process that has ended left something, which is taken in when it is certain that it has ended."""
        return any(not is_alive(path) for base in self._folders for path in folders_in(base))

    def end_in_order(self) -> None:
        """The proxy was told to end, and is not missed."""
        with contextlib.suppress(*AWAY):
            end_life(part=PROXY, instance=self._instance)

    def close(self) -> None:
        """Lets others read what it read."""
        for _reader, lock in self._readers.values():
            os.close(lock)
        self._readers.clear()

    def show_life(self) -> None:
        """Now and then: that the proxy is there, and how much of what it heard waits."""
        if time.monotonic() - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = time.monotonic()
            waiting = sum(reader.waiting_bytes for reader, _lock in self._readers.values())
            show_life(part=PROXY, instance=self._instance, now=timezone.now(), detail={"waiting_bytes": waiting})

    def register(self) -> None:
        """Now and then: stations that spoke on a route that registers them by itself."""
        if time.monotonic() - self._registered_at >= REGISTER_EVERY_S:
            self._registered_at = time.monotonic()
            self._routes.clear()
            self._registrar.register(now=timezone.now())

    def run(self, is_ending: Callable[[], bool]) -> None:
        """Until it is told to end, and a while longer while something is left."""
        ends_at = None
        while True:
            if ends_at is None and is_ending():
                ends_at = time.monotonic() + LINGERS_S
            try:
                taken = self.step()
                self.register()
                if ends_at is None:
                    self.show_life()
            except AWAY as error:
                log.warning("the database is away; the spool keeps what was heard", error=str(error).strip()[:200])
                connection.close()
                taken, pause = 0, AWAY_S
                if ends_at is not None:
                    return
            else:
                pause = IDLE_S
            if ends_at is not None and ((not taken and not self.is_left()) or time.monotonic() >= ends_at):
                return
            if not taken:
                time.sleep(pause)


def _submission(
    source: int, messages: Sequence[HeardMessage], refused: Sequence[tuple[HeardMessage, str]]
) -> Submission[OcppMessage]:
    """What was heard of a source, with what nobody could read behind it: one batch, so that it is counted together."""
    behind = [(place, *pair) for place, pair in enumerate(refused, len(messages))]
    return Submission(source, list(enumerate(messages)), refused=behind)


def _age_s(path: Path) -> float:
    """For how long nothing was made in a folder: one that is new belongs to a process that is about to lock it."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _ended_at(path: Path) -> datetime:
    """When a process ended: it showed each second that it lived."""
    try:
        stamp = (path / ALIVE).stat().st_mtime
    except OSError:
        return timezone.now()
    return min(timezone.now(), datetime.fromtimestamp(stamp, UTC) + timedelta(seconds=1))
