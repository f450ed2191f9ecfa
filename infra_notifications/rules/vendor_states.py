"""The states of connectors in a vendor's own message (DataTransfer), alone or several in lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.owners import NUMBERS, OWNED, OWNERS, Which, number_in, place_of
from infra_notifications.rules.placeholders import tells_more
from infra_notifications.rules.transfer_words import is_fine, names_fault, words_of
from infra_notifications.rules.vocabulary import FOLDED_VALUES, VALUES, text, whole

_SEPARATOR = re.compile(r"[,;|]")
# "1:Faulted;2:Available".
_NUMBERED = re.compile(r"#?(\d{1,3})\s?[:=]\s?([A-Za-z_ ]{3,30})")
_STATES = ("status", "state", *(owner + end for owner in OWNERS for end in ("status", "state")))
# A messageId of these words alone is about nothing but states, so that calm ones among them are believed too.
_STATE_WORDS = """
    status statuses state states charge charging point box cp notification notify report event update change changed get
    info all connectors evses evb message data
"""
_ABOUT_STATES = {*OWNERS, *_STATE_WORDS.split()}
_SAID = (
    "info",
    "message",
    "description",
    "error",
    "err",
    "fault",
    "alarm",
    "reason",
    "errormessage",
    "errordescription",
)
_VENDOR_CODES = ("vendorerrorcode", "errorcode", "faultcode", "alarmcode", "errorid", "faultid", "code")
# What is said of an attempt as well as of a connector.
_OF_ATTEMPTS = {"failed", "failure", "error", "err", "alarm", "blocked", "tripped"}
_DEEPEST, _MOST = 6, 1_000


class State(NamedTuple):
    """A StatusNotification in a vendor's message, and the id of the object that is it."""

    body: dict[str, Any]
    source: int


def states_in(payload: Mapping[str, Any], data: Any) -> list[State]:
    """The states that a DataTransfer holds, of which `data_of` made `data`: of objects, of lists of them, and of a list
    of the connector, the state, the code, a text and the vendor's code, as EVBox writes it: "1,Faulted,OtherError,,17".
    """
    vendor = text(payload.get("vendorId"))
    told = [part.strip() for part in _SEPARATOR.split(data, 5)] if isinstance(data, str) else data
    if isinstance(told, list) and len(told) > 1 and whole(told[0]) is not None:
        named = zip(("connectorId", "status", "errorCode", "info", "vendorErrorCode"), map(text, told), strict=False)
        told = {name: value for name, value in named if value}
    words, is_alone = set(words_of(text(payload.get("messageId")))), False
    if isinstance(told, list) and isinstance(data, str) and all(_NUMBERED.fullmatch(part) for part in told if part):
        pairs = (part for part in map(_NUMBERED.fullmatch, told) if part)
        told = [{"connectorId": int(part[1]), "status": part[2].strip()} for part in pairs]
    elif isinstance(told, list) and len(told) == 1 and isinstance(data, str):
        told, is_alone = {"status": data}, True
    found = list(_read(told, 0, None, is_owned=isinstance(told, list)))[:_MOST]
    return [
        State(one.body | {"vendorId": vendor}, one.source)
        for one in found
        if _is_state(one.body, words, is_alone=is_alone)
    ]


def _is_state(body: dict[str, Any], words: set[str], *, is_alone: bool) -> bool:
    """Whether it is the state of a connector: Faulted, where it is said of one or of no attempt; a calm word beside a
    code, or in a message that speaks of nothing but states and names a connector or holds nothing else (`is_alone`)."""
    said, is_placed = fold(body.pop("said")), "connectorId" in body or "evseId" in body
    is_about = bool(words) and words <= _ABOUT_STATES
    if body.get("connectorStatus", body.get("status")) == "Faulted":
        return is_placed or said not in _OF_ATTEMPTS or (is_about and not words.isdisjoint(OWNERS))
    is_exact = said in map(fold, VALUES["status"])
    return is_exact and ("errorCode" in body or (is_about and (is_placed or is_alone)))


def _read(data: Any, depth: int, place: Which, *, is_owned: bool, is_within: bool = False) -> Iterator[State]:
    """`place` is the connector of what holds it; `is_owned`: it stands where connectors are listed; `is_within`: in
    those of an EVSE."""
    if depth == _DEEPEST:
        return
    if isinstance(data, list):
        for each in data[:_MOST]:
            yield from _read(each, depth + 1, place, is_owned=is_owned, is_within=is_within)
    elif isinstance(data, dict):
        values = {fold(key): value for key, value in data.items()}
        named = place_of(values, is_owned=is_owned)
        if named is None:
            named = next((number for key in OWNERS if (number := whole(values.get(key))) is not None), None)
        # A connector within an EVSE is counted there, so the EVSE says more.
        place = place if named is None or (is_within and place is not None) else named
        if body := _body(values, place):
            yield State(body, id(data))
        is_evse = is_owned and place is not None and "connectors" in values
        for key, value in data.items():
            yield from _read_member(fold(key), value, depth, place, is_owned=is_owned, is_evse=is_evse or is_within)


def _read_member(key: str, value: Any, depth: int, place: Which, *, is_owned: bool, is_evse: bool) -> Iterator[State]:
    """What stands under a name: "connectors", "connector2", or in a list of connectors "2" alone."""
    number: Which = number_in(key, is_owned=is_owned)
    if number is None and is_owned and len(key) == 1:
        number = key
    if isinstance(value, dict | list):
        place = place if number is None else number
        yield from _read(value, depth + 1, place, is_owned=bool(OWNED.fullmatch(key)), is_within=is_evse)
    elif number is not None and isinstance(value, str) and (body := _body({"status": value}, number)):
        yield State(body, id(value))


def tells_state(key: str, value: Any) -> bool:
    """Whether a field, whose name is folded, says which connector is meant or which state it has."""
    if key in _STATES or key.isdecimal() or (OWNED.fullmatch(key) and isinstance(value, str)):
        return fold(text(value)) in FOLDED_VALUES["status"]
    return key in (*OWNERS, *NUMBERS) and whole(value) is not None


def _body(values: Mapping[str, Any], place: Which) -> dict[str, Any] | None:
    """The StatusNotification that an object is, with the word for its state as it was `said`; None for any other."""
    key = next((name for name in _STATES if isinstance(values.get(name), str)), "")
    named = text(values.get(key))
    is_fault = place is not None and names_fault(named)
    status = FOLDED_VALUES["status"].get(fold(named), "Faulted" if is_fault else None)
    if status is None:
        return None
    is_two = "evseid" in values and key == "connectorstatus"
    body: dict[str, Any] = {"said": named, "connectorStatus" if is_two else "status": status}
    if is_two:
        body |= {"evseId": values["evseid"], "connectorId": values.get("connectorid")}
    elif place is not None:
        body["connectorId"] = place
    if code := FOLDED_VALUES["errorCode"].get(fold(text(values.get("errorcode")))):
        body["errorCode"] = code
    codes = (text(values.get(name)) for name in _VENDOR_CODES if name != "errorcode" or not code)
    said = [text(values.get(name)) for name in _SAID if isinstance(values.get(name), str)]
    said += [named] * (is_fault and tells_more(named))
    body["vendorErrorCode"] = ",".join(found for found in codes if found and not is_fine(found))
    body["info"] = " ".join(found for found in said if found and not is_fine(found))
    return {name: value for name, value in body.items() if value not in ("", None)} | {
        name: values[name] for name in ("timestamp",) if name in values
    }
