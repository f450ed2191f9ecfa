"""What the lists of charging can be searched by; the same for pages, wizard and API."""

from infra_notifications.search.charge_points import (
    CHARGE_POINT_SEARCH,
    GROUP_SEARCH,
    INCIDENT_SEARCH,
    KILOWATT,
    MAINTENANCE_SEARCH,
    MISSING,
    MISSING_LABELS,
    in_group,
)
from infra_notifications.search.senders import (
    CONNECTION_SEARCH,
    MOVED_SEARCH,
    OCPI_PARTY_SEARCH,
    ROUTE_SEARCH,
    SOURCE_SEARCH,
    UNKNOWN_SEARCH,
    UNMAPPED_SEARCH,
)

__all__ = [
    "CHARGE_POINT_SEARCH",
    "CONNECTION_SEARCH",
    "GROUP_SEARCH",
    "INCIDENT_SEARCH",
    "KILOWATT",
    "MAINTENANCE_SEARCH",
    "MISSING",
    "MISSING_LABELS",
    "MOVED_SEARCH",
    "OCPI_PARTY_SEARCH",
    "ROUTE_SEARCH",
    "SOURCE_SEARCH",
    "UNKNOWN_SEARCH",
    "UNMAPPED_SEARCH",
    "in_group",
]
