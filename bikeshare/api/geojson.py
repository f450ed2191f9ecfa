"""Zones as GeoJSON (RFC 7946), for maps and for other systems; read again it makes the same zones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bikeshare import selectors
from bikeshare.api.gbfs import rules_of
from bikeshare.api.helpers import READ, answer
from bikeshare.api.resources import router
from bikeshare.models import Zone
from bikeshare.search import SEARCHES
from core.api import rfc3339
from core.refusal import Refused

MOST_ZONES = 5_000
CONTENT_TYPE = "application/geo+json"


def collection_of(zones: QuerySet[Zone]) -> dict[str, Any]:
    """A FeatureCollection in the order in which zones decide. Raises Refused for more than one file holds."""
    rows = list(zones.order_by("program", "precedence", "pk")[: MOST_ZONES + 1])
    if len(rows) > MOST_ZONES:
        raise Refused(_("More than %(n)d match; narrow the search first.") % {"n": MOST_ZONES}, field="q")
    return {"type": "FeatureCollection", "features": list(_features(rows))}


def _features(zones: Iterable[Zone]) -> Iterable[dict[str, Any]]:
    for zone in zones:
        properties = {name: getattr(zone, name) for name in ("name", "type", "status", "precedence")}
        properties |= {"program": zone.program_id, "rules": rules_of(zone)}
        properties |= {name: rfc3339(getattr(zone, name)) for name in ("start", "end")}
        yield {"type": "Feature", "id": zone.pk, "geometry": zone.geometry, "properties": properties}


@router.get("/zones.geojson", auth=READ, summary="Zones as GeoJSON, by Magic Search")
def zones_geojson(request: HttpRequest, q: str = "") -> HttpResponse:
    zones = selectors.rows_of(Zone).filter(SEARCHES["zones"].condition(q))
    return geojson_answer(collection_of(zones))


def geojson_answer(collection: dict[str, Any]) -> HttpResponse:
    response = answer(collection)
    response["Content-Type"] = CONTENT_TYPE
    return response
