"""What all bike-share endpoints share: bodies, errors as problems, pages, and the objects of the answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from bikeshare import selectors
from bikeshare.ingest.places import place_in
from bikeshare.ingest.resources import PassBody
from bikeshare.models import Cyclist, Dock, Pass, Program, Resource, Station, TerminationRequest, Trip, Zone
from bikeshare.services.payloads import facts_of
from core.api import Problem, ScopedKey, check_limit, decode_cursor, encode_cursor, foreign_cursor, limited_body
from core.corrections import Corrections, folded
from core.field_types import Envelope
from core.people import shown, shows_people
from core.pieces import why_malformed
from core.schema_words import readable

READ, WRITE = ScopedKey("bikeshare:read"), ScopedKey("bikeshare:write")
Body = TypeVar("Body", bound=msgspec.Struct)


def read_body(request: HttpRequest, decoder: msgspec.json.Decoder[Body], *, default: Body | None = None) -> Body:
    """The body as its type; an empty one is the default where there is one."""
    return read_and_said(request, decoder, default=default)[0]


def read_and_said(
    request: HttpRequest, decoder: msgspec.json.Decoder[Body], *, default: Body | None = None
) -> tuple[Body, list[str]]:
    """The body as its type, and what is said of what stands in it otherwise."""
    body = limited_body(request)
    if not body.strip() and default is not None:
        return default, []
    try:
        found = _decoded(body, decoder)
        refuse_misspelt(body, decoder.type)
        raw = msgspec.json.decode(body)
        return found, corrections_of(decoder.type).correct(raw)[1] if isinstance(raw, dict) else []
    except msgspec.ValidationError as error:
        raise wrong_field(readable(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not valid JSON: {why_malformed(error)}.") from error


def refuse_misspelt(body: bytes, kind: type[msgspec.Struct]) -> None:
    """A field that is nearly one of ours is a slip, and what it says would be lost, as is what another operation sets;
    others may be the sender's own."""
    raw = msgspec.json.decode(body)
    if not isinstance(raw, dict):
        return
    if sentence := corrections_of(kind).misspelt(raw):
        raise wrong_field(sentence)
    for name in (name for name, value in raw.items() if value is not None):
        if operation := _ELSEWHERE.get((kind, folded(name))):
            raise wrong_field(f"{name[:40]}: Nobody reads a field of this name; it is set by {operation}.")


_ELSEWHERE: dict[tuple[type[msgspec.Struct], str], str] = {
    (PassBody, name): "POST /bikeshare/passes/{id}/associate"
    for name in ("cyclist", "cyclistid", "user", "userid", "owner", "rider")
}


def with_warnings(found: dict[str, Any], said: list[str]) -> dict[str, Any]:
    """An answer with what was read otherwise or not at all, where anything was."""
    return found | {"warnings": said} if said else found


def wrong_field(sentence: str) -> Problem:
    """A refusal that begins with the place of what is wrong, e.g. "position.latitude: …", with a pointer to that."""
    named = _FIELD.match(sentence)
    path = named[1].replace("[", ".").replace("]", "").replace(".", "/") if named else ""
    return Problem(422, sentence, [{"pointer": f"/{path}", "detail": sentence}])


# "position.latitude: …", "`position.latitude` is missing."
_FIELD = re.compile(r"`?([^`:]+?)(?:`|:)")


def _decoded(body: bytes, decoder: msgspec.json.Decoder[Body]) -> Body:
    """What has one meaning in another type, as a number in the place of a text, is taken as that."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raw = msgspec.json.decode(body)  # a wrong field is found before what is malformed behind it
        if not isinstance(raw, dict):
            raise
        corrected, _notes = corrections_of(decoder.type).correct(raw)
        return decoder.decode(msgspec.json.encode(corrected))


@cache
def corrections_of(kind: type[msgspec.Struct]) -> Corrections:
    """Fields that nobody reads are named in the answer, with the one that they may mean."""
    fields = {field.encode_name for field in msgspec.structs.fields(kind)}
    meant = {other: name for name, others in _MEANT.items() if name in fields for other in others.split()}
    complete = _placed if "position" in fields else None
    return Corrections(kind, envelope=Envelope(hints=meant, warns=True, complete=complete))


def _placed(item: dict[str, Any]) -> list[str]:
    """A `position` in whichever spelling."""
    held = item.get("position")
    place = {name: number for name, number in place_in(held).items() if name in ("latitude", "longitude")}
    if len(place) < 2 or (isinstance(held, dict) and place.items() <= held.items()):
        return []
    item["position"] = place
    return ["`position` was read as latitude and longitude."]


# What others call our fields, folded; they are too near to be passed over, and too far to be taken for them.
_MEANT = {
    "name": "firstname lastname fullname displayname title label nom",
    "email": "mail emailaddress",
    "phone_number": "phone mobile telephone tel msisdn",
    "cyclist": "user userid rider riderid customer cyclistid",
    "vehicule": "vehicle vehicleid bike bikeid vehiculeid",
    "boitier": "lock lockid box device boitierid",
    "station": "stationid",
    "program": "programid system systemid",
    "uid": "card cardid cardnumber serial nfc tag",
    "position": "location lat latitude lon lng longitude coordinates geo",
    "number": "serial serialnumber code plate",
    "type": "kind category vehicletype",
    "status": "state",
    "disabled": "enabled active blocked",
    "geometry": "area polygon",
    "capacity": "docks size",
}


def answer(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")


def page_of_ids(
    rows: QuerySet[Any], *, limit: int, cursor: str | None, convert: Callable[[list[Any]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """One page in the order in which the rows were made: `{"items": […], "next": cursor | null}`."""
    check_limit(limit)
    if cursor:
        last = decode_cursor(cursor)
        if not isinstance(last, str):
            raise foreign_cursor()
        rows = rows.filter(pk__gt=last)
    page = list(dict.fromkeys(rows.order_by("pk")[: limit + 1]))
    more = len(page) > limit
    return {"items": convert(page[:limit]), "next": encode_cursor(page[limit - 1].pk) if more else None}


# ---- serializing ----------------------------------------------------------------------------------------------------


def serialize(row: Resource) -> dict[str, Any]:
    """A resource for those who may read it: what events tell, and what they leave out."""
    facts: dict[str, Any] = msgspec.to_builtins(facts_of(row))
    personal = {each.field for each in row.lifecycle.personal}  # type: ignore[attr-defined]
    return {name: shown(value) if name in personal else value for name, value in facts.items()} | _more(row)


def serialize_all(rows: list[Any]) -> list[dict[str, Any]]:
    if rows and isinstance(rows[0], Station):
        selectors.attach_docks(rows)
    return [serialize(row) for row in rows]


def _more(row: Resource) -> dict[str, Any]:
    match row:
        case Cyclist():
            return {name: shown(getattr(row, name)) for name in Cyclist.PERSONAL}
        case Pass():
            return {"uid": row.uid} if shows_people() else {}
        case Dock():
            return {"end_code": row.end_code}
        case Zone():
            return {"geometry": row.geometry}
        case Station():
            if not hasattr(row, "dock_counts"):
                selectors.attach_docks([row])
            docks = row.dock_counts  # type: ignore[attr-defined]
            counts = {"total": docks["total"], "total_free": docks["free"], "total_vehicules": docks["vehicules"]}
            return {"area": row.area, "docks": counts, "vehicules": {"total": row.vehicule_count}}  # type: ignore[attr-defined]
    return {}


def serialize_trip(row: Trip) -> dict[str, Any]:
    """A trip with its termination requests, oldest first."""
    requests = TerminationRequest.objects.filter(trip=row).order_by("pk")
    return serialize(row) | {"termination_requests": [msgspec.to_builtins(facts_of(request)) for request in requests]}


_PROGRAM_FIELDS = (
    "id",
    "name",
    "city",
    "status",
    "timezone",
    "language",
    "operator",
    "url",
    "contact_email",
    "opening_hours",
    "publish_gbfs",
    "max_renting",
    "min_rent_battery",
    "min_depth_m",
    "accuracy_factor",
    "confirm_fixes",
    "exit_margin_m",
    "global_rules",
    "connection_lost_min",
    "unseen_days",
    "unridden_days",
    "moved_m",
    "watch_unlocking",
    "watch_stations",
)


def serialize_program(row: Program) -> dict[str, Any]:
    return {"object": "program"} | {name: getattr(row, name) for name in _PROGRAM_FIELDS}
