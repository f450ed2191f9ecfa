"""How a fault is called that a message tells of, so that the end of one does not end another. Pure.

A name is its place, behind `@` the number of its EVSE where that has to be said, and behind `#` the connector, the
codes and the monitor that tell it from others at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.placeholders import only_names_cause
from infra_notifications.rules.places import Place
from infra_notifications.rules.vocabulary import STANDARD_CODES

MAX_PLACE, MAX_CODE, MOST_CODES = 140, 50, 4
# What a status holds open, and a status of the station as a whole.
STATUS, WHOLE_STATION = "status", "status@0"
# Behind the name of a fault that was reported beside a status that lets one charge; and behind that of a clear that
# ends what was reported beside Faulted alone.
BESIDE, NOT_BESIDE = "#beside", "!"
# Behind the name of a fault that ended a transaction; and behind that of the clear of a status by which every such end
# is followed, be the connector well again or not.
STOPPED, FOLLOWS = "#stopped", "#follows"
FOLLOWING = frozenset(("occupied", "finishing", "suspendedevse"))
# Ends the name of a fault of which the cause is not known: "Faulted" without a word.
VAGUE = "?"
# Before each code by which a status or a vendor's message tells its fault; in a clear, without one: what has none, too.
CODE = "#code="
# Ends the name of what only says that another fault stops the charging.
CAUSED = f"{CODE}caused{VAGUE}"
_CONNECTOR, _MONITOR = "connector=", "monitor="
# What is called without the number of an EVSE.
_PLACE = re.compile(r"(?:status|transfer:[^#@?]*)(?![^#?])")


def status_fault(
    where: Place, *, of_evse: bool = False, vague: bool = False, beside: bool = False, caused: bool = False
) -> str:
    """What a reported status holds open; that of the whole station (0) is not ended by one of its connectors, that of a
    connector of an EVSE (2.x) not by its neighbour or by the EVSE as a whole (`of_evse`), and that of the EVSE not by
    its connectors. What has a name and no number is ended by that, or by the whole station."""
    evse, connector, names = where
    behind = VAGUE * vague + BESIDE * beside + CAUSED * caused
    if evse == 0:
        own = "".join(f"#{_CONNECTOR}{name}" for name in names) + f"#{connector}" * bool(names and connector)
        return WHOLE_STATION + own + behind
    own = f"#{connector}" if connector else f"#={names[0]}" if names else "#evse" * of_evse
    return STATUS + own + behind


def at_connector(fault: str, number: int) -> str:
    """The same at a charge point that does not tell which connector or EVSE it is: several may stand behind it."""
    place = _PLACE.match(fault)
    return f"{place[0]}@{number}{fault[place.end() :]}" if place else fault


def event_fault(place: str, where: Place, codes: tuple[str, ...] = (), monitor: int | None = None) -> str:
    """What a component and its variable (2.x) hold open; several monitors of one variable do, each by itself."""
    evse, connector, names = where
    connectors = [f"{_CONNECTOR}{name}" for name in (*names, *[connector] * bool(connector))]
    parts = connectors + [code[:MAX_CODE] for code in codes[:MOST_CODES]]
    parts += [f"{_MONITOR}{monitor}"] * (monitor is not None)
    return "#".join((f"{place[:MAX_PLACE]}@{evse or 0}", *parts)) + CAUSED * only_names_cause(*codes)


def transfer_fault(vendor: str, topic: str, name: str, places: tuple[str, ...] = ()) -> str:
    """What a vendor's own message holds open: no other vendor ends it, nor does what has another name or place."""
    maker, named = ("".join(filter(str.isalnum, said.lower()))[:MAX_CODE] for said in (vendor, name))
    where = "".join(f"#{_CONNECTOR}{place}" for place in places)
    return f"transfer:{maker}:{topic[:MAX_CODE]}" + f"#{named}" * bool(named) + where


def told_by_codes(fault: str, codes: Iterable[str]) -> str:
    """The name of a fault, or of its end, of these codes: a status tells of one after another at the same place."""
    if fault.endswith(VAGUE) or not fault.startswith(("status", "transfer:")):
        return fault
    return fault + "".join(CODE + fold(code)[:MAX_CODE] for code in codes)


def ending_what_faulted(fault: str) -> str:
    """The name of a clear that ends what was reported beside Faulted at the place of this fault, and nothing else."""
    return fault.removesuffix(CAUSED).rstrip(VAGUE).removesuffix(BESIDE) + NOT_BESIDE


def end_beside(fault: str, status: str) -> str:
    """The name of the clear that a status makes of the fault of this name."""
    if status.lower() not in FOLLOWING:
        return fault
    end = fault.rstrip(NOT_BESIDE + VAGUE)
    return end + FOLLOWS + fault[len(end) :]


def is_of_station(fault: str) -> bool:
    """Whether the station said it of itself as a whole."""
    place = fault.rstrip(VAGUE).partition("#")[0]
    return place.endswith("@0") or place.startswith("security/")


def is_never_ended(fault: str) -> bool:
    """Whether it was told by what seldom says its end: that of a transaction, a security event, a vendor's message."""
    return fault.startswith(("status", "security/", "transfer:"))


def covers(clear: str, fault: str) -> bool:
    """Whether the end of one fault is that of another: one without techCode or monitor (2.x) means all of its place,
    one with it also the one without; one of a part of several connectors means all of them, and not the other way
    round. Stations do not always write their own names alike. The end of codes is that of no other code."""
    if FOLLOWS in clear and STOPPED in fault:
        return False
    place, connectors, monitors, codes, ended = _parts(clear.replace(FOLLOWS, ""))
    other, its_connectors, its_monitors, its_codes, told = _parts(fault.replace(STOPPED, ""))
    return (
        _is_same_place(place, other)
        and (not ended or _are_over(ended, told))
        and connectors <= its_connectors
        and (monitors <= its_monitors or not its_monitors)
        and (codes <= its_codes or codes >= its_codes)
    )


def _are_over(ended: set[str], told: set[str]) -> bool:
    if "" in ended:
        return not told or bool(told & ended)
    return bool(told) and (told - STANDARD_CODES or told) <= ended


def is_told_again(fault: str, other: str) -> bool:
    """Whether a fault is told by nothing but what another is told by."""
    bare, *codes = fault.split(CODE)
    its_bare, *its_codes = other.split(CODE)
    return covers(bare, its_bare) and covers(its_bare, bare) and {*codes} <= {*its_codes}


def is_known_as(fault: str, other: str) -> bool:
    """The same of two that were told beside a status of the same kind, so that they end alike."""
    return (BESIDE in fault) == (BESIDE in other) and is_told_again(fault, other)


def is_same(clear: str, fault: str) -> bool:
    """Whether two names are of one place, where a number is unsaid in one of them, and say the same of it; a clear of
    the station as a whole is of what has but a name, too."""
    if FOLLOWS in clear and STOPPED in fault:
        return False
    place, connectors, *parts, _ended = _parts(clear.replace(FOLLOWS, ""))
    other_place, its_connectors, *others, _told = _parts(fault.replace(STOPPED, ""))
    return parts == others and connectors <= its_connectors and _is_same_place(place, other_place)


def _parts(fault: str) -> tuple[str, set[str], set[str], set[str], set[str]]:
    """The place of a name, its connector and monitor, what else it says, and the codes of a status."""
    place, *parts = fault.rstrip(VAGUE).lower().split("#")
    told = {part[len(CODE) - 1 :] for part in parts if part.startswith(CODE[1:])}
    parts = [part for part in parts if not part.startswith(CODE[1:])]
    connectors = {part for part in parts if part.startswith(_CONNECTOR)}
    monitors = {part for part in parts if part.startswith(_MONITOR)}
    return place, connectors, monitors, {*parts} - connectors - monitors, told


def _is_same_place(place: str, other: str) -> bool:
    """Whether two places are one; without a number it is any of those of its name but for the station as a whole."""
    short, long = sorted((place, other), key=len)
    return place == other or ("@" not in short and long.startswith(f"{short}@") and not long.endswith("@0"))
