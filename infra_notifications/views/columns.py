"""Columns that several lists of charging infrastructure share."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from console.lists import Column
from infra_notifications.views import cells

_CELLS = "infra_notifications/cells"


def _targets(window: Any) -> list[str]:
    """What a maintenance covers: groups, charge points, places."""
    return [
        target.group.name
        if target.group
        else target.charge_point.evse_id
        if target.charge_point
        else ", ".join(filter(None, (target.location, target.city)))
        for target in window.target_list
    ]


def _notifications(incident: Any) -> list[str]:
    """Each group's decision about an incident."""
    return [
        f"{notification.group_name} {notification.kind}: {notification.state}"
        for notification in incident.notification_list
    ]


POINT_COLUMNS = (
    Column("evse_id", _("EVSE id"), draw=cells.point, sort="evse_id", nowrap=True),
    Column(
        "location",
        _("Location"),
        draw=cells.place,
        sort="location",
        nowrap=True,
        export=("location", "postal_code", "city"),
    ),
    Column(
        "connectivity",
        _("Connectivity"),
        draw=cells.connectivity,
        nowrap=True,
        export=("state.connectivity", "state.clock_error_s", "state.interval_source"),
    ),
    Column("status", _("Status"), draw=cells.status, export="state.status"),
    Column(
        "open",
        _("Open incidents"),
        draw=cells.open_incidents,
        export=lambda row: [incident.case for incident in row.open_incidents],
    ),
    Column(
        "group", _("Group"), draw=cells.groups, nowrap=True, export=lambda row: [group.name for group in row.group_list]
    ),
    Column(
        "availability",
        _("Availability"),
        draw=cells.availability,
        numeric=True,
        nowrap=True,
        export="availability_percent",
    ),
    Column("vendor", _("Model"), draw=cells.model, nowrap=True, export=("vendor", "model")),
    Column("max_power_kw", _("kW"), sort="max_power_kw", numeric=True),
)
WINDOW_COLUMNS = (
    Column("reason", _("Reason"), f"{_CELLS}/window.html", sort="reason"),
    Column("state", _("State"), f"{_CELLS}/window_state.html"),
    Column("starts_at", _("Begins"), sort="starts_at"),
    Column("ends_at", _("Ends"), sort="ends_at"),
    Column("targets", _("What it covers"), f"{_CELLS}/window_targets.html", export=_targets),
    Column("author", _("By"), sort="author"),
)
INCIDENT_COLUMNS = (
    Column("opened_at", _("Opened"), f"{_CELLS}/incident_opened.html", sort="opened_at"),
    Column("case", _("Case"), f"{_CELLS}/case.html"),
    Column("charge_point", _("Charge point"), f"{_CELLS}/incident_point.html", export="charge_point.evse_id"),
    Column("said", _("What it said")),
    Column("closed_at", _("State"), f"{_CELLS}/incident_state.html"),
    Column("notices", _("Who was told"), f"{_CELLS}/notifications.html", export=_notifications),
)
