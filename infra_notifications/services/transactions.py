"""At which connector a transaction was that a fault ended: its last message need not name it (1.6: never, 2.x: seldom).

Asked for few messages, so what was said before is looked up among the stored ones and in the batch itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointMessage, ChargePointState
from infra_notifications.rules.vocabulary import evse_of, object_of
from infra_notifications.services.directory import Point

# Requests that may say that a transaction ended by a fault.
ENDS = frozenset(("StopTransaction", "TransactionEvent"))
_TELLING = ("StartTransaction", "MeterValues", "TransactionEvent")
# So far back among what a station's charge points said of transactions.
_LOOKED_AT = 500
_BUSY = ("Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Preparing", "Occupied")


def transaction_of(payload: Any) -> str:
    """The id of the transaction that a payload is about; "" where it names none."""
    body = object_of(payload)
    found = body.get("transactionId", object_of(body.get("transactionInfo")).get("transactionId"))
    return str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""


@dataclass(slots=True)
class Transactions:
    """What a station said of its transactions, in order: their connectors, and where the last one began.

    In 1.6 the answer to StartTransaction says the id. A station waits for it before it asks for another.
    """

    points: Sequence[Point]
    connectors: dict[str, int] = field(default_factory=dict)
    last_begun: int | None = None
    last_busy: int | None = None

    def hear(self, action: str, payload: Any, connector: int | None) -> None:
        if action == "StatusNotification":
            if object_of(payload).get("status", object_of(payload).get("connectorStatus")) in _BUSY:
                self.last_busy = connector
            return
        transaction = transaction_of(payload)
        if action == "StartTransaction" and not transaction:
            self.last_begun = connector or self.last_begun
            return
        if connector is None and action == "StartTransaction":
            connector = self.last_begun
        if transaction and connector:
            self.connectors[transaction] = connector

    def connector_of(self, payload: Any) -> int | None:
        """The connector of the transaction that ended; where it is not known, that where the last one began, or one
        that is in use: a fault is never lost, and never said of connectors that have none."""
        known = self.connectors.get(transaction_of(payload), self.last_begun) or self.last_busy
        if known is not None:
            return known
        states = ChargePointState.objects.filter(pk__in=[point.id for point in self.points], status__in=_BUSY)
        busy = set(states.values_list("pk", flat=True))
        ranked = sorted(self.points, key=lambda point: (point.id not in busy, point.connector or 0))
        return ranked[0].connector


def transactions_of(points: Sequence[Point]) -> Transactions:
    """What is stored of the transactions of a station with these charge points."""
    found, connectors = Transactions(points), {point.id: point.connector for point in points}
    of_station = Q(charge_point=None, station__in={point.station for point in points})
    rows = ChargePointMessage.objects.filter(Q(charge_point__in=connectors) | of_station, action__in=_TELLING)
    said = rows.order_by("-id").values_list("action", "payload", "charge_point_id")[:_LOOKED_AT]
    for action, payload, point_id in reversed(said):
        found.hear(action, payload, evse_of(payload) or connectors.get(point_id))
    return found


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of a batch: its row, all charge points of its station, and the connector that it names."""

    row: int
    station: Sequence[Point]
    message: OcppMessage
    connector: int | None


def place_ends(spoken: Iterable[Spoken], asking: set[int]) -> dict[int, int | None]:
    """The connectors of transactions by the rows that ask for theirs; messages of a batch in order."""
    batch = list(spoken)
    stations = {each.station[0].id: transactions_of(each.station) for each in batch if each.row in asking}
    found = {}
    for each in batch:
        known = stations.get(each.station[0].id) if each.station else None
        if known is None:
            continue
        if each.row in asking:
            found[each.row] = known.connector_of(each.message.payload)
        elif each.message.action in (*_TELLING, "StatusNotification"):
            known.hear(each.message.action, each.message.payload, each.connector)
    return found
