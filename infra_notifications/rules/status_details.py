"""What makers add to a status: a code beside no error, and in OCPP 2.x, which has neither code nor text, `customData`.
Pure."""

from __future__ import annotations

import re
from typing import Any

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.lettering import plain
from infra_notifications.rules.present_words import at_present
from infra_notifications.rules.transfer_words import CODES, FAULT_CODE_NAMES, TEXTS, asserts, is_fine, says_broken
from infra_notifications.rules.vocabulary import MAX_TEXT, STANDARD_CODES, object_of, text

# The codes and texts of `customData`, folded: those that say by their name that there is an error, and those that may
# as well be a number of something else, as a vendor's code of 1.6 beside NoError.
_ERRORS = tuple(sorted(FAULT_CODE_NAMES - {"vendorerrorcode"}, key=len, reverse=True))
_CODES = ("vendorerrorcode", *sorted(CODES - FAULT_CODE_NAMES, key=len, reverse=True), "techcode")
_TEXTS = ("info", "techinfo", *(name for name in TEXTS if name not in ("name", "type", "component", "part", "title")))
_READ = frozenset((*_ERRORS, *_CODES, *_TEXTS, "vendorid"))
# A test of oneself, and what says that it was not passed; that a test is named denies no fault here.
_SELF_TEST = re.compile(
    r"\b(?:\w{1,20}+-)?(?:self[ -]?test|selbsttest|zelftest|auto-?test|auto-?prueba|auto-?diagn)\w*+"
)
_FAILED = re.compile(
    r"\b(?:fail\w*|error|nok|time[ds]?[ -]?out|(?:not|nicht|non|niet|no|pas) (?:passed|ok|bestanden|reussi|superat\w*"
    r"|superado|geslaagd)|unsuccessful|fehlgeschlagen|fehler\w*|echou\w*|echec|erreur|fallid\w*|fallo|mislukt|fallit\w*"
    r"|errore)\b"
)
_NUMBERED = re.compile(r"(?:0x)?[A-Za-z]{0,6}[-_ ]?\d{1,6}|0x[0-9A-Fa-f]{1,8}")


def fails_self_test(said: str) -> bool:
    """Whether a text says that the station failed a test of itself."""
    told = plain(said[:MAX_TEXT].lower())
    rest = _SELF_TEST.sub("test", told)
    return rest != told and bool(_FAILED.search(rest)) and asserts(rest)


def error_of(body: dict[str, Any], usual: str) -> str:
    """The error code of a status; `usual` where it has none, and that of another error where a text beside no error
    says that a test of the station itself failed."""
    error = text(body.get("errorCode")) or usual
    is_fine = error.lower() in ("", "noerror")
    return "OtherError" if is_fine and fails_self_test(at_present(text(body.get("info")))) else error


def names_code(vendor_code: str) -> bool:
    """Whether a vendor's code beside no error is the number of something, "E17", which nobody may know."""
    return bool(_NUMBERED.fullmatch(vendor_code)) and not is_fine(vendor_code)


def custom_of(body: dict[str, Any]) -> dict[str, Any]:
    """What is read of the `customData` of a status of OCPP 2.x, empty where that is its vendor alone."""
    custom = object_of(body.get("customData"))
    if len(custom) < 2 or "connectorStatus" not in body:  # most
        return {}
    read = {key: value for key, value in custom.items() if fold(key) in _READ and not isinstance(value, dict | list)}
    return read if {*map(fold, read)} - {"vendorid"} else {}


def said_beside(body: dict[str, Any]) -> dict[str, Any] | None:
    """A status of OCPP 2.x with what its `customData` says, as the code and text of 1.6; None where it says nothing."""
    held = {fold(key): text(value) for key, value in custom_of(body).items()}
    error, code = (
        next((held[key] for key in names if held.get(key) and not is_fine(held[key])), "")
        for names in (_ERRORS, _CODES)
    )
    said = ". ".join(dict.fromkeys(held[key] for key in _TEXTS if held.get(key) and not is_fine(held[key])))
    if not (error or code or said):
        return None
    is_standard = error.lower() in STANDARD_CODES
    is_broken = bool(error) or (says_broken(said) and asserts(said)) or fails_self_test(said)
    return body | {
        "status": body["connectorStatus"],
        "errorCode": error if is_standard else "OtherError" if is_broken else "NoError",
        "vendorErrorCode": ",".join(dict.fromkeys(filter(None, ("" if is_standard else error, code)))),
        "info": said,
        "vendorId": held.get("vendorid", ""),
    }
