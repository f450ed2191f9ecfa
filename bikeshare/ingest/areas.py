"""Areas that are no GBFS: GeoJSON and the geographies of MDS 1 and 2 → a file of zones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bikeshare.ingest.fields import data_of, items_of
from core.moments import read_moment


def zones_of_areas(document: Any) -> dict[str, Any] | None:
    """GeoJSON, or MDS geographies, as a file of zones; None for what is neither. Without rules a zone has those of its
    `type`, one of ours, and has no say if it has none."""
    held = data_of(document) or document
    if not isinstance(held, Mapping):
        return None
    features: list[Any] = []
    paths: list[str] = []
    geographies = items_of(held.get("geographies") or (held if "geography_json" in held else None))
    for number, geography in enumerate(geographies or ()):
        if isinstance(geography, Mapping):
            held_there = _features(_opened(geography.get("geography_json"))) or [_NO_AREA]
            own = {"name": geography.get("name"), **_times(geography)}
            own |= {"id": geography.get("geography_id")} if len(held_there) == 1 else {}
            features += [_named(feature, own) for feature in held_there]
            paths += [f"geographies[{number}]"] * len(held_there)
    beside = _features(held)
    paths += [f"features[{number}]" for number in range(len(beside))]
    features += beside
    if geographies is None and not features and held.get("type") != "FeatureCollection":
        return None
    collection = {"type": "FeatureCollection", "features": features}
    return {"version": "", "data": {"geofencing_zones": collection, "is_geojson": True, "paths": paths}}


# Said as a problem, instead of being passed over.
_NO_AREA: dict[str, Any] = {"type": "Feature", "geometry": None, "properties": {}}


def _opened(document: Any) -> Any:
    """What a text holds that is JSON; everything else as it is."""
    try:
        return msgspec.json.decode(document) if isinstance(document, str) else document
    except msgspec.DecodeError:
        return None


def _features(document: Any) -> list[Any]:
    if not isinstance(document, Mapping):
        return []
    kind = document.get("type")
    if kind in ("Polygon", "MultiPolygon"):
        return [{"type": "Feature", "geometry": document, "properties": {}}]
    return [document] if kind == "Feature" else items_of(document.get("features")) or []


def _times(geography: Mapping[str, Any]) -> dict[str, Any]:
    """A retired geography stays in the list and ends; one that never was in force has no beginning."""
    start, end = geography.get("effective_date"), geography.get("retire_date")
    began, ended = (read_moment(value) if value is not None else None for value in (start, end))
    return {"start": None if began and ended and ended <= began else start, "end": end}


def _named(feature: Any, own: Mapping[str, Any]) -> Any:
    if not isinstance(feature, Mapping):
        return feature
    properties = feature.get("properties")
    given = properties if isinstance(properties, Mapping) else {}
    return {**feature, "properties": {**{k: v for k, v in own.items() if v is not None}, **given}}
