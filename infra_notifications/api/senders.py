"""Who sends, for machines: sources, messages, what of them no rule knows, and the stations that nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from pydantic import Field

from core.api import (
    ConfigurationIn,
    Problem,
    audited_by,
    check_limit,
    encode_cursor,
    key_of,
    page_of,
    pk_of_cursor,
    rfc3339,
    serialize,
)
from core.search.hints import check_found
from core.text import identity_key
from infra_notifications.api.base import READ, WRITE, point_named, router
from infra_notifications.choices import SourceTrouble
from infra_notifications.models import ChargePointMessage, Source, UnknownChargePoint, UnmappedReport
from infra_notifications.search import SOURCE_SEARCH, UNKNOWN_SEARCH, UNMAPPED_SEARCH
from infra_notifications.selectors import messages_of
from infra_notifications.services.adoption import (
    UnknownStation,
    adopt_stations,
    heads,
    proposed,
    state_of,
    whole_stations,
)
from infra_notifications.services.source_status import sources

MAX_STATIONS = 1_000


def serialize_source(source: Source) -> dict[str, Any]:
    is_silent = source.trouble == SourceTrouble.SILENT
    return serialize(
        source, "id", "kind", "last_heard_at", "accepted", "duplicates", "rejected", "warnings", "lost"
    ) | {
        "name": str(source),
        "state": "silent" if is_silent else "heard",
        "trouble": source.trouble or None,
        "trouble_since": rfc3339(source.trouble_since) if source.trouble else None,
        "first_heard_at": rfc3339(source.first_heard_at),
        "usual_gap_s": source.usual_gap_s,
        "clock_offset_s": source.clock_offset_s,
        "paused": source.paused,
        "revoked": source.is_revoked,  # type: ignore[attr-defined]
        "last_rejections": source.rejections,
        "last_warnings": source.cautions,
    }


@router.get("/sources", auth=READ, summary="Who sends, how regularly, and what became of it")
def list_sources(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """`state` is `silent` when a source has sent nothing for longer than its usual pace explains."""
    found = sources().filter(SOURCE_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_source, descending=False)


# ---- messages -------------------------------------------------------------------------------------------------------


def serialize_message(message: ChargePointMessage) -> dict[str, Any]:
    return {
        "id": message.pk,
        "of_station": message.charge_point_id is None,
        "protocol": message.protocol,
        "action": message.action,
        "payload": message.payload,
        "verdict": message.verdict,
        "findings": message.findings or [],
        "warnings": message.warnings or [],
        "device_time": rfc3339(message.occurred_at),
        "received_at": rfc3339(message.received_at),
    }


@router.get("/messages", auth=READ, summary="The messages of a charge point and of its station, newest first")
def list_messages(
    request: HttpRequest, charge_point: str, limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    """Each message that was accepted, what was made of it (`verdict`, `findings`) and what was warned of (`warnings`).

    `charge_point` is an EVSE id in any spelling. `of_station` where a message spoke of its whole station.
    """
    check_limit(limit)
    before = pk_of_cursor(cursor) if cursor else None
    rows = messages_of(point_named(charge_point), limit + 1, before)
    following = encode_cursor(rows[limit - 1].pk) if len(rows) > limit else None
    return {"items": [serialize_message(row) for row in rows[:limit]], "next": following}


# ---- what no rule knows ---------------------------------------------------------------------------------------------


def serialize_unmapped(report: UnmappedReport) -> dict[str, Any]:
    return {
        "id": report.pk,
        "said": report.said,
        "protocol": report.protocol,
        "action": report.action,
        "charge_point": report.charge_point.evse_id if report.charge_point else None,
        "station": report.station,
        "seen": report.seen,
        "first_seen": rfc3339(report.first_seen),
        "last_seen": rfc3339(report.last_seen),
        "sample": report.sample,
    }


@router.get("/unmapped", auth=READ, summary="What charge points said and no rule knows, by Magic Search")
def list_unmapped(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    found = UnmappedReport.objects.select_related("charge_point").filter(UNMAPPED_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_unmapped)


# ---- unknown stations -----------------------------------------------------------------------------------------------


def serialize_station(station: UnknownStation) -> dict[str, Any]:
    """A station with what it said; `refusal` is why its route could not register it, `proposed_evse_id` follows that
    route's pattern, or else the installation's."""
    return {
        "station": station.senders[0].station,
        "source": station.newest.source_id,
        **station.facts,
        "messages": station.messages,
        "first_seen": rfc3339(min(sender.first_seen for sender in station.senders)),
        "last_seen": rfc3339(station.last_seen),
        "fault": station.fault or None,
        "refusal": next((sender.refusal for sender in station.senders if sender.refusal), None),
        "charge_points": [
            {
                "evse_id": sender.evse_id or None,
                "connector": sender.connector,
                "status": state_of(sender).status or None,
                "fault": state_of(sender).fault or None,
                "proposed_evse_id": proposed(sender, station.pattern),
            }
            for sender in station.points
        ],
    }


@router.get("/unknown", auth=READ, summary="What sends and is not registered, grouped by station")
def list_unknown(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """`charge_points` are those that adoption would make, with the EVSE ids that are proposed for them."""
    found = page_of(heads().filter(UNKNOWN_SEARCH.condition(q)), limit=limit, cursor=cursor, shape=_itself)
    return {"items": [serialize_station(station) for station in whole_stations(found["items"])], "next": found["next"]}


def _itself(sender: UnknownChargePoint) -> Any:
    return sender


class AdoptIn(ConfigurationIn):
    """Stations by name (or EVSE ids of those that name one alone), all that a Magic Search finds, or `all`.

    `pattern` proposes EVSE ids, e.g. `DE*ABC*E{station}*{connector}`; without it each station has that of its route, or
    the installation's. `evse_ids` names them one by one, by `station/connector` (1 where a station named no connector).
    """

    stations: list[str] | None = Field(default=None, max_length=MAX_STATIONS)
    q: str | None = None
    all: bool = False
    pattern: str = ""
    evse_ids: dict[str, str] = Field(default_factory=dict)


def _chosen(stations: Iterable[UnknownStation], evse_ids: Mapping[str, str]) -> dict[int, str]:
    """The EVSE ids that a request names, by sender. Raises Problem for the first key that is no sender's."""
    senders = {
        identity_key(f"{sender.station}/{sender.connector or 1}"): sender.pk
        for station in stations
        for sender in station.points
    }
    chosen: dict[int, str] = {}
    for key, evse_id in evse_ids.items():
        station, slash, connector = key.rpartition("/")
        pk = senders.get(identity_key(f"{station.strip()}{slash}{connector.strip()}"))
        if pk is None:
            raise Problem(422, f"`evse_ids` names {key[:100]!r}, which is no connector of these unknown stations.")
        if pk in chosen:
            raise Problem(422, f"`evse_ids` names {key[:100]!r} twice.")
        chosen[pk] = evse_id
    return chosen


@router.post("/unknown", auth=WRITE, summary="Adopt unknown stations")
def adopt_unknown_stations(request: HttpRequest, body: AdoptIn) -> dict[str, Any]:
    """Makes charge points of them and applies what they said. An EVSE id of a charge point without a station gives it
    theirs. `refused` names what was not adopted, and why."""
    if body.q is not None and not body.q.strip():
        raise Problem(422, 'A blank `q` finds everything; say `"all": true` if that is meant.')
    if [body.stations is not None, body.q is not None, body.all].count(True) != 1:
        raise Problem(422, 'Give one of `stations`, `q` (a Magic Search) and `"all": true`.')
    matching: Iterable[UnknownChargePoint] = heads().filter(UNKNOWN_SEARCH.condition(body.q or ""))
    if body.stations is not None:
        names = {identity_key(name) for name in body.stations}
        matching = [head for head in matching if identity_key(head.station or head.evse_id) in names]
    found = list(islice(matching, MAX_STATIONS + 1))
    if len(found) > MAX_STATIONS:
        raise Problem(422, f"The search finds more than {MAX_STATIONS} stations; narrow it.")
    check_found(found, body.q or "")
    stations = whole_stations(found)
    chosen = _chosen(stations, body.evse_ids)
    with audited_by(key_of(request)):
        done = adopt_stations(stations=stations, pattern=body.pattern, evse_ids=chosen, now=timezone.now())
    refused = [{"station": name, "error": sentence} for name, sentence in done.refused.items()]
    known = {identity_key(station.name) for station in stations}
    refused += [
        {"station": name, "error": "There is no unknown station of this name."}
        for name in body.stations or ()
        if identity_key(name) not in known
    ]
    return {"adopted": len(done.evse_ids), "charge_points": done.evse_ids, "refused": refused}
