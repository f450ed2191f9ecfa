"""Takes in what a broker's publications say: messages and connections, in the order in which they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Protocol
from zlib import crc32

from core.ingest import Intake, Submission
from core.text import identity_key
from infra_notifications.choices import SourceKind
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import Source, StationConnection
from infra_notifications.models.sources import source_id
from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.frames import Call
from infra_notifications.rules.mqtt_topics import NOTHING, NotUnderstood, Published, read_publication
from infra_notifications.services.connections import take_connections
from infra_notifications.services.frames import message_of
from infra_notifications.services.messages import take_messages
from infra_notifications.services.sources import Heard, count_sources

# EVerest's modules show that they live each second or so.
_HEARTBEAT = timedelta(minutes=1)


class Arrived(Protocol):
    """A publication, and when it was received."""

    @property
    def topic(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def received_at(self) -> datetime: ...


class MqttIntake:
    """What is known between batches: when each EVerest last showed that it lives, and which calls wait for answers."""

    def __init__(self, name: str, station: str = "") -> None:
        """`name` of the broker, for people; `station` whose EVerest speaks where topics name none."""
        self.source = source_id(SourceKind.MQTT, crc32(name.encode()) or 1)
        self._name, self._station = name[:100], station
        self._offline: set[str] = set()
        self._beats: dict[str, datetime] = {}
        self._calls: dict[tuple[str, str], Call] = {}

    def take(self, publications: Sequence[Arrived], now: datetime) -> Counter[str]:
        """Stores what they say, in order; counts by what became of it. Raises OperationalError when the database is
        away: then some may be stored, and are repetitions when they come again."""
        submissions: list[Submission[Any]] = []
        intakes: list[Intake] = []
        heard = Heard()
        rejected: list[tuple[int, str]] = []
        read: list[tuple[int, Published]] = []
        for place, publication in enumerate(publications):
            try:
                read.append((place, read_publication(publication.topic, publication.body, self._station)))
            except NotUnderstood as error:
                rejected.append((place, f"{publication.topic[:120]}: {error}"))
        self._offline = self._without_csms(identity_key(published.station) for _place, published in read)
        said = [(place, item) for place, each in read for item in self._items(each, publications[place].received_at)]
        for is_report, run in groupby(said, key=lambda item: isinstance(item[1], ConnectionReport)):
            submission: Submission[Any] = Submission(self.source, list(run))
            take_batch = take_connections if is_report else take_messages
            submissions.append(submission)
            intakes += take_batch(submissions=[submission], now=now, heard=heard)
        if rejected:
            submissions.append(Submission(self.source, []))
            intakes.append(Intake(rejected=rejected))
        # In one statement: a batch of which something was accepted is none of which everything was refused.
        count_sources(submissions=submissions, intakes=intakes, heard=heard, now=now)
        outcome = self._outcome(intakes)
        if outcome:
            Source.objects.filter(pk=self.source).exclude(name=self._name).update(name=self._name)
        return outcome

    @staticmethod
    def _outcome(intakes: list[Intake]) -> Counter[str]:
        outcome: Counter[str] = Counter()
        for intake in intakes:
            counts = {"accepted": intake.accepted, "duplicates": intake.duplicates, "rejected": len(intake.rejected)}
            outcome.update({name: n for name, n in counts.items() if n})
        return outcome

    def _without_csms(self, keys: Iterable[str]) -> set[str]:
        """Those who said last that they have lost their CSMS, whoever heard it: this process may be a new one."""
        lost = StationConnection.objects.filter(key__in={*keys}, connected=False, source=self.source)
        return set(lost.values_list("key", flat=True))

    def _items(self, published: Published, received_at: datetime) -> Iterator[OcppMessage | ConnectionReport]:
        if published == NOTHING or (published.is_heartbeat and self._is_spare(published, received_at)):
            return
        key = identity_key(published.station)
        if published.connection is not None:
            (self._offline.discard if published.connection.connected else self._offline.add)(key)
            published.connection.at = received_at.isoformat()
            yield published.connection
        elif published.frame is not None:
            call = self._call(published)
            if published.is_order:
                return
            message = message_of(
                published.frame,
                call,
                published.station,
                published.protocol,
                received_at.isoformat(),
            )
            message.proves_life = published.is_exchanged or key not in self._offline
            if not published.frame.id:
                message.id = None
            yield message

    def _is_spare(self, published: Published, at: datetime) -> bool:
        """A sign of life of EVerest's that says nothing new; one of a station without its CSMS is none of the
        station's."""
        key = identity_key(published.station)
        last = self._beats.get(key)
        if key in self._offline or (last is not None and timedelta(0) <= at - last < _HEARTBEAT):
            return True
        self._beats[key] = at
        return False

    def _call(self, published: Published) -> Call | None:
        """The call that an answer is of: MaEVe names its action, of EVerest's frames the last calls are remembered."""
        frame = published.frame
        if frame is None or (frame.kind != CALL and published.action):
            return Call.of(published.action, published.request)
        key = (identity_key(published.station), frame.id)
        if frame.kind != CALL:
            return self._calls.pop(key, None)
        self._calls[key] = Call.of(frame.action, frame.payload)
        while len(self._calls) > 10_000:
            self._calls.pop(next(iter(self._calls)))
        return None
