"""What an object that a party sends makes of what is stored of its location (OCPI, mod_locations, PUT and PATCH).

`last_updated` orders, of each location and EVSE by itself: what is older than what is known changes nothing. A time in
the future is a wrong clock and counts as now, or nothing after it would be news until then. A connector's and an EVSE's
`last_updated` are their parents' too. A PATCH without one is of its receipt, and leaves the order as it is: whatever is
told with one that is no older than what was known before it says more.

PUT replaces an object; the EVSEs of a location only where it lists some, because EVSEs are never deleted but REMOVED.
PATCH changes the fields that it names; connectors and EVSEs in it are told apart by their ids, and null takes a field
away. One EVSE that cannot be taken does not spoil its location.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.device_clock import parse_time
from core.text import identity_key, one_line
from infra_notifications.rules.ocpi.statuses import MEANINGS, REMOVED, read_status
from infra_notifications.rules.vocabulary import text

MAX_ID = 100
UNKNOWN_LOCATION = 2003
INVALID = 2001
NO_MOMENT = "It has no `last_updated`, which OCPI requires; it counts as of its receipt."
# What the specification requires and nothing here depends on.
_LOCATION_FIELDS = ("address", "city", "country", "coordinates")
_CONNECTOR_FIELDS = ("id", "standard", "power_type", "max_voltage", "max_amperage")


class BadObject(ValueError):
    """An object that cannot be taken: OCPI's status code and a sentence for whoever sent it."""

    def __init__(self, sentence: str, code: int = INVALID) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Push:
    """An object as it was sent: a location, an EVSE of it, or a connector of that. `is_patch`: it is a part of one."""

    country: str
    party: str
    location: str
    evse: str = ""
    connector: str = ""
    body: Any = field(kw_only=True)
    is_patch: bool = field(default=False, kw_only=True)

    @property
    def key(self) -> str:
        return location_key(self.country, self.party, self.location)

    @property
    def what(self) -> str:
        return "Connector" if self.connector else "EVSE" if self.evse else "Location"


@dataclass(slots=True)
class EvseState:
    """An EVSE as it is stored: `order` is its `last_updated`, never in the future."""

    uid: str
    document: dict[str, Any]
    order: datetime
    # Whether this push changed it, and whether it said how the EVSE is.
    is_changed: bool = False
    says_status: bool = False
    is_new: bool = False


@dataclass(slots=True)
class LocationState:
    """A location as it is stored, without its EVSEs, which stand beside it by the key of their uid."""

    location: str
    document: dict[str, Any]
    order: datetime
    evses: dict[str, EvseState] = field(default_factory=dict)
    is_changed: bool = False
    is_new: bool = False


@dataclass
class Merged:
    """What became of a push. `is_stale`: it was older than what is known; `accepted` counts what was not."""

    state: LocationState
    is_created: bool = False
    is_stale: bool = False
    accepted: int = 0
    rejected: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def location_key(country: str, party: str, location: str) -> str:
    """By what a location is the same: OCPI's ids ignore case."""
    return "/".join(identity_key(part) for part in (country, party, location))


def order_of(value: Any, now: datetime) -> datetime:
    """The moment of a `last_updated`. Raises BadObject for what is none."""
    moment = parse_time(value)
    if moment is None:
        raise BadObject("`last_updated` is missing." if value is None else "`last_updated` is no RFC 3339 time.")
    return min(moment, now)


def merge(push: Push, stored: LocationState | None, now: datetime) -> Merged:
    """Applies a push to what is stored, which it changes. Raises BadObject for one that cannot be taken."""
    body = push.body
    if not isinstance(body, dict):
        raise BadObject(f"The body is no {push.what} object.")
    for name, value in (("location id", push.location), ("EVSE uid", push.evse), ("connector id", push.connector)):
        if len(value) > MAX_ID:
            raise BadObject(f"The {name} is longer than {MAX_ID} characters.")
    by_receipt = push.is_patch and body.get("last_updated") is None
    if by_receipt:
        order, body = _known_order(push, stored, now), _received(push, now)
    else:
        order = order_of(body.get("last_updated"), now)
    if not push.evse:
        return _merge_location(push, body, stored, order, now, by_receipt=by_receipt)
    if stored is None:
        raise BadObject(f"Unknown location {push.location}; PUT it first.", UNKNOWN_LOCATION)
    merged = Merged(stored, warnings=[NO_MOMENT] * by_receipt)
    if push.connector:
        _merge_connector(push, body, merged, order)
    else:
        _check_same(body, "uid", push.evse)
        merged.is_stale = not _merge_evse(push.evse, body, merged, order, is_patch=push.is_patch)
    if not (merged.is_stale or by_receipt):
        _move(stored, body, order)
    return merged


def _known_order(push: Push, stored: LocationState | None, now: datetime) -> datetime:
    if stored is None:
        return now
    known = stored.evses.get(identity_key(push.evse))
    return known.order if known is not None else stored.order


def _received(push: Push, now: datetime) -> dict[str, Any]:
    """What it says, of the moment of its receipt; a connector tells nothing that happens."""
    said = {name: value for name, value in push.body.items() if name != "last_updated"}
    return (
        said if push.connector else said | {"last_updated": f"{now.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"}
    )


def _check_same(body: Mapping[str, Any], name: str, expected: str) -> None:
    """What the address says and the object says too must be the same; a PATCH need not say it."""
    said = text(body.get(name))
    if name in body and identity_key(said) != identity_key(expected):
        raise BadObject(f"`{name}` is {one_line(said)[:40]!r}, but the address says {expected!r}.")


def _move(state: LocationState, body: Mapping[str, Any], order: datetime) -> None:
    """A change of a part is a change of the location."""
    if order > state.order:
        state.order, state.is_changed = order, True
        state.document["last_updated"] = body["last_updated"]


# ---- locations ------------------------------------------------------------------------------------------------------


def _merge_location(
    push: Push, body: dict[str, Any], stored: LocationState | None, order: datetime, now: datetime, *, by_receipt: bool
) -> Merged:
    for name, expected in (("id", push.location), ("country_code", push.country), ("party_id", push.party)):
        _check_same(body, name, expected)
    if stored is None and push.is_patch:
        raise BadObject(f"Unknown location {push.location}; PUT it first.", UNKNOWN_LOCATION)
    evses = body.get("evses")
    if evses is not None and not isinstance(evses, list):
        raise BadObject("`evses` is no list.")
    own = {name: value for name, value in body.items() if name != "evses"}
    if stored is None:
        state = LocationState(push.location, own, order, is_changed=True, is_new=True)
        merged = Merged(state, is_created=True)
    else:
        merged = Merged(stored, is_stale=order < stored.order)
        document = _patched(stored.document, own) if push.is_patch else own
        if not merged.is_stale and document != stored.document:
            stored.document, stored.order, stored.is_changed = document, order, True
        merged.warnings += [NO_MOMENT] * by_receipt
    if not push.is_patch:
        _warn_of_missing(own, _LOCATION_FIELDS, "The location", merged)
    _merge_evses(push, body, evses, merged, now, by_receipt=by_receipt)
    if evses and merged.rejected and not merged.accepted:
        raise BadObject(" ".join(merged.rejected))
    merged.accepted += not merged.is_stale
    return merged


def _merge_evses(
    push: Push, body: Mapping[str, Any], evses: list[Any] | None, merged: Merged, now: datetime, *, by_receipt: bool
) -> None:
    """The EVSEs that a location lists, each by itself; what a PATCH says of one is of the moment of the whole."""
    listed = set[str]()
    for evse in evses or ():
        uid = text(evse.get("uid")) if isinstance(evse, dict) else ""
        if uid and identity_key(uid) in listed:
            merged.warnings.append(f"EVSE {one_line(uid)[:40]} stands twice in its location; the last one counts.")
        listed.add(identity_key(uid))
        try:
            if not uid or len(uid) > MAX_ID:
                raise BadObject("it has no usable `uid`.")
            order = order_of(evse.get("last_updated", body["last_updated"]), now)
            known = merged.state.evses.get(identity_key(uid))
            if by_receipt and known is not None and "last_updated" not in evse:
                order = known.order
            one = {"last_updated": body["last_updated"], **evse} if push.is_patch else evse
            _merge_evse(uid, one, merged, order, is_patch=push.is_patch)
        except BadObject as error:
            merged.rejected.append(f"EVSE {one_line(uid)[:40] or '?'} was not taken: {error}")
    if evses is not None and not push.is_patch and not merged.is_stale:
        for key in merged.state.evses.keys() - listed:
            remove(merged.state.evses[key])


def _patched(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = document | dict(changes)
    return {name: value for name, value in changed.items() if value is not None}


def _warn_of_missing(document: Mapping[str, Any], names: tuple[str, ...], what: str, merged: Merged) -> None:
    missing = [f"`{name}`" for name in names if document.get(name) in (None, "")]
    if missing:
        merged.warnings.append(f"{what} lacks {', '.join(missing)}, which OCPI requires.")


# ---- EVSEs and connectors -------------------------------------------------------------------------------------------


def remove(evse: EvseState) -> bool:
    """An EVSE that its sender lists no more is one that it removed; says whether that is news."""
    if evse.document.get("status") == REMOVED:
        return False
    evse.document = evse.document | {"status": REMOVED}
    evse.is_changed = evse.says_status = True
    return True


def _merge_evse(uid: str, body: dict[str, Any], merged: Merged, order: datetime, *, is_patch: bool) -> bool:
    """Applies what is said of one EVSE; False where it is older than what is known."""
    known = merged.state.evses.get(identity_key(uid))
    if known is None and is_patch:
        raise BadObject(f"Unknown EVSE {uid}; PUT it first.", UNKNOWN_LOCATION)
    if known is not None and order < known.order:
        return False
    body = _with_connectors(uid, body, merged, is_patch=is_patch)
    document = _patched_evse(known.document, body) if known is not None and is_patch else dict(body)
    _keep_evse_id(uid, document, body, known, merged)
    _check_evse(document)
    says_status = "status" in body
    if says_status:
        document["status"] = _status_of(body, merged)
    merged.accepted += 1
    if known is None:
        merged.state.evses[identity_key(uid)] = EvseState(uid, document, order, True, True, True)
        merged.is_created = True
    elif document != known.document:
        known.document, known.order, known.is_changed = document, order, True
        known.says_status = known.says_status or says_status
    if not is_patch:
        _warn_of_connectors(uid, document, merged)
    return True


def _keep_evse_id(
    uid: str, document: dict[str, Any], body: Mapping[str, Any], known: EvseState | None, merged: Merged
) -> None:
    """OCPI lets a push leave the EVSE id out; who has one is another charge point only where another one is named."""
    before = text(known.document.get("evse_id")) if known is not None else ""
    if not before or text(document.get("evse_id")):
        return
    document["evse_id"] = before
    if "evse_id" in body:
        merged.warnings.append(f"EVSE {one_line(uid)[:40]} keeps its `evse_id` {before} until another one is named.")


def _with_connectors(uid: str, body: dict[str, Any], merged: Merged, *, is_patch: bool) -> dict[str, Any]:
    """An EVSE with what can be read of its connectors: its status counts whatever else is wrong."""
    said = body.get("connectors")
    if said is None and is_patch:
        return body
    items = said if isinstance(said, list) else [] if said is None else [said]
    connectors = [one for one in items if isinstance(one, dict)]
    if connectors == said:
        return body
    if said is not None and not connectors and "status" not in body:
        raise BadObject("`connectors` is no list of objects.")
    if items:
        sentence = f"`connectors` of EVSE {one_line(uid)[:40]} is no list of objects; what is an object was taken."
        merged.warnings.append(sentence)
    rest = {name: value for name, value in body.items() if name != "connectors"}
    return rest | ({"connectors": connectors} if connectors else {})


def _check_evse(document: Mapping[str, Any]) -> None:
    if not text(document.get("status")):
        raise BadObject("`status` is missing.")


def _status_of(body: Mapping[str, Any], merged: Merged) -> str:
    said, status = text(body["status"]), read_status(body["status"])
    if status not in MEANINGS:
        merged.warnings.append(
            f"The status {one_line(said)[:40]!r} is none of OCPI; it is shown and brings nothing about."
        )
    elif status != said:
        merged.warnings.append(f"The status {one_line(said)[:40]!r} was read as {status}.")
    return status


def _patched_evse(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = _patched(document, changes)
    connectors = changes.get("connectors")
    if isinstance(connectors, list):
        changed["connectors"] = [*_joined(document.get("connectors") or [], connectors)]
    return changed


def _joined(known: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Connectors by their ids."""
    by_id = {identity_key(text(one.get("id"))): one for one in known}
    for change in changes:
        key = identity_key(text(change.get("id")))
        by_id[key] = _patched(by_id.get(key, {}), change)
    return list(by_id.values())


def _warn_of_connectors(uid: str, document: Mapping[str, Any], merged: Merged) -> None:
    connectors = document.get("connectors") or ()
    if not connectors:
        merged.warnings.append(f"EVSE {uid} has no `connectors`, which OCPI requires.")
    for connector in connectors:
        _warn_of_missing(connector, _CONNECTOR_FIELDS, f"A connector of EVSE {uid}", merged)


def _merge_connector(push: Push, body: dict[str, Any], merged: Merged, order: datetime) -> None:
    known = merged.state.evses.get(identity_key(push.evse))
    if known is None:
        raise BadObject(f"Unknown EVSE {push.evse}; PUT it first.", UNKNOWN_LOCATION)
    _check_same(body, "id", push.connector)
    connectors = {identity_key(text(one.get("id"))): one for one in known.document.get("connectors", [])}
    key = identity_key(push.connector)
    if key not in connectors and push.is_patch:
        raise BadObject(f"Unknown connector {push.connector}; PUT it first.", UNKNOWN_LOCATION)
    before = parse_time(connectors.get(key, {}).get("last_updated"))
    if before is not None and order < before and "last_updated" in body:
        merged.is_stale = True
        return
    merged.is_created = key not in connectors
    document = _patched(connectors.get(key, {}), body) if push.is_patch else {"id": push.connector, **body}
    connectors[key] = document
    merged.accepted += 1
    if not push.is_patch:
        _warn_of_missing(document, _CONNECTOR_FIELDS, "The connector", merged)
    known.document = known.document | {"connectors": list(connectors.values())}
    known.is_changed = True
    if order > known.order:
        known.order = order
        known.document["last_updated"] = body["last_updated"]
