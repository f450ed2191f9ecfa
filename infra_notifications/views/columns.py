"""Columns that several lists of charging infrastructure share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from console.lists import Column

_CELLS = "infra_notifications/cells"

POINT_COLUMNS = (
    Column("evse_id", _("EVSE id"), f"{_CELLS}/point.html", sort="evse_id"),
    Column("location", _("Location"), f"{_CELLS}/place.html", sort="location"),
    Column("connectivity", _("Connectivity"), f"{_CELLS}/connectivity.html"),
    Column("status", _("Status"), f"{_CELLS}/status.html"),
    Column("open", _("Open incidents"), f"{_CELLS}/open_incidents.html"),
    Column("group", _("Group"), f"{_CELLS}/groups.html"),
    Column("vendor", _("Model"), f"{_CELLS}/model.html"),
    Column("max_power_kw", _("kW"), sort="max_power_kw", numeric=True),
)
INCIDENT_COLUMNS = (
    Column("opened_at", _("Opened"), f"{_CELLS}/incident_opened.html", sort="opened_at"),
    Column("case", _("Case"), f"{_CELLS}/case.html"),
    Column("charge_point", _("Charge point"), f"{_CELLS}/incident_point.html"),
    Column("said", _("What it said")),
    Column("closed_at", _("State"), f"{_CELLS}/incident_state.html"),
    Column("notices", _("Who was told"), f"{_CELLS}/notices.html"),
)
