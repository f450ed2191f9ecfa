"""Columns that several lists of fleet remotes share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from console.lists import Column
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.models import CommandBatch, RemoteAction

CELLS = "fleet_remotes/cells"


def summary_cell(row: RemoteAction | CommandBatch) -> str:
    return summary_of(row.kind, row.parameters)


VEHICLE_COLUMNS = (
    Column("vin", _("Vehicle"), f"{CELLS}/vehicle.html", sort="vin"),
    Column("model", _("Model and fleet"), f"{CELLS}/model.html", sort="brand"),
    Column("battery_level", _("Battery"), f"{CELLS}/battery.html", sort="battery_level", numeric=True),
    Column("privacy", _("Privacy"), f"{CELLS}/privacy.html", sort="privacy"),
    Column("wakeups", _("Wake-ups this month"), f"{CELLS}/wakeups.html", export="budget.used"),
    Column("last", _("Last command"), f"{CELLS}/last_action.html"),
)
ACTION_COLUMNS = (
    Column("created_at", _("Ordered"), f"{CELLS}/ordered.html", sort="created_at"),
    Column("command", _("Command"), f"{CELLS}/command.html", sort="kind"),
    Column("vehicle", _("Vehicle"), f"{CELLS}/action_vehicle.html", sort="vehicle__vin"),
    Column("state", _("State"), f"{CELLS}/state.html", sort="state"),
    Column("cause", _("Why"), f"{CELLS}/cause.html", sort="cause"),
    Column("by", _("Ordered by"), f"{CELLS}/by.html", sort="requested_by"),
)
NOTIFICATION_COLUMNS = (
    Column("received_at", _("Received"), f"{CELLS}/received.html", sort="pk"),
    Column("says", _("It says"), f"{CELLS}/says.html"),
    Column("action", _("Action"), f"{CELLS}/its_action.html"),
    Column("vin", _("VIN"), f"{CELLS}/its_vehicle.html"),
    Column("verdict", _("What became of it"), f"{CELLS}/verdict.html", sort="verdict"),
    Column("duplicates", _("Duplicates"), numeric=True, sort="duplicates"),
)
