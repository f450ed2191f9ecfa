"""Models of charging infrastructure notifications."""

from infra_notifications.models.charge_points import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    StatusPeriod,
    UnknownChargePoint,
)
from infra_notifications.models.connections import StationConnection
from infra_notifications.models.directory import DirectoryChange
from infra_notifications.models.groups import GroupAddress, GroupDraft, GroupMembership, NotificationGroup
from infra_notifications.models.incidents import (
    Acknowledgement,
    Flapping,
    Incident,
    IncidentEntry,
    NotificationDecision,
)
from infra_notifications.models.maintenance import MaintenanceTarget, MaintenanceWindow
from infra_notifications.models.mapping import EventRule, UnmappedReport
from infra_notifications.models.ocpi import OcpiEvse, OcpiLocation, OcpiParty
from infra_notifications.models.routes import MovedStation, OcppRoute
from infra_notifications.models.sources import Source

__all__ = [
    "Acknowledgement",
    "ChargePoint",
    "ChargePointMessage",
    "ChargePointState",
    "DirectoryChange",
    "EventRule",
    "Flapping",
    "GroupAddress",
    "GroupDraft",
    "GroupMembership",
    "Incident",
    "IncidentEntry",
    "MaintenanceTarget",
    "MaintenanceWindow",
    "MovedStation",
    "NotificationDecision",
    "NotificationGroup",
    "OcpiEvse",
    "OcpiLocation",
    "OcpiParty",
    "OcppRoute",
    "Source",
    "StationConnection",
    "StatusPeriod",
    "UnknownChargePoint",
    "UnmappedReport",
]
