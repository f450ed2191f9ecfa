"""What becomes of the incidents of a charge point that gets another station or connector.

Its former station told of them and no message of the new one will end them. They end with that reason, and go on at the
charge point that has the former place now, where there is one: somebody has put right which is which. What another
system told of the charge point itself, and that it is silent, stays; and all does where a station has another name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models.functions import Upper

from core.device_clock import Moment
from core.text import identity_key
from infra_notifications.choices import Case, CloseReason
from infra_notifications.models import ChargePoint, ChargePointState
from infra_notifications.rules.lifecycle import NEUTRAL, OCPI_OFFLINE, IncidentState, Signal
from infra_notifications.rules.ocpi.statuses import OCPI_FAULT
from infra_notifications.services.unit_of_work import IncidentStore

_TOLD_BY_OTHERS = {NEUTRAL, OCPI_FAULT, OCPI_OFFLINE}


class Place(NamedTuple):
    """Where a charge point was: its station's name in any spelling, and the connector there."""

    charge_point_id: int
    station: str
    connector: int | None

    def is_left_for(self, station: str, connector: int | None) -> bool:
        """Whether messages of the former place are another charge point's. A place that is named for the first time,
        or is not any more, is none that was left."""
        if not (self.station and station):
            return False
        others = self.connector is not None and connector is not None and self.connector != connector
        return others or identity_key(self.station) != identity_key(station)


def leave_places(*, left: Sequence[Place], now: datetime) -> None:
    """Ends what was told of charge points at these former places, in the transaction that changed them."""
    left = _without_renamed(left) if left else []
    if not left:
        return
    # What the former station said of its state is not that of the new one.
    ChargePointState.objects.filter(pk__in=[place.charge_point_id for place in left]).update(status="", status_at=None)
    heirs = {place: _now_at(place) for place in left}
    store = IncidentStore(now)
    ids = {place.charge_point_id for place in left}
    heir_ids = {heir for heir in heirs.values() if heir is not None}
    store.load(sorted(ids | heir_ids), raising=sorted(heir_ids))
    moved = [(place, faults, incident) for place in left for faults, incident in _ended(store, place)]
    for place, faults, incident in moved:
        heir = heirs[place]
        if heir is None or incident.ends_at is not None:
            continue
        for fault in sorted(faults):
            moment = Moment(incident.opened_at, incident.device_clock)
            store.change(heir, Signal(incident.case, True, fault, moment, now, said=incident.said))
    store.flush()


def _without_renamed(left: Sequence[Place]) -> list[Place]:
    """Those of which the station is another one. A station whose charge points keep their connectors has got another
    name, and its faults are still theirs: of the former name none is left, or those that are have not been renamed yet,
    for charge points may be written one by one. Then no connector is at both."""
    now_at = dict(
        ChargePoint.objects.filter(pk__in=[place.charge_point_id for place in left]).values_list("pk", "station")
    )
    names = {identity_key(name) for name in (*now_at.values(), *(place.station for place in left))}
    found = ChargePoint.objects.annotate(key=Upper("station")).filter(key__in=names)
    connectors: dict[str, dict[int, int | None]] = defaultdict(dict)
    for name, pk, connector in found.values_list("key", "pk", "connector"):
        connectors[name][pk] = connector
    moved = set()
    for place in left:
        former, present = identity_key(place.station), connectors[identity_key(now_at[place.charge_point_id])]
        keeps_connector = present.get(place.charge_point_id, place.connector) == place.connector
        if not keeps_connector or {*connectors[former].values()} & {*present.values()}:
            moved.add(former)
    return [place for place in left if identity_key(place.station) in moved]


def _ended(store: IncidentStore, place: Place) -> list[tuple[set[str], IncidentState]]:
    """The faults that end with a place, each lot with its incident."""
    ended = []
    for incident in list(store.open_incidents(place.charge_point_id)):
        faults = incident.faults - _TOLD_BY_OTHERS
        if incident.case == Case.UNAVAILABLE or not faults:
            continue
        ended.append((faults, incident))
        if incident.faults == faults:
            store.close(place.charge_point_id, incident, CloseReason.MOVED)
        else:
            incident.faults -= faults
            store.history(place.charge_point_id, incident.case).touch(incident)
    return ended


def _now_at(place: Place) -> int | None:
    """The charge point of which the messages of a place are now."""
    named = ChargePoint.objects.annotate(key=Upper("station")).filter(key=identity_key(place.station))
    found = dict(named.exclude(pk=place.charge_point_id).values_list("connector", "pk"))
    return found.get(place.connector) or (found.get(None) if len(found) == 1 else None)
