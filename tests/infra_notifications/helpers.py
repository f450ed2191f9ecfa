"""Messages as chargers send them, and short ways to look at what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.ingest import Intake, Submission
from core.refusal import Refused
from core.text import clean_json
from infra_notifications.event_kinds import (
    GROUP_ALERT,
    GROUP_ALREADY_OPEN,
    GROUP_DIGEST,
    GROUP_FLAPPING,
    GROUP_RECOVERY,
    GROUP_REMINDER,
    GROUP_STILL_BROKEN,
)
from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    Incident,
    NotificationDecision,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services import sweeps
from infra_notifications.services.adoption import UnknownStation, adopt_stations
from infra_notifications.services.messages import take_messages
from infra_notifications.services.signals import take_signals
from outbox.models import Delivery, Event
from tests import clock
from tests.factories.infra_notifications import ChargePointFactory

NOW = clock.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = 1
_messages = msgspec.json.Decoder(list[OcppMessage])
_signals = msgspec.json.Decoder(list[SignalMessage])


def at(seconds: float) -> datetime:
    """NOW and this many seconds."""
    return NOW + timedelta(seconds=seconds)


# ---- what chargers say ----------------------------------------------------------------------------------------------


def fault(code: str = "OverCurrentFailure", **more: Any) -> dict[str, Any]:
    """An OCPP 1.6 StatusNotification with an error."""
    return {"connectorId": 1, "errorCode": code, "status": "Faulted"} | more


def fine(**more: Any) -> dict[str, Any]:
    """An OCPP 1.6 StatusNotification without one."""
    return fault("NoError", status="Available") | more


def event(component: str, variable: str, value: Any = "true", **more: Any) -> dict[str, Any]:
    """An element of `eventData` of OCPP 2.x at EVSE 1; None leaves a field out."""
    evse, instance = more.pop("evse", 1), more.pop("instance", None)
    found = {
        "eventId": 7,
        "timestamp": NOW.isoformat(),
        "trigger": "Delta",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": component} | ({"evse": {"id": evse}} if evse else {}),
        "variable": {"name": variable} | ({"instance": instance} if instance else {}),
    } | more
    return {key: given for key, given in found.items() if given is not None}


def events(*data: dict[str, Any]) -> dict[str, Any]:
    """An OCPP 2.x NotifyEvent."""
    return {"generatedAt": NOW.isoformat(), "seqNo": 0, "eventData": list(data)}


def message(point: ChargePoint | str, payload: Any, **more: Any) -> OcppMessage:
    """A message in the name of a charge point; action and protocol follow from the payload unless they are given."""
    two = "eventData" in payload or "connectorStatus" in payload
    given = {
        "action": "NotifyEvent" if "eventData" in payload else "StatusNotification",
        "protocol": "ocpp2.0.1" if two else "ocpp1.6",
        "charge_point": point if isinstance(point, str) else point.evse_id,
        "payload": payload,
    }
    return OcppMessage(**(given | more))


def heartbeat(station: str, **more: Any) -> OcppMessage:
    return OcppMessage(station=station, action="Heartbeat", payload={}, **more)


# ---- taking it in ---------------------------------------------------------------------------------------------------


def take(*messages: OcppMessage, now: datetime = NOW, key: int = KEY) -> Intake:
    """Messages as they are after their way over the wire."""
    items = _messages.decode(clean_json(msgspec.json.encode(messages)))
    return take_messages(submissions=[Submission(key, list(enumerate(items)))], now=now)[0]


def say(point: ChargePoint, payload: Any, *, now: datetime = NOW, **more: Any) -> Intake:
    """One message of a charge point."""
    return take(message(point, payload, **more), now=now)


def signal(point: ChargePoint | str, state: str, *, case: str = "FUSE_TRIPPED", **more: Any) -> SignalMessage:
    evse_id = point if isinstance(point, str) else point.evse_id
    return SignalMessage(charge_point=evse_id, case=case, state=state, **more)


def take_neutral(*signals: SignalMessage, now: datetime = NOW, key: int = KEY) -> Intake:
    items = _signals.decode(clean_json(msgspec.json.encode(signals)))
    return take_signals(submissions=[Submission(key, list(enumerate(items)))], now=now)[0]


def sweep(now: datetime) -> None:
    """What the periodic tasks do, at a moment of our choice."""
    sweeps.sweep(now=now)
    sweeps.sweep_daily(now=now)


def station(name: str = "CP-1", points: int = 2, **more: Any) -> list[ChargePoint]:
    """The charge points of one station, connectors 1, 2, …"""
    return [
        ChargePointFactory(evse_id=f"DE*{name}*{n}", station=name, connector=n, **more) for n in range(1, points + 1)
    ]


# ---- looking at it --------------------------------------------------------------------------------------------------


def only_incident(**filters: Any) -> Incident:
    return Incident.objects.get(**filters)


def open_cases(point: ChargePoint) -> list[str]:
    return list(
        Incident.objects.filter(charge_point=point, closed_at=None).order_by("case").values_list("case", flat=True)
    )


MAILS = (
    GROUP_ALERT,
    GROUP_ALREADY_OPEN,
    GROUP_RECOVERY,
    GROUP_STILL_BROKEN,
    GROUP_FLAPPING,
    GROUP_REMINDER,
    GROUP_DIGEST,
)


def mails(kind: str | None = None) -> list[Event]:
    """The group mails in the order in which they were published."""
    return list(Event.objects.filter(kind__in=[kind] if kind else MAILS).order_by("id"))


def kinds() -> list[str]:
    """What kinds of group mails were published, in order: alert, recovery, reminder, …"""
    return [mail.kind.rpartition(".")[2] for mail in mails()]


def alerts() -> list[Event]:
    return mails(GROUP_ALERT)


def recoveries() -> list[Event]:
    return mails(GROUP_RECOVERY)


def listed(mail: Event) -> list[str]:
    """The EVSE ids that a mail lists."""
    return [item["charge_point"]["evse_id"] for item in mail.payload["items"]]


def addressees(mail: Event) -> list[str]:
    return list(Delivery.objects.filter(event=mail).order_by("address").values_list("address", flat=True))


def decisions(**filters: Any) -> list[tuple[str, str, str]]:
    """What was decided: (kind, state, reason), in order."""
    found = NotificationDecision.objects.filter(**filters).order_by("id")
    return [(notification.kind, notification.state, notification.reason) for notification in found]


def verdicts() -> list[str]:
    return list(ChargePointMessage.objects.order_by("id").values_list("verdict", flat=True))


def unmapped() -> dict[str, int]:
    """What no rule knew, and how often it was seen."""
    return dict(UnmappedReport.objects.values_list("said", "seen"))


def adopt_unknown(*, unknown: UnknownChargePoint, evse_id: str, now: datetime) -> ChargePoint:
    """Adopts one sender under this EVSE id. Raises Refused for an id that cannot be."""
    station = UnknownStation(unknown.station or unknown.evse_id, [unknown])
    done = adopt_stations(stations=[station], evse_ids={unknown.pk: evse_id}, now=now)
    for sentence in done.refused.values():
        raise Refused(sentence, field="evse_id")
    return ChargePoint.objects.get(evse_id=done.evse_ids[0])
