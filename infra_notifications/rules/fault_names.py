"""How a fault is called that a message tells of, so that the end of one does not end another. Pure.

A name is its place, and behind `#` the connector and the code that tell it from others at the same place.
"""

from __future__ import annotations

MAX_PLACE, MAX_CODE = 140, 50
# The name of what a status of the station as a whole holds open.
WHOLE_STATION = "status@0"
# Behind the name of a fault that was reported beside a status that lets one charge; and behind that of a clear that
# ends what was reported beside Faulted alone.
BESIDE, NOT_BESIDE = "#beside", "!"
# Ends the name of a fault of which the cause is not known: "Faulted" without a word.
VAGUE = "?"


def status_fault(evse: int | None, connector: int | None = None, *, vague: bool = False) -> str:
    """What a reported status holds open; that of the whole station (0) is not ended by one of its connectors, and
    that of a connector of an EVSE not by its neighbour."""
    place = WHOLE_STATION if evse == 0 else f"status#{connector}" if connector else "status"
    return place + VAGUE * vague


def event_fault(place: str, evse: int | None, connector: int | None, codes: tuple[str, ...]) -> str:
    """What a component and its variable (2.x) hold open."""
    parts = [f"c{connector}"] * bool(connector) + [code[:MAX_CODE] for code in codes[:1]]
    return "#".join((f"{place[:MAX_PLACE]}@{evse or 0}", *parts))


def transfer_fault(vendor: str, topic: str, name: str) -> str:
    """What a vendor's own message holds open: no other vendor ends it, nor does what has another name."""
    maker, named = ("".join(filter(str.isalnum, said.lower()))[:MAX_CODE] for said in (vendor, name))
    return f"transfer:{maker}:{topic[:MAX_CODE]}" + f"#{named}" * bool(named)


def is_of_station(fault: str) -> bool:
    """Whether the station said it of itself as a whole."""
    place = fault.rstrip(VAGUE).partition("#")[0]
    return place.endswith("@0") or place.startswith("security/")


def is_never_ended(fault: str) -> bool:
    """Whether it was told by what seldom says its end: that of a transaction, a security event, a vendor's message."""
    return fault.startswith(("status", "security/", "transfer:"))


def covers(fault: str, other: str) -> bool:
    """Whether two names mean the same fault: one without techCode (2.x) or connector means all of its place, one with
    it also the one without. Stations do not always write their own names alike."""
    place, *parts = fault.rstrip(VAGUE).lower().split("#")
    other_place, *others = other.rstrip(VAGUE).lower().split("#")
    return place == other_place and (set(parts) <= set(others) or set(parts) >= set(others))
