"""Columns that several lists of charging infrastructure share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from console.lists import Column

_CELLS = "infra_notifications/cells"

POINT_COLUMNS = (
    Column("evse_id", _("EVSE id"), f"{_CELLS}/point.html", sort="evse_id", nowrap=True),
    Column("location", _("Location"), f"{_CELLS}/place.html", sort="location", nowrap=True),
    Column("connectivity", _("Connectivity"), f"{_CELLS}/connectivity.html", nowrap=True),
    Column("status", _("Status"), f"{_CELLS}/status.html"),
    Column("open", _("Open incidents"), f"{_CELLS}/open_incidents.html"),
    Column("group", _("Group"), f"{_CELLS}/groups.html", nowrap=True),
    Column("vendor", _("Model"), f"{_CELLS}/model.html", nowrap=True),
    Column("max_power_kw", _("kW"), sort="max_power_kw", numeric=True),
)
WINDOW_COLUMNS = (
    Column("reason", _("Reason"), f"{_CELLS}/window.html", sort="reason"),
    Column("state", _("State"), f"{_CELLS}/window_state.html"),
    Column("starts_at", _("Begins"), sort="starts_at"),
    Column("ends_at", _("Ends"), sort="ends_at"),
    Column("targets", _("What it covers"), f"{_CELLS}/window_targets.html"),
    Column("author", _("By"), sort="author"),
)
INCIDENT_COLUMNS = (
    Column("opened_at", _("Opened"), f"{_CELLS}/incident_opened.html", sort="opened_at"),
    Column("case", _("Case"), f"{_CELLS}/case.html"),
    Column("charge_point", _("Charge point"), f"{_CELLS}/incident_point.html"),
    Column("said", _("What it said")),
    Column("closed_at", _("State"), f"{_CELLS}/incident_state.html"),
    Column("notices", _("Who was told"), f"{_CELLS}/notices.html"),
)
