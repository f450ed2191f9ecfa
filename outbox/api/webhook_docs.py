"""The `webhooks` part of the OpenAPI document: every kind that can be listened to, with its schema and an example."""

from __future__ import annotations

from typing import Any

from outbox.event_kinds import EventKind, public_kinds
from outbox.views.event_kinds import example_of

_HEADERS = {
    "webhook-id": "The same at every attempt and replay of this message: what was seen before can be dropped.",
    "webhook-timestamp": "Seconds since the epoch, of this attempt.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; two of them after a rotation.",
}
_ENVELOPE: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "description": "The event's id, `evt_…`."},
    "object": {"const": "event"},
    "type": {"type": "string"},
    "topic": {"type": "string", "description": "The same as `type`."},
    "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
    "created": {"type": "integer", "description": "The same in seconds since the epoch."},
    "domain": {"type": "string"},
    "severity": {"enum": ["info", "warning", "critical"]},
    "subject": {"type": "string"},
    "program": {"type": ["string", "null"]},
    "live_mode": {"type": "boolean"},
    "sequence": {"type": ["integer", "null"], "description": "The event's place in the log. Deliveries may overtake."},
    "version": {
        "type": ["integer", "null"],
        "description": "Grows with each change of the object: drop an event whose object you know by a higher one.",
    },
    "api_version": {"type": "string"},
}
_ORDER = (
    "The order within an endpoint is not promised: order by `sequence`, or drop what has a lower `version` than you "
    "know. Delivered at least once; answer 2xx within 15 s."
)


def webhook_paths() -> dict[str, Any]:
    """For `webhooks` of OpenAPI 3.1."""
    return {kind.key: {"post": _operation(kind)} for kind in public_kinds()}


def _operation(kind: EventKind) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": _ENVELOPE | {"type": {"const": kind.key}, "data": inlined(kind.schema())},
    }
    return {
        "operationId": f"webhook_{kind.key.replace('.', '_')}",
        "tags": [f"Events: {kind.domain}"],
        "summary": str(kind.label),
        "description": f"{kind.description}\n\n{_ORDER}",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example_of(kind)}},
        },
        "responses": {"2XX": {"description": "Taken."}, "410": {"description": "No more of these: disables."}},
    }


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without `$defs`: in a larger document its references would point nowhere."""
    defs = schema.get("$defs", {})

    def resolve(part: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(part, list):
            return [resolve(item, inside) for item in part]
        if not isinstance(part, dict):
            return part
        name = part["$ref"].rpartition("/")[2] if isinstance(part.get("$ref"), str) else ""
        if name in inside:
            return {"type": "object", "description": f"Again a {name}."}
        if name:
            return resolve(defs[name], (*inside, name))
        return {key: resolve(value, inside) for key, value in part.items() if key != "$defs"}

    resolved: dict[str, Any] = resolve(schema, ())
    return resolved
