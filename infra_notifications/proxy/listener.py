"""What the proxy hears: frames become messages, without what nobody reads, and wait on disk until they are taken in.

On the event loop a frame is looked at (its head by a pattern; its payload only where a rule reads it), stripped of all
that is not kept, and put into memory that outlives the process (`journal.py`). A thread writes that to the spool, and
reads what would take the loop long; another process takes it in (`writer.py`). Database, broker and disk may be away.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from core import clock, files
from core.pieces import MALFORMED
from core.text import clean_text
from infra_notifications.proxy import reading
from infra_notifications.proxy.figures import Figure, Figures
from infra_notifications.proxy.journal import Journal
from infra_notifications.proxy.lengthy import Lengthy
from infra_notifications.proxy.links import Link
from infra_notifications.proxy.records import Rank, Record, encode
from infra_notifications.proxy.spool import BELONGS_TO, Spool, lost_record
from infra_notifications.proxy.station import Station
from infra_notifications.rules.action_names import ERROR, RESULT
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.connections import LinkReport
from infra_notifications.rules.frames import FROM_CSMS, Call, HeardMessage, canonical_action
from infra_notifications.rules.heard import READ_WHOLE, as_it_is, heard_call
from infra_notifications.rules.retained import HIDDEN, retained
from infra_notifications.rules.spelling import PROTOCOLS
from infra_notifications.rules.stations import INTERVAL_ANSWERS, interval_of

log = structlog.get_logger("signalbox.ocpp_listener")
# Answers of which something is read.
_READ_ANSWERS = frozenset(("BootNotification", "StartTransaction", "Heartbeat", "Authorize"))
_SEEMS_SECRET = re.compile(r"(?<!\S)(?=[^\s\d]*+\d)\S{6,}+")
# While it is connected a station is reported this often, and earlier at first; records wait for company this long.
REPORTED_EVERY_S, REPORTED_AFTER_S, GATHERED_S = 60.0, 4.0, 0.02
MEMORY_BYTES = 32 * 1024 * 1024
UNREADABLE = "cannot be read: it is no OCPP-J."
TOO_LONG = "is longer than OCPP_PROXY_MAX_FRAME_BYTES: it was passed on, and what it says was not read."


def process_name() -> str:
    """A name that no other process has, nor had: it names a folder, too."""
    host = re.sub(r"[^\w-]", "-", socket.gethostname())[:40]
    return f"{host}-{os.getpid()}-{time.time_ns():x}"


class Listener:
    """The observer of a process of the proxy (`links.Observer`)."""

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int,
        memory: Path | None = None,
        clock: Callable[[], float] = clock.seconds,
        figures: memoryview | None = None,
    ) -> None:
        """`folder` is that of the spool; `memory` one of the memory file system, None where there is none; `figures`
        are the counts of this process."""
        self._figures = Figures().row(0) if figures is None else figures
        self.process = process_name()
        self.spools = [Spool(folder, self.process, most_bytes)]
        if memory is not None:
            # Where the disk is full or away, a part stays in memory.
            self.spools.append(Spool(memory, self.process, min(most_bytes, 2 * MEMORY_BYTES)))
            # Before a reader could take what is in it for what a dead process left.
            with contextlib.suppress(OSError):
                self.spools[1].open()
                files.put(self.spools[1].own / BELONGS_TO, str(folder.resolve()))
        self._journal = Journal(memory / self.process if memory is not None else None)
        self._clock = clock
        self._lengthy = Lengthy()
        self._stations: dict[str, Station] = {}
        self._numbers = itertools.count(time.time_ns())
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Record, bytes]] = deque()
        self._waiting_bytes = 0
        # What could not be written yet, before what waits.
        self._unsaved: deque[tuple[Record, bytes]] = deque()
        self._lost: Counter[str] = Counter()
        self._beat_at = 0.0
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="ocpp-spool", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits; the connections that are left end with this process."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(10)

    # ---- on the event loop ------------------------------------------------------------------------------------------

    def connected(self, link: Link) -> None:
        protocol = link.protocol if link.protocol in PROTOCOLS else "ocpp1.6"
        station = self._stations[link.id] = Station(link, protocol, clean_text(link.identity))
        station.heard_at = station.reported_at = self._clock()
        station.pause_s = REPORTED_AFTER_S
        self._report(station, link.connected_at, opens=True)

    def closed(self, link: Link, *, code: int | None, reason: str, by_station: bool) -> None:
        station = self._stations.pop(link.id, None) or Station(link, link.protocol, clean_text(link.identity))
        is_ours = code == 1012 and not by_station
        reason = _SEEMS_SECRET.sub(HIDDEN, clean_text(reason))[:200]
        at = link.closed_at or datetime.fromtimestamp(self._clock(), UTC)
        self._report(station, at, connected=False, code=code, reason=reason, lost=is_ours)

    def alive(self, link: Link) -> None:
        if (station := self._stations.get(link.id)) is not None:
            station.heard_at = self._clock()

    def too_long(self, link: Link, *, from_station: bool, size: int) -> None:
        self._unread(link, from_station, Figure.NOT_READ_LONG)
        if link.id in self._stations:
            self._reject(self._stations[link.id], from_station, self._clock(), TOO_LONG)

    def frame(self, link: Link, *, from_station: bool, data: bytes, text: bool) -> None:
        station = self._stations.get(link.id)
        if station is None:
            return
        now = self._clock()
        head = reading.head_of(data) if text else None
        if not reading.takes_long(data, is_odd=head is None):
            self._read(station, from_station, head, data, now)
        elif self._lengthy.put((station, from_station, head, data, now)):
            self._wake.set()
        else:
            self._unread(link, from_station, Figure.NOT_READ_LONG)
            self._reject(station, from_station, now)

    def _read(
        self, station: Station, from_station: bool, head: re.Match[bytes] | None, data: bytes, now: float
    ) -> None:
        if head is not None:
            self._heard(station, from_station, head, data, now)
            return
        plain, bad = reading.plain_frames(data)
        for head, each, note in plain:
            self._heard(station, from_station, head, each, now, note)
        if bad:
            self._unread(station.link, from_station, Figure.NOT_READ_GARBAGE)
            self._reject(station, from_station, now)

    def _heard(
        self, station: Station, from_station: bool, head: re.Match[bytes], data: bytes, now: float, note: str = ""
    ) -> None:
        station.messages += 1
        station.tokens.note(data)
        if from_station:
            station.heard_at = max(station.heard_at, now)
        kind, pk, name, answer, answered = head.groups()
        if kind:
            self._call(station, from_station, pk, name.decode(), data, now, note, is_answered=kind == b"2")
        else:
            self._answer(station, from_station, answered, answer, data, now)

    def _reject(self, station: Station, from_station: bool, now: float, why: str = UNREADABLE) -> None:
        """What a station sent and nobody can read is counted at its source, and is a sign of its life."""
        if from_station:
            pk, protocol = self._next_id(station), station.protocol
            message = HeardMessage(
                id=pk, station=station.identity, protocol=protocol, action="?", received_at=_iso(now)
            )
            self._put(station, Rank.LIFE, message=message, problem=f"A frame of station {station.identity} {why}")

    def _unread(self, link: Link, from_station: bool, why: Figure) -> None:
        """A frame that is too long or none: counted, and a sign of life."""
        self._figures[why] += 1
        if from_station:
            self.alive(link)

    def _call(
        self,
        station: Station,
        from_station: bool,
        pk: bytes,
        name: str,
        data: bytes,
        now: float,
        note: str,
        *,
        is_answered: bool,
    ) -> None:
        action = name if name in ACTIONS else canonical_action(name)
        try:
            payload, odd = reading.payload_in(data) if action in READ_WHOLE else reading.outline_in(data)
        except MALFORMED:
            self._read(station, from_station, None, data, now)
            return
        heard = (heard_call if from_station else as_it_is)(station.protocol, name, payload)
        if heard.notes is None and not isinstance(payload, dict):
            self._reject(station, from_station, now)
            return
        if is_answered:
            calls = station.from_station if from_station else station.from_csms
            calls.put(pk.decode("utf-8", "replace"), Call.of(action, payload, now))
        message = HeardMessage(
            id=self._next_id(station),
            station=station.identity,
            **heard._replace(payload=station.tokens.masked(heard.payload))._asdict(),
            received_at=_iso(now),
            from_station=from_station and action not in FROM_CSMS,
            note=note or odd,
            interval_s=interval_of(heard.action, payload) if from_station else None,
        )
        rank = reading.rank_of(action if heard.notes is None else heard.action, heard.payload)
        self._put(station, rank if from_station else Rank.LIFE, message=message)

    def _answer(self, station: Station, from_station: bool, pk: bytes, kind: bytes, data: bytes, now: float) -> None:
        """An answer is of the other side's call. One that says nothing is counted alone."""
        calls = station.from_csms if from_station else station.from_station
        call = calls.take(pk.decode("utf-8", "replace"))
        if call is not None and not from_station:
            took_ms = (now - call.at) * 1_000
            known = station.round_trip_ms
            station.round_trip_ms = round(took_ms if known is None else known + (took_ms - known) / 8, 3)
        if kind == b"3":
            if call is None or call.action not in (INTERVAL_ANSWERS if from_station else _READ_ANSWERS):
                return
            found = reading.result_in(data)
            self._figures[Figure.NOT_READ_GARBAGE] += found is None
            interval_s = interval_of(call.action, found, call.interval_s)
            payload = retained(call.action, found, RESULT)
            if from_station and interval_s is None and "getVariableResult" not in payload:
                return
            station.csms_offset_s = reading.ahead_s(payload, now, station.csms_offset_s)
            if call.action == "Heartbeat":
                return
        else:
            payload, interval_s = retained("", {"errorCode": reading.error_code(data)}, ERROR), None
        message = HeardMessage(
            id=self._next_id(station),
            station=station.identity,
            protocol=station.protocol,
            action=call.action if call else "CallError",
            payload=station.tokens.masked(payload),
            received_at=_iso(now),
            connector=call.connector if call else None,
            kind=RESULT if kind == b"3" else ERROR,
            interval_s=interval_s,
        )
        self._put(station, Rank.STATE if kind == b"3" else Rank.OTHER, message=message)

    def _next_id(self, station: Station) -> str:
        """Of this connection alone, so that what is written twice counts once."""
        return f"{station.link.id}-{next(station.numbers)}"

    def _report(self, station: Station, at: datetime, *, connected: bool = True, **more: Any) -> None:
        link = station.link
        report = LinkReport(
            station=station.identity,
            connected=connected,
            at=at.isoformat(),
            connection=link.id,
            route=link.slug,
            process=self.process,
            protocol=link.protocol,
            messages=station.messages,
            round_trip_ms=station.round_trip_ms,
            csms_offset_s=station.csms_offset_s,
            **more,
        )
        is_news = not connected or report.opens
        self._put(station, Rank.STATE if is_news else Rank.LIFE, link=report)

    def _put(
        self,
        station: Station,
        rank: int,
        *,
        message: HeardMessage | None = None,
        link: LinkReport | None = None,
        problem: str = "",
    ) -> None:
        record = Record(next(self._numbers), rank, station.link.slug, message, link, problem=problem)
        data = encode(record)
        with self._lock:
            if self._waiting_bytes > MEMORY_BYTES and (rank < Rank.FAULT or self._waiting_bytes > 2 * MEMORY_BYTES):
                self._lose(record.route, 1, Figure.LOST_MEMORY)  # the thread hangs at a disk that does not answer
                return
            self._waiting.append((record, data))
            self._waiting_bytes += len(data)
            self._journal.active.put(data)
        if not self._wake.is_set():
            self._wake.set()

    # ---- in the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(0.5)
            self._wake.clear()
            self._stopping.wait(GATHERED_S)
            self._step()
        self._step()
        for spool in self.spools:
            spool.close()
        if not self._unsaved:
            self._journal.close()

    def _step(self) -> None:
        try:
            self.report_lives()
            self.save()
            self._beat()
        except Exception as error:
            log.warning("the spool was not written", error=f"{type(error).__name__}: {error}"[:300])
            self._stopping.wait(1.0)

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at >= 1.0:
            self._beat_at = time.monotonic()
            for spool in self.spools:
                with contextlib.suppress(OSError):
                    spool.beat()

    def report_lives(self) -> None:
        """Stations that are connected, as far as they gave a sign since the last time."""
        now = self._clock()
        for station in list(self._stations.values()):
            if now - station.reported_at >= station.pause_s and station.heard_at > station.reported_at:
                station.reported_at = now
                station.pause_s = min(REPORTED_EVERY_S, station.pause_s * 4)
                self._report(station, datetime.fromtimestamp(station.heard_at, UTC))

    def save(self) -> None:
        """Writes what was heard so far to the disk, or where that is away to memory; what neither takes waits."""
        for waiting in self._lengthy.taken():
            self._read(*waiting)
        with self._lock:
            half = self._journal.swap()
            self._unsaved.extend(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
        self._drop_beyond_memory()
        self._note_losses()
        if self._unsaved and not any(self._saved_by(spool) for spool in self.spools):
            return  # the journal holds what it can until the next time
        self._unsaved.clear()
        half.empty()

    def _saved_by(self, spool: Spool) -> bool:
        try:
            spool.append(list(self._unsaved))
        except OSError as error:
            spool.complain(error)
            return False
        with self._lock:
            while spool.evicted:
                self._lose(*spool.evicted.popitem(), Figure.LOST_FULL)
        return True

    def _drop_beyond_memory(self) -> None:
        total = sum(len(data) for _record, data in self._unsaved)
        if total <= MEMORY_BYTES:
            return
        kept = deque[tuple[Record, bytes]]()
        for rank in Rank:
            for record, data in [pair for pair in self._unsaved if pair[0].rank == rank]:
                if total > MEMORY_BYTES:
                    total -= len(data)
                    with self._lock:
                        self._lose(record.route, 1, Figure.LOST_MEMORY)
                else:
                    kept.append((record, data))
        self._unsaved = deque(sorted(kept, key=lambda pair: pair[0].number))

    def _lose(self, route: str, count: int, why: Figure) -> None:
        """By whoever holds the lock."""
        self._figures[why] += count
        self._lost[route] += count

    def _note_losses(self) -> None:
        """The loss is told with what is left."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        for route, count in lost.items():
            self._unsaved.append(lost_record(next(self._numbers), route, count))


def _iso(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()
