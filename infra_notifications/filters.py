"""Filters beside the lists, for those who would rather choose than type."""

from __future__ import annotations

from console.filters import filters_of
from infra_notifications.search import (
    CHARGE_POINT_SEARCH,
    CONNECTION_SEARCH,
    GROUP_SEARCH,
    INCIDENT_SEARCH,
    MAINTENANCE_SEARCH,
    OCPI_PARTY_SEARCH,
    ROUTE_SEARCH,
    SOURCE_SEARCH,
)

ChargePointFilters = filters_of(
    CHARGE_POINT_SEARCH,
    *("status", "connectivity", "since", "seen", "open", "history", "group", "location", "city", "country"),
    *("operator", "vendor", "model", "firmware", "protocol", "plug", "current", "power", "tag"),
)
IncidentFilters = filters_of(
    INCIDENT_SEARCH,
    *("open", "case", "opened", "location", "city", "operator", "group", "acknowledged"),
    opened=2,
)
GroupFilters = filters_of(GROUP_SEARCH, "case", "notified", "missing")
MaintenanceFilters = filters_of(MAINTENANCE_SEARCH, "state", "begins", "ends")
SourceFilters = filters_of(SOURCE_SEARCH, "state", "kind", "paused", "heard", "rejected", "warnings")
RouteFilters = filters_of(ROUTE_SEARCH, "enabled", "registers", "created")
OcpiPartyFilters = filters_of(OCPI_PARTY_SEARCH, "state", "disabled", "failing", "version", "pulled")
ConnectionFilters = filters_of(CONNECTION_SEARCH, "connected", "version", "since", "seen")
