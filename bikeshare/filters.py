"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from bikeshare.search import SEARCHES
from console.filters import FacetFilterSet, filters_of

# The facets of each resource's search that are offered; all of them by program.
_FACETS = {
    "trips": ("status", "request", "started"),
    "vehicules": ("status", "type", "low", "battery"),
    "boitiers": ("lock", "low", "fw"),
    "stations": ("status", "virtual", "electrical"),
    "docks": ("status", "free"),
    "zones": ("type", "status"),
    "cyclists": ("status", "card"),
    "registrations": ("status", "last_trip"),
    "abonnements": ("status", "forfait", "trial"),
    "passes": ("type", "disabled", "given"),
}
FILTERS: dict[str, type[FacetFilterSet]] = {
    plural: filters_of(SEARCHES[plural], *facets, "program") for plural, facets in _FACETS.items()
}
