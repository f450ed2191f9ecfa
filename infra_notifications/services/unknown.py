"""Senders that nobody knows: what they said is kept, within bounds, and applied when somebody adopts them.

Kept are the last boot, the last status and the last fault of each connector, as they were on the wire. Adoption takes
them in once more, as received when they were: vendor, model, firmware, status, incidents and last seen follow as if the
charge point had been known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.utils.dateparse import parse_datetime

from core.ingest import Submission
from core.sql import array_literal
from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.models import UnknownChargePoint
from infra_notifications.services.messages import take_messages
from infra_notifications.services.signals import take_signals


def apply_what_they_said(*, keys: Collection[str], now: datetime, named: Mapping[int, str] | None = None) -> int:
    """Takes in what senders said before these charge points (upper-case EVSE ids) were known, and forgets the senders.

    A sender is a charge point's by its EVSE id, or by its station and connector; what a station said as a whole is said
    of the charge point too. `named` maps senders to the EVSE ids under which a person adopted them. Belongs to the
    transaction that made the charge points. Returns how many senders there were.
    """
    names = named or {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.id FROM infra_notifications_unknownchargepoint u WHERE u.id = ANY(%s::bigint[]) OR EXISTS ("
            "SELECT 1 FROM infra_notifications_chargepoint c WHERE upper(c.evse_id) = ANY(%s::text[])"
            " AND (u.evse_id <> '' AND upper(u.evse_id) = upper(c.evse_id) OR u.evse_id = '' AND c.station <> ''"
            " AND upper(u.station) = upper(c.station)"
            " AND (c.connector IS NULL OR coalesce(u.connector, 0) = 0 OR u.connector = c.connector)))"
            " ORDER BY u.id FOR UPDATE OF u",
            [array_literal(names), array_literal(keys)],
        )
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return 0
    senders = list(UnknownChargePoint.objects.filter(pk__in=ids).order_by("pk"))
    UnknownChargePoint.objects.filter(pk__in=ids).delete()
    told = [(at, again) for sender in senders for at, again in _said_by(sender, names.get(sender.pk, ""))]
    told.sort(key=lambda pair: pair[0])
    messages = [again for _at, again in told if isinstance(again, OcppMessage)]
    signals = [again for _at, again in told if isinstance(again, SignalMessage)]
    if messages:
        take_messages(submissions=[Submission(0, list(enumerate(messages)))], now=now)
    if signals:
        take_signals(submissions=[Submission(0, list(enumerate(signals)))], now=now)
    return len(ids)


def _said_by(sender: UnknownChargePoint, evse_id: str) -> Iterable[tuple[datetime, OcppMessage | SignalMessage]]:
    """What is kept of a sender, as it would be sent again, each with its receipt."""
    name = (evse_id or sender.evse_id) if sender.evse_id else None
    parts = [sender.said[part] for part in ("boot", "status", "fault") if part in sender.said]
    last = {"protocol": "ocpp1.6", "action": "Heartbeat", "payload": {}, "at": sender.last_seen.isoformat()}
    for part in (*parts, last if sender.sample.get("protocol") != "signal" else {}):
        at = parse_datetime(part.get("at", ""))
        if at is None:
            continue
        if "case" in part:
            yield (
                at,
                SignalMessage(
                    charge_point=name or "",
                    case=part["case"],
                    state="raised",
                    occurred_at=part["at"],
                    detail=part.get("said"),
                ),
            )
            continue
        yield (
            at,
            OcppMessage(
                action=part["action"],
                protocol=part["protocol"],
                payload=part["payload"],
                charge_point=name,
                station=sender.station or None,
                connector=sender.connector,
                received_at=part["at"],
            ),
        )
