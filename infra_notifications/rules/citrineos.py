"""What CitrineOS tells a webhook of a station, as frames and reports of connections. Pure.

| `event`     | what it is                                                                                        |
|-------------|---------------------------------------------------------------------------------------------------|
| `connected` | the station connected                                                                             |
| `closed`    | its connection closed, for whatever reason                                                        |
| `message`   | `message` is a frame as text; `origin` says whose: `cs` (the station) or `csms`; `info.action`, `info.protocol`, `info.timestamp` go with it |

Source: CitrineOS, `03_Modules/OcppRouter/src/module/webhook.dispatcher.ts`. A message that it could not parse comes with
the same event, and is rejected here by name.
"""  # noqa: E501 - a row of a table

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.pieces import MALFORMED, why_malformed
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.frames import Frame, MalformedFrame, frame_in
from infra_notifications.rules.vocabulary import object_of, text

CONNECTIONS = {"connected": True, "closed": False}
MESSAGE = "message"
FROM_CSMS = ("csms", "chargingstationmanagementsystem")
# Where it does not say, as it does of messages.
USUAL_PROTOCOL = "ocpp2.0.1"


class NotUnderstood(ValueError):
    """It is no event of CitrineOS; the sentence says why."""


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """A frame that passed CitrineOS. `action` is that of the call, also for answers; "" where it is not known."""

    station: str
    protocol: str
    frame: Frame
    action: str
    from_station: bool
    at: str | None


def read_event(body: Any) -> HeardFrame | ConnectionReport:
    """One event. Raises NotUnderstood."""
    event = object_of(body)
    station, kind = text(event.get("stationId")), text(event.get("event")).lower()
    info = object_of(event.get("info"))
    if not station:
        raise NotUnderstood("It has no `stationId`.")
    at = text(info.get("timestamp")) or None
    if kind in CONNECTIONS:
        return ConnectionReport(station=station, connected=CONNECTIONS[kind], at=at)
    if kind != MESSAGE:
        raise NotUnderstood(f"`event` is {kind[:40]!r}; it must be connected, closed or message.")
    action = text(info.get("action"))
    return HeardFrame(
        station,
        text(info.get("protocol")).lower() or USUAL_PROTOCOL,
        _frame(event.get("message")),
        # JavaScript's word for none.
        "" if action == "undefined" else action,
        text(event.get("origin") or info.get("origin")).lower() not in FROM_CSMS,
        at,
    )


def _frame(message: Any) -> Frame:
    try:
        return frame_in(message)
    except (MalformedFrame, *MALFORMED) as error:
        raise NotUnderstood(f"`message` is no frame of OCPP-J: {why_malformed(error)}") from error
