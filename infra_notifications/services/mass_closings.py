"""Many stations of one source that lose their connection at once: one event of what lies between them and us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Upper

from infra_notifications.choices import SourceTrouble
from infra_notifications.models import ChargePoint, Source, StationConnection
from infra_notifications.rules.connections import (
    CLOSE_WITHIN,
    ENDS_BELOW,
    HELD,
    REMEMBERED_FOR,
    last_in_a_row,
    mass_closing,
)

LIMIT = 20_000


def _stations(source: Source) -> QuerySet[StationConnection]:
    """The connections of a source's registered stations: those of strangers concern nobody."""
    registered = ChargePoint.objects.annotate(key=Upper("station")).filter(key=OuterRef("key"))
    return StationConnection.objects.filter(Exists(registered), source=source)


def mass_closing_since(source: Source, now: datetime) -> datetime | None:
    """When many stations of a source began to lose their connection, all within seconds; None when they did not."""
    return _mass_closing(source, _closed(source, now - REMEMBERED_FOR))


def another_since(source: Source) -> datetime | None:
    """When many began to lose their connection once more while the first time lasts; None when they did not."""
    ended = source.closings_until
    if source.trouble != SourceTrouble.CLOSED or ended is None:
        return None
    return _mass_closing(source, _closed(source, ended + CLOSE_WITHIN))


def closings_until(source: Source, since: datetime) -> datetime:
    """When the last connection closed of those of a source that closed in a row from this moment on: they are one
    event, and what closes later is none of it."""
    return last_in_a_row(_closed(source, since), since)


def _closed(source: Source, after: datetime) -> list[datetime]:
    # Those that lost theirs with the proxy itself still have their time.
    gone = _stations(source).filter(connected=False, since__gt=after, lost_at=None)
    return list(gone.order_by("since").values_list("since", flat=True)[:LIMIT])


def _mass_closing(source: Source, closed: Sequence[datetime]) -> datetime | None:
    return mass_closing(closed, _stations(source).filter(connected=True).count()) if closed else None


def is_over(source: Source, now: datetime) -> bool:
    """Whether nearly all are back, or have been away for so long that it is their own trouble."""
    return now >= (source.trouble_since or now) + HELD or are_back(source)


def are_back(source: Source) -> bool:
    stations = _stations(source)
    began = (source.trouble_since or source.last_heard_at) - timedelta(seconds=1)
    gone = stations.filter(connected=False, since__gte=began).count()
    return gone <= ENDS_BELOW * (gone + stations.filter(connected=True).count())
