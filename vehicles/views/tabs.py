"""Lists that belong together stand beside one another."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

NOTIFICATION_TABS = (
    ("notifications", _("Notifications"), "vehicles.view_drivernotification"),
    ("catalogue", _("Catalogue"), "vehicles.view_typesetting"),
    ("campaigns", _("Campaigns"), "vehicles.view_campaign"),
    ("looks", _("Programmes"), "vehicles.view_programlook"),
    ("languages", _("Languages"), "vehicles.view_addedlanguage"),
)
VEHICLE_TABS = (
    ("vehicles", _("Vehicles"), "vehicles.view_vehicle"),
    ("accounts", _("OEM links"), "vehicles.view_oemaccount"),
    ("sessions", _("Charging sessions"), "vehicles.view_chargingsession"),
    ("contracts", _("Contracts"), "vehicles.view_utilitycontract"),
)
SOURCE_TABS = (
    ("sources", _("Platforms"), "vehicles.view_vehiclesource"),
    ("platform_messages", _("Messages of platforms"), "vehicles.view_platformmessage"),
    ("brakes", _("Brakes"), "vehicles.view_brake"),
)


def tabs_of(request: HttpRequest, tabs: tuple[tuple[str, Any, str], ...], active: str) -> list[dict[str, Any]]:
    """The tabs that this person may open."""
    return [
        {"label": label, "url": reverse(f"vehicles:{name}"), "active": name == active}
        for name, label, permission in tabs
        if request.user.has_perm(permission)
    ]
