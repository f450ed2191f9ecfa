"""Senders that nobody knows: what they said is kept, within bounds, and applied when somebody adopts them.

Kept are boots and what speaks of states and faults, as they were on the wire. Adoption takes them in once more, in the
order of their receipt: vendor, model, firmware, status, incidents and last seen follow as if the charge point had been
known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models.functions import Upper

from core.device_clock import parse_time
from core.ingest import Submission
from core.sql import array_literal
from core.text import identity_key
from infra_notifications.choices import EVSE_SEPARATORS
from infra_notifications.ingest import SignalMessage
from infra_notifications.models import ChargePointState, Source, UnknownChargePoint
from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.evse_ids import letters_of
from infra_notifications.rules.frames import HeardMessage
from infra_notifications.services.connections import take_connections
from infra_notifications.services.messages import take_messages
from infra_notifications.services.signals import take_signals
from infra_notifications.services.sources import FED
from infra_notifications.services.station_faults import hear_stations

# By whoever passed it on and by us, it was received; and its place in the batch.
_Order = tuple[datetime, datetime, int]


_TAKE: dict[type, Callable[..., Any]] = {
    HeardMessage: take_messages,
    SignalMessage: take_signals,
    ConnectionReport: take_connections,
}


# Subselects that can be hashed: an EXISTS over charge points would be asked for each sender.
_SAID_OF_THEM = (
    "WITH c AS MATERIALIZED (SELECT upper(station) AS station, connector FROM infra_notifications_chargepoint"
    " WHERE upper(evse_id) = ANY(%(keys)s::text[]) AND station <> '')"
    " SELECT u.id FROM infra_notifications_unknownchargepoint u WHERE u.id = ANY(%(ids)s::bigint[])"
    " OR u.evse_id <> '' AND (upper(u.evse_id) = ANY(%(keys)s::text[])"
    " OR translate(upper(u.evse_id), %(separators)s, '') = ANY(%(letters)s::text[]))"
    " OR u.evse_id = '' AND (upper(u.station) IN (SELECT station FROM c WHERE connector IS NULL)"
    " OR coalesce(u.connector, 0) = 0 AND upper(u.station) IN (SELECT station FROM c)"
    " OR (upper(u.station), u.connector) IN (SELECT station, connector FROM c WHERE connector IS NOT NULL))"
    " ORDER BY u.id FOR UPDATE OF u"
)


def apply_what_they_said(*, keys: Collection[str], now: datetime, named: Mapping[int, str] | None = None) -> int:
    """Takes in what senders said before these charge points (upper-case EVSE ids), or their stations, were known, and
    forgets the senders.

    A sender is a charge point's by its EVSE id, or by its station and connector; what a station said as a whole is said
    of the charge point too. `named` maps senders to the EVSE ids under which a person adopted them. Belongs to the
    transaction that wrote the charge points. Returns how many senders there were.
    """
    hear_stations(keys=keys, now=now)
    names = named or {}
    # Two ids may have the same letters too: each is looked up again by what it says.
    letters = {found for key in keys if (found := letters_of(key))}
    with connection.cursor() as cursor:
        cursor.execute(
            _SAID_OF_THEM,
            {
                "ids": array_literal(names),
                "keys": array_literal(keys),
                "separators": EVSE_SEPARATORS,
                "letters": array_literal(letters),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return 0
    _share_facts(ids)
    senders = list(UnknownChargePoint.objects.filter(pk__in=ids).order_by("pk"))
    UnknownChargePoint.objects.filter(pk__in=ids).delete()
    said = sorted(
        (each for sender in senders for each in _said_by(sender, names.get(sender.pk, ""))), key=lambda each: each[0]
    )
    for kind, run in groupby((again for _order, again in said), key=type):
        items: list[tuple[int, Any]] = list(enumerate(run))
        _TAKE[kind](submissions=[Submission(0, items)], now=now)
    _take_facts(keys)
    _hand_to_sources(senders, keys)
    return len(ids)


# What a station said of itself as a whole is as true of each of its connectors.
_FACTS = ("vendor", "model", "firmware")
_MORE = ", ".join(f"{name} = coalesce(nullif(t.{name}, ''), s.{name})" for name in _FACTS)
_SHARE_FACTS = (
    f"UPDATE infra_notifications_unknownchargepoint t SET {_MORE},"  # noqa: S608 - our own names
    " first_seen = least(t.first_seen, s.first_seen) FROM infra_notifications_unknownchargepoint s"
    " WHERE s.id = ANY(%(ids)s::bigint[]) AND s.station <> '' AND s.vendor || s.model || s.firmware <> ''"
    " AND upper(t.station) = upper(s.station) AND t.id <> ALL(%(ids)s::bigint[])"
)
_TAKE_FACTS = (
    f"UPDATE infra_notifications_chargepoint t SET {_MORE} FROM infra_notifications_chargepoint s"  # noqa: S608
    " WHERE upper(t.evse_id) = ANY(%(keys)s::text[]) AND t.station <> '' AND t.vendor = ''"
    " AND upper(s.station) = upper(t.station) AND s.vendor <> ''"
)


def _share_facts(ids: Sequence[int]) -> None:
    """Leaves those of a station that stay unknown what the station said of itself."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARE_FACTS, {"ids": array_literal(ids)})


def _take_facts(keys: Collection[str]) -> None:
    """Gives charge points what others of their station are known to be."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_FACTS, {"keys": array_literal(keys)})


def _hand_to_sources(senders: Sequence[UnknownChargePoint], keys: Collection[str]) -> None:
    """The source that was heard last of these senders feeds their charge points, and what was rejected of it is mended;
    so its silence is known as such before it speaks again."""
    ranked = sorted((sender for sender in senders if sender.source_id), key=lambda sender: sender.last_seen)
    by_station = {identity_key(sender.station or sender.evse_id): sender.source_id for sender in ranked}
    # Those of it that were not kept for lack of room are, when they send again.
    Source.objects.filter(pk__in=set(by_station.values())).update(refused_in_row=0, refused_since=None, dropped=0)
    states = ChargePointState.objects.select_for_update(of=("self",)).select_related("charge_point")
    fed: dict[int, set[str]] = defaultdict(set)
    named = states.alias(key=Upper("charge_point__evse_id")).filter(key__in=keys, source=None, last_seen__isnull=False)
    for state in named.order_by("pk"):
        point = state.charge_point
        names = (identity_key(point.station), identity_key(point.evse_id))
        state.source_id = next((by_station[name] for name in names if name in by_station), None)
        if state.source_id:
            state.save(update_fields=["source"])
            fed[state.source_id].add(point.station or names[1])
    for source in Source.objects.select_for_update().filter(pk__in=fed).order_by("pk"):
        source.fed = sorted({*source.fed, *fed[source.pk]})[:FED]
        source.save(update_fields=["fed"])


def _said_by(
    sender: UnknownChargePoint, evse_id: str
) -> Iterable[tuple[_Order, HeardMessage | SignalMessage | ConnectionReport]]:
    """What is kept of a sender, as it would be sent again, each with what orders it: its receipt by whoever passed it
    on, then by us, and its place in the batch."""
    name = (evse_id or sender.evse_id) if sender.evse_id else None
    last = {"protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}, "at": sender.last_seen.isoformat()}
    kept = list(sender.said.get("messages", ()))
    # What is kept of that moment proves life too; and a connection that was closed then was not heard of after that.
    is_proved = any(said.get("at") == last["at"] and "case" not in said for said in kept)
    if sender.sample.get("protocol") != "signal" and not is_proved:
        kept.append(last)
    for said in kept:
        if (at := parse_time(said.get("at"))) is None:
            continue
        order = (at, parse_time(said.get("heard")) or at, said.get("place", -1))
        if "case" in said:
            yield order, _signal_again(sender, name, said)
        elif "connected" in said:
            yield (
                order,
                ConnectionReport(
                    station=sender.station,
                    connected=said["connected"],
                    at=said["at"],
                    reason=said["reason"],
                    connection=said["connection"],
                ),
            )
        else:
            yield order, _message_again(sender, name, said)


def _signal_again(sender: UnknownChargePoint, name: str | None, said: dict[str, Any]) -> SignalMessage:
    return SignalMessage(
        id=said["id"],
        charge_point=name,
        station=None if name else sender.station,
        connector=None if name else sender.connector,
        case=said["case"],
        state=said["state"],
        occurred_at=said["occurred_at"],
        received_at=said["at"],
        detail=said["said"],
    )


def _message_again(sender: UnknownChargePoint, name: str | None, said: dict[str, Any]) -> HeardMessage:
    return HeardMessage(
        id=said.get("id"),
        action=said["action"],
        protocol=said["protocol"],
        payload=said["payload"],
        charge_point=name,
        station=sender.station or None,
        connector=said.get("connector"),
        received_at=said["at"],
        kind=said.get("kind", CALL),
        interval_s=said.get("interval_s"),
        proves_life=said.get("proves_life", True),
    )
