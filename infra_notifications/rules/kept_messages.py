"""What is kept of a message that a forwarder sent, as of those that the OCPP proxy hears (`retained`). Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.retained import MOST_TEXT, retained, without_secrets
from infra_notifications.rules.tokens import Tokens

# Messages that come by the thousand, and the fields of which all are kept.
_PLAIN = {
    "Heartbeat": frozenset[str](),
    "StatusNotification": frozenset(
        (
            *("connectorId", "errorCode", "status", "timestamp", "info", "vendorId", "vendorErrorCode"),
            *("evseId", "connectorStatus"),
        )
    ),
}
_SCALARS = (int, float, bool, type(None))


def kept_payload(action: str, payload: Any, kind: str = CALL) -> Any:
    """A payload without tokens, customers, certificates and whatever else no rule reads; nor do its texts repeat a
    token that it names."""
    names = _PLAIN.get(action)
    if names is not None and isinstance(payload, dict) and payload.keys() <= names and _is_flat(payload):
        return payload
    tokens = Tokens()
    tokens.note(msgspec.json.encode(payload))
    return tokens.masked(retained(action, payload, kind))


def _is_flat(payload: dict[str, Any]) -> bool:
    for value in payload.values():
        if isinstance(value, str):
            if len(value) > MOST_TEXT or without_secrets(value) != value:
                return False
        elif not isinstance(value, _SCALARS):
            return False
    return True
