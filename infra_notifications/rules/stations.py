"""What a message says of its station: what it is made of, how often it will speak, whether it was offline. Pure."""

from __future__ import annotations

from typing import Any

from infra_notifications.rules.vocabulary import object_of, text, truth

LONGEST_BOOT_INTERVAL_S = 7 * 86_400


def firmware_of(action: str, payload: Any) -> dict[str, str]:
    """Vendor, model and firmware from a BootNotification (both generations); empty for other messages."""
    if action.lower() != "bootnotification":
        return {}
    body = object_of(payload)
    station = object_of(body.get("chargingStation"))
    found = {
        "vendor": text(station.get("vendorName") or body.get("chargePointVendor"))[:60],
        "model": text(station.get("model") or body.get("chargePointModel"))[:60],
        "firmware": text(station.get("firmwareVersion") or body.get("firmwareVersion"))[:60],
    }
    return {key: value for key, value in found.items() if value}


def boot_interval_of(action: str, payload: Any) -> int | None:
    """The seconds between heartbeats that a CSMS asks for in its answer to BootNotification, None for other messages.

    Only the answer has an `interval`, whatever its action is called; of a station that is not accepted it says when to
    ask again.
    """
    if not action.lower().startswith("bootnotification"):
        return None
    body = object_of(payload)
    interval = body.get("interval")
    if isinstance(interval, str) and interval.strip().isascii() and interval.strip().isdigit():
        interval = int(interval[:9])
    if isinstance(interval, bool) or not isinstance(interval, int | float):
        return None
    is_accepted = text(body.get("status")).lower() in ("", "accepted")
    return int(interval) if is_accepted and 1 <= interval <= LONGEST_BOOT_INTERVAL_S else None


def is_offline(payload: Any) -> bool:
    """Whether a message says that its station was offline when it wrote it (OCPP 2.x: `offline`)."""
    return truth(object_of(payload).get("offline")) is True
