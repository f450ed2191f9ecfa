"""Notifications as the vendor sends them, and short ways to look at what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from fleet_remotes.choices import REMOTE_TYPES, Kind
from fleet_remotes.models import Callback, RemoteAction, RemoteNotification
from fleet_remotes.services.applying import apply_waiting
from fleet_remotes.services.callbacks import Body, take_bodies
from outbox.models import Event
from tests import clock
from tests.factories.fleet_remotes import HEADER_VALUE

NOW = clock.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(seconds: float) -> datetime:
    """NOW and this many seconds."""
    return NOW + timedelta(seconds=seconds)


# ---- what the vendor says -----------------------------------------------------------------------------------------


def event(
    action: RemoteAction, type_: str, status: Any, second: float | None = 0, cause: str = "", **more: Any
) -> dict[str, Any]:
    """One notification of an action, `second` seconds after NOW; None for no date. `more` replaces fields."""
    inner = {"type": type_, "status": status} | ({"failureCause": cause} if cause else {})
    found: dict[str, Any] = {
        "remoteActionId": action.remote_action_id,
        "vin": action.vehicle.vin,
        "remoteType": REMOTE_TYPES[Kind(action.kind)],
        "eventStatus": inner,
    }
    if second is not None:
        found["eventDate"] = at(second).isoformat().replace("+00:00", "Z")
    return found | more


def accepted(action: RemoteAction, second: float = 1) -> dict[str, Any]:
    return event(action, "Pending", "Accepted", second)


def waking(action: RemoteAction, second: float = 2) -> dict[str, Any]:
    return event(action, "Pending", "WakingUpVehicle", second)


def woken(action: RemoteAction, *seconds: float) -> list[dict[str, Any]]:
    """Its vehicle is woken up at each of these, by actions of other tools."""
    return [waking(action, second) | {"remoteActionId": f"other-{second}"} for second in seconds]


def sent(action: RemoteAction, second: float = 30) -> dict[str, Any]:
    return event(action, "Pending", "SentToVehicle", second)


def success(action: RemoteAction, second: float = 40) -> dict[str, Any]:
    return event(action, "Done", "Success", second)


def failed(action: RemoteAction, cause: str = "DoorsOpen", second: float = 40) -> dict[str, Any]:
    return event(action, "Done", "Failed", second, cause)


def body(*events: Any, callback_id: str = "cb") -> dict[str, Any]:
    return {"callbackId": callback_id, "attributes": [], "events": list(events)}


# ---- taking it in -------------------------------------------------------------------------------------------------


def receive(callback: Callback, *bodies: Any, now: datetime | None = None, apply: bool = True) -> None:
    """Stores bodies as the endpoint does and applies them; each a JSON value or bytes."""
    when = now or at(60)
    take_bodies(
        [Body(callback.pk, one if isinstance(one, bytes) else json.dumps(one).encode(), when) for one in bodies]
    )
    if apply:
        while apply_waiting(now=when):
            continue


def notify(callback: Callback, *events: Any, now: datetime | None = None) -> None:
    """One body per notification, as without batchNotify."""
    receive(callback, *(body(one) for one in events), now=now)


def post_callback(callback: Callback, content: Any, *, value: str = HEADER_VALUE, client: Client | None = None) -> Any:
    """A POST to the vendor's endpoint."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return (client or Client()).post(
        f"/api/v1/remotes/callbacks/{callback.slug}",
        data,
        content_type="application/json",
        headers={callback.header_name: value},
    )


# ---- looking at it ------------------------------------------------------------------------------------------------


def verdicts(**filters: Any) -> list[str]:
    return list(RemoteNotification.objects.filter(**filters).order_by("id").values_list("verdict", flat=True))


def flags(**filters: Any) -> set[str]:
    return {flag for row in RemoteNotification.objects.filter(**filters) for flag in row.flags}


def fresh(action: RemoteAction) -> RemoteAction:
    return RemoteAction.objects.select_related("vehicle", "fleet").get(pk=action.pk)


def published(kinds: Iterable[str] | None = None) -> list[tuple[str, Any]]:
    """The published events, (kind, payload), oldest first."""
    rows = Event.objects.order_by("id").values_list("kind", "payload")
    return [(kind, payload) for kind, payload in rows if kinds is None or kind in kinds]


def published_kinds() -> list[str]:
    return [kind for kind, _payload in published()]
