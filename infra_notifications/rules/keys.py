"""The fields of OCPP that are read, and their spellings: snake_case, PascalCase and blanks become camelCase. Pure."""

from __future__ import annotations

import re
from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.actions import REQUIRED_ANYWHERE

# Fields that are read beside those that are required (both generations of OCPP).
_READ = """
    connectorId errorCode info status timestamp vendorId vendorErrorCode connectorStatus evseId customData
    generatedAt seqNo tbc eventData eventId trigger cause actualValue techCode techInfo cleared transactionId severity
    component variable variableMonitoringId eventNotificationType name instance evse id type
    messageId reportData chargingStation reason vendorName model firmwareVersion serialNumber modem
    chargePointVendor chargePointModel chargePointSerialNumber currentTime interval meterValue sampledValue value
"""
KNOWN_KEYS = frozenset(_READ.split()) | REQUIRED_ANYWHERE
# In these nothing is ours to correct.
_OPAQUE = ("customData", "data")
_DEEPEST = 8
KEYS = {fold(key): key for key in sorted(KNOWN_KEYS)}


def renamed_keys(value: Any, renamed: dict[str, str], depth: int) -> Any:
    """The value with known keys in their own spelling; `renamed` collects what was changed."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [renamed_keys(inner, renamed, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        known = KEYS.get(fold(key))
        name = key if key in KNOWN_KEYS or known is None else known
        if name != key:
            if name in value:  # spelt right beside it: that one counts
                name = key
            else:
                renamed[key] = name
        found[name] = inner if name in _OPAQUE else renamed_keys(inner, renamed, depth + 1)
    return found


def camel_keys(value: Any, depth: int) -> Any:
    """The value with every key in camelCase, known or not."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [camel_keys(inner, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    return {_camel_key(key): inner if key in _OPAQUE else camel_keys(inner, depth + 1) for key, inner in value.items()}


def _camel_key(key: str) -> str:
    first, *words = [word for word in re.split(r"[_\-\s]+", key) if word] or [key]
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in words) if words else key
