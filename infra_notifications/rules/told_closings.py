"""Statuses that are no word of a station: its CSMS makes them in its name when its connection has ended. Pure.

| who                                           | what it makes of the end of a connection                     |
|-----------------------------------------------|--------------------------------------------------------------|
| web_ocpp of RabbitMQ                          | a StatusNotification of connector 0, `Unavailable`, with     |
| (its README, "Offline Detection")             | `vendorErrorCode` and `vendorId` (2.x: in `customData`)      |
"""

from __future__ import annotations

from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.vocabulary import object_of, text

# Vendor and code, folded.
CLOSINGS = frozenset([("rabbitmq", "offline")])
IS_CLOSING = "It was read as the report that the station's connection ended, and is no sign of its life."


def told_closing(action: str, payload: Any) -> str:
    """By which word a message says that the connection of its station ended; "" for all others."""
    if action != "StatusNotification" or type(payload) is not dict:
        return ""
    if "vendorErrorCode" not in payload and "customData" not in payload:
        return ""
    held = {fold(key): text(value) for key, value in (payload | object_of(payload.get("customData"))).items()}
    code = held.get("vendorerrorcode", "")
    is_told = (fold(held.get("vendorid", "")), fold(code)) in CLOSINGS
    is_away = "unavailable" in (fold(held.get("status", "")), fold(held.get("connectorstatus", "")))
    return code if is_told and is_away else ""
