"""Columns that several lists of charging infrastructure share."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from console.lists import Column
from infra_notifications.views import cells

_CELLS = "infra_notifications/cells"


def _targets(window: Any) -> list[str]:
    """What a maintenance covers: groups, charge points, places; all of them."""
    every = window.targets.select_related("group", "charge_point")
    return [
        target.group.name
        if target.group
        else target.charge_point.evse_id
        if target.charge_point
        else ", ".join(filter(None, (target.location, target.city)))
        for target in (every if window.more_targets else window.target_list)
    ]


POINT_COLUMNS = (
    Column("evse_id", _("EVSE id"), draw=cells.point, sort="evse_id", nowrap=True),
    Column(
        "location",
        _("Location"),
        draw=cells.place,
        sort="location",
        nowrap=True,
    ),
    Column(
        "connectivity",
        _("Connectivity"),
        draw=cells.connectivity,
        nowrap=True,
    ),
    Column("status", _("Status"), draw=cells.status),
    Column(
        "open",
        _("Open incidents"),
        draw=cells.open_incidents,
    ),
    Column("group", _("Group"), draw=cells.groups, nowrap=True),
    Column(
        "availability",
        _("Availability"),
        draw=cells.availability,
        numeric=True,
        nowrap=True,
        export="availability_percent",
    ),
    Column("vendor", _("Model"), draw=cells.model, nowrap=True),
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
INCIDENTS_LIVE_ON = ("closed_at", "repeats", "acknowledgement__at")
INCIDENT_COLUMNS = (
    Column("opened_at", _("Opened"), f"{_CELLS}/incident_opened.html", sort="opened_at", export="opened_at"),
    Column("case", _("Case"), f"{_CELLS}/case.html", export="get_case_display"),
    Column("charge_point", _("Charge point"), f"{_CELLS}/incident_point.html"),
    Column("said", _("What it said")),
    Column("closed_at", _("State"), f"{_CELLS}/incident_state.html"),
    Column("notices", _("Who was told"), f"{_CELLS}/notifications.html"),
)
