"""Writes charge points: bulk insert-or-update, adoption of unknown ones, removal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Upper
from django.utils.translation import gettext as _
from msgspec import UNSET, Meta, UnsetType

from core.ingest import BatchSteps, Intake, Submission, take
from core.sql import storable
from core.text import composed, identity, identity_key
from infra_notifications.evse_ids import spelt_otherwise
from infra_notifications.models import ChargePoint, ChargePointState
from infra_notifications.models.charge_points import tags_of
from infra_notifications.rules.evse_ids import joined, spelling_of
from infra_notifications.services.moves import Place, leave_places
from infra_notifications.services.unknown import apply_what_they_said


class ChargePointInput(msgspec.Struct, kw_only=True):
    """A charge point as it is given; a field that is left out stays as it is."""

    evse_id: Annotated[str, Meta(min_length=1, max_length=48)]
    station: Annotated[str, Meta(max_length=48)] | UnsetType | None = UNSET
    connector: Annotated[int, Meta(ge=0, le=32767)] | UnsetType | None = UNSET
    name: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    location: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    street: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    postal_code: Annotated[str, Meta(max_length=12)] | UnsetType | None = UNSET
    city: Annotated[str, Meta(max_length=80)] | UnsetType | None = UNSET
    country: Annotated[str, Meta(max_length=3)] | UnsetType | None = UNSET
    latitude: Annotated[float, Meta(ge=-90, le=90)] | UnsetType | None = UNSET
    longitude: Annotated[float, Meta(ge=-180, le=180)] | UnsetType | None = UNSET
    operator: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    vendor: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    model: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    firmware: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    connector_standard: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET
    power_type: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    max_power_kw: Annotated[float, Meta(ge=0, lt=100000)] | UnsetType | None = UNSET
    expected_interval_s: Annotated[int, Meta(ge=1, le=31536000)] | UnsetType | None = UNSET
    tags: list[Annotated[str, Meta(max_length=40)]] | UnsetType | None = UNSET


# Column → the SQL that makes it of a JSON document; texts are the rest.
_TYPED = {
    "connector": "(x.doc->>'connector')::smallint",
    "latitude": "round((x.doc->>'latitude')::numeric, 6)",
    "longitude": "round((x.doc->>'longitude')::numeric, 6)",
    "max_power_kw": "round((x.doc->>'max_power_kw')::numeric, 2)",
    "expected_interval_s": "(x.doc->>'expected_interval_s')::int",
    "tags": "ARRAY(SELECT jsonb_array_elements_text(coalesce(x.doc->'tags', '[]')))::varchar[]",
}
FIELDS = tuple(name for name in ChargePointInput.__struct_fields__ if name != "evse_id")


_NO_EVSE_ID = re.compile(r"""[\s\x00-\x1f\x7f,"]""")


def evse_id_problem(evse_id: str) -> str:
    """Why a text cannot be an EVSE id, as a sentence; "" where it can. Blanks around it fall away."""
    evse_id = identity(evse_id)
    if _NO_EVSE_ID.search(evse_id):
        return _("“%(evse)s” is no EVSE id: it holds a blank, a comma or a quote.") % {"evse": evse_id}
    return ""


def _value(name: str) -> str:
    return _TYPED.get(name, f"coalesce(x.doc->>'{name}', '')")


@dataclass(frozen=True)
class Upserted:
    created: int
    changed: int
    unchanged: int


def normalised(given: ChargePointInput) -> dict[str, Any]:
    """A document of what was given: composed and trimmed, tags in lower case and once each."""
    doc: dict[str, Any] = msgspec.to_builtins(given)
    doc = {key: composed(value) if isinstance(value, str) else value for key, value in doc.items()}
    doc |= {key: identity(named) for key in ("evse_id", "station") if (named := doc.get(key))}
    if "tags" in doc:
        doc["tags"] = tags_of(doc["tags"] or ())
    return doc


def shared_places(rows: Sequence[ChargePointInput]) -> dict[int, str]:
    """What is to be said of rows (by their number) with the station and connector of another charge point, a stored one
    or that of an earlier row: a message names these two, so it will be that of both."""
    keys = [spelling_of(identity_key(row.evse_id)) for row in rows]
    places = {
        number: (name, row.connector if isinstance(row.connector, int) else None)
        for number, row in enumerate(rows)
        if isinstance(row.station, str) and (name := identity_key(row.station))
    }
    owners: dict[tuple[str, int | None], dict[str, str]] = defaultdict(dict)
    if places:
        stored = ChargePoint.objects.exclude(station="").annotate(key=Upper("station"))
        named = stored.filter(key__in={name for name, _connector in places.values()})
        for name, connector, evse_id in named.values_list("key", "connector", "evse_id"):
            owners[name, connector][spelling_of(identity_key(evse_id))] = evse_id
        for key in owners.values():  # what is written anew has the place that its row says
            for mine in key.keys() & set(keys):
                del key[mine]
    said = {}
    for number, place in places.items():
        if other := next((evse_id for key, evse_id in owners[place].items() if key != keys[number]), None):
            said[number] = _("%(evse)s has the same station and connector; what is said of one is said of both.") % {
                "evse": other
            }
        owners[place][keys[number]] = identity(rows[number].evse_id)
    return said


class _ChargePointSteps(BatchSteps[ChargePointInput]):
    endpoint = "charging/charge-points"

    def check(self, item: ChargePointInput) -> str:
        return evse_id_problem(item.evse_id) if identity(item.evse_id) else "evse_id: must not be blank"

    def apply(self, rows: list[int]) -> None:
        given = [self.incoming.items[row] for row in rows]
        for number, sentence in shared_places(given).items():
            self.incoming.warn(rows[number], sentence)
        upsert_charge_points(rows=given, now=self.now)


def take_charge_points(*, submissions: Sequence[Submission[ChargePointInput]], now: datetime) -> list[Intake]:
    """Inserts or updates the charge points of several requests in one transaction; an Intake for each, in order."""
    return take(submissions, _ChargePointSteps, now=now)


def upsert_charge_points(*, rows: Sequence[ChargePointInput], now: datetime) -> Upserted:
    """Inserts or updates charge points by EVSE id in any spelling, set-based; of repeated ids the last one counts."""
    if not rows:
        return Upserted(0, 0, 0)
    changes = ", ".join(f"{f} = CASE WHEN x.doc ? '{f}' THEN {_value(f)} ELSE t.{f} END" for f in FIELDS)
    differs = " OR ".join(f"(x.doc ? '{f}' AND t.{f} IS DISTINCT FROM {_value(f)})" for f in FIELDS)
    source = "unnest(%s::text[], %s::jsonb[]) AS x(key, doc)"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        docs = _by_charge_point([normalised(row) for row in rows])
        keys, values = list(docs), [storable(doc) for doc in docs.values()]
        left = _left_by(docs)
        cursor.execute(
            f"UPDATE infra_notifications_chargepoint t SET {changes}, updated_at = %s FROM {source}"  # noqa: S608
            f" WHERE upper(t.evse_id) = x.key AND ({differs})",
            [now, keys, values],
        )
        changed = cursor.rowcount
        columns = ", ".join(FIELDS)
        cursor.execute(
            f"WITH fresh AS (INSERT INTO infra_notifications_chargepoint (evse_id, {columns}, created_at, updated_at)"  # noqa: S608
            f" SELECT x.doc->>'evse_id', {', '.join(_value(f) for f in FIELDS)}, %s, %s FROM {source}"
            " WHERE NOT EXISTS (SELECT 1 FROM infra_notifications_chargepoint c WHERE upper(c.evse_id) = x.key)"
            " ORDER BY x.key ON CONFLICT DO NOTHING RETURNING id)"
            " INSERT INTO infra_notifications_chargepointstate (charge_point_id, connectivity, status, ocpp_version,"
            " interval_source, memory, pace) SELECT id, 'never', '', '', 'default', '', '' FROM fresh",
            [now, now, keys, values],
        )
        created = cursor.rowcount
        _apply_intervals(cursor, keys)
        leave_places(left=left, now=now)
        if created or changed:
            apply_what_they_said(keys=keys, now=now)
    return Upserted(created, changed, len(docs) - created - changed)


def _by_charge_point(given: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The documents by the key of the charge point that each is about, in whatever spelling it names it."""
    keys = [identity_key(doc["evse_id"]) for doc in given]
    known = spelt_otherwise(set(keys) - _locked(keys), strictly=True)
    if known:
        _locked(known.values())
    first = joined(dict.fromkeys(known.get(key, key) for key in keys))
    return {first[known.get(key, key)]: doc for key, doc in zip(keys, given, strict=True)}


def _left_by(docs: Mapping[str, dict[str, Any]]) -> list[Place]:
    """The places that charge points have and will not have when these documents are written."""
    named = [key for key, doc in docs.items() if doc.get("station") or doc.get("connector") is not None]
    points = ChargePoint.objects.exclude(station="").annotate(key=Upper("evse_id")).filter(key__in=named)
    rows = points.values_list("key", "pk", "station", "connector")
    places = [(key, Place(pk, station, connector)) for key, pk, station, connector in rows]
    return [
        place
        for key, place in places
        if place.is_left_for(docs[key].get("station", place.station), docs[key].get("connector", place.connector))
    ]


def _locked(keys: Collection[str]) -> set[str]:
    """Those of these that are charge points', locked in one order, so that two imports wait for one another instead of
    dead-locking."""
    points = ChargePoint.objects.select_for_update(no_key=True).annotate(key=Upper("evse_id")).order_by("pk")
    return set(points.filter(key__in=list(keys)).values_list("key", flat=True))


def _apply_intervals(cursor: Any, keys: Sequence[str]) -> None:
    """A changed expected interval moves the moment at which a silence already begun becomes an alert.

    The states are locked in the order of their keys, as messages do.
    """
    due = "s.last_seen + make_interval(secs => coalesce(c.expected_interval_s, s.learnt_silence_s, %s))"
    cursor.execute(
        f"WITH moved AS (SELECT s.charge_point_id, {due} AS due FROM infra_notifications_chargepointstate s"  # noqa: S608
        " JOIN infra_notifications_chargepoint c ON c.id = s.charge_point_id"
        f" WHERE upper(c.evse_id) = ANY(%s) AND s.silent_at IS NOT NULL AND s.silent_at IS DISTINCT FROM {due}"
        " ORDER BY s.charge_point_id FOR UPDATE OF s)"
        " UPDATE infra_notifications_chargepointstate s SET silent_at = moved.due FROM moved"
        " WHERE s.charge_point_id = moved.charge_point_id",
        [settings.CHARGING_EXPECTED_INTERVAL_S, list(keys), settings.CHARGING_EXPECTED_INTERVAL_S],
    )


def settle_charge_point(*, charge_point: ChargePoint, before: ChargePoint | None, now: datetime) -> None:
    """Gives a charge point that was saved one by one (in the Django admin) its state row, and what was kept of it; ends
    what the station told of it that it had `before`."""
    ChargePointState.objects.get_or_create(charge_point=charge_point)
    place = Place(charge_point.pk, before.station, before.connector) if before is not None else None
    if place is not None and place.is_left_for(charge_point.station, charge_point.connector):
        leave_places(left=[place], now=now)
    apply_what_they_said(keys=[identity_key(charge_point.evse_id)], now=now)


SETTLE_LIMIT = 500


def settle_known(*, now: datetime) -> int:
    """Applies what was kept of senders that are charge points by now, by whichever way and however late they became
    so; at most 500 charge points. Returns how many senders there were.

    What was kept after the charge point was last written is nothing that waited for it, and stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_BY_NOW, {"limit": SETTLE_LIMIT})
        keys = [row[0] for row in cursor.fetchall()]
    if not keys:
        return 0
    with transaction.atomic():
        return apply_what_they_said(keys=keys, now=now) if _locked(keys) else 0


# As messages find their charge points: by EVSE id, else by station and connector, or the station's only one. A message
# may be read before and kept after a charge point is written: some minutes later still count as before.
# OFFSET keeps the planner from reading all charge points for many senders: each is looked up in the index.
_KNOWN_BY_NOW = (
    "SELECT c.key FROM infra_notifications_unknownchargepoint u CROSS JOIN LATERAL (SELECT upper(evse_id) AS key,"
    " updated_at FROM infra_notifications_chargepoint WHERE upper(evse_id) = upper(u.evse_id) OFFSET 0) c"
    " WHERE u.evse_id <> '' AND u.first_seen <= c.updated_at + interval '5 minutes'"
    " UNION SELECT upper(c.evse_id) FROM infra_notifications_unknownchargepoint u CROSS JOIN LATERAL (SELECT *"
    " FROM infra_notifications_chargepoint WHERE station <> '' AND upper(station) = upper(u.station) OFFSET 0) c"
    " WHERE u.evse_id = '' AND u.first_seen <= c.updated_at + interval '5 minutes'"
    " AND (coalesce(u.connector, 0) = 0 OR c.connector = u.connector OR c.connector IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM infra_notifications_chargepoint o WHERE o.station <> '' AND upper(o.station) = upper(u.station)"
    " AND o.id <> c.id)) LIMIT %(limit)s"
)
