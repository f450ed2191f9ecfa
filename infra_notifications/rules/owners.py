"""Which connector or EVSE an object of a vendor's own message (DataTransfer) is, or is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra_notifications.rules.transfer_words import PLACES
from infra_notifications.rules.vocabulary import numbered, place_names, text, whole

_OF_STATION = ("charger", "chargepoint", "chargingpoint", "chargingstation", "station")
_OF_PLACES = ("connector", "evse", "outlet", "gun", "port", "plug", "socket")
OWNERS = (*_OF_PLACES, *_OF_STATION)
# An object under the name of an owner, or in a list of it, may be called by its number alone.
NUMBERS = ("id", "number", "no", "num", "index")
_END = r")(?:list|states?|status|statuses|es|s)?(\d*)"
OWNED, PLACED = (re.compile(f"(?:{'|'.join(names)}{_END}") for names in (OWNERS, _OF_PLACES))
# A number, or the name of what has none: "A".
Which = int | str | None


def place_of(values: Mapping[str, Any], *, is_owned: bool = False) -> Which:
    """The connector or EVSE that an object names, by its own number or name where it `is_owned`; keys are folded."""
    keys = (*PLACES, *(NUMBERS if is_owned else ()))
    if (number := next((number for key in keys if (number := whole(values.get(key))) is not None), None)) is not None:
        return number
    keys = ("evseid", "connectorid", *(NUMBERS[:1] if is_owned else ()))
    named = (value for key in keys if place_names(value := values.get(key)))
    return next((numbered(value) or text(value) for value in named), None)


def number_in(key: str, *, is_owned: bool) -> int | None:
    """The number of what stands under a folded name: "connector2", or in what holds connectors "2" alone."""
    owner = OWNED.fullmatch(key)
    return whole(key if is_owned or key.isdecimal() else owner[1] if owner else None)
