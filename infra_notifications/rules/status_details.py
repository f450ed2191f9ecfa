"""What makers add to a status: a code beside no error, and in OCPP 2.x, which has neither code nor text, `customData`.
Pure."""

from __future__ import annotations

import re
from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.transfer_words import CODES, TEXTS, asserts, is_fine, says_broken
from infra_notifications.rules.vocabulary import object_of, text

# The codes and texts of `customData`, folded.
_CODES = (*sorted(CODES, key=len, reverse=True), "techcode")
_TEXTS = ("info", "techinfo", *(name for name in TEXTS if name not in ("name", "type", "component", "part", "title")))
_NUMBERED = re.compile(r"(?:0x)?[A-Za-z]{0,6}[-_ ]?\d{1,6}|0x[0-9A-Fa-f]{1,8}")


def names_code(vendor_code: str) -> bool:
    """Whether a vendor's code beside no error is the number of something, "E17", which nobody may know."""
    return bool(_NUMBERED.fullmatch(vendor_code)) and not is_fine(vendor_code)


def said_beside(body: dict[str, Any]) -> dict[str, Any] | None:
    """A status of OCPP 2.x with what its `customData` says, as the code and text of 1.6; None where it says nothing."""
    custom = object_of(body.get("customData"))
    if len(custom) < 2:  # `vendorId` alone, or nothing: most
        return None
    held = {fold(key): text(value) for key, value in custom.items()}
    code = next((held[key] for key in _CODES if held.get(key) and not is_fine(held[key])), "")
    said = ". ".join(dict.fromkeys(held[key] for key in _TEXTS if held.get(key) and not is_fine(held[key])))
    is_broken = bool(code) or (says_broken(said) and asserts(said))
    if not (is_broken or said):
        return None
    return body | {
        "status": body["connectorStatus"],
        "errorCode": "OtherError" if is_broken else "NoError",
        "vendorErrorCode": code,
        "info": said,
        "vendorId": custom.get("vendorId"),
    }
