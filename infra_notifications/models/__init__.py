"""Models of charging infrastructure notifications."""

from infra_notifications.models.charge_points import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    UnknownChargePoint,
)
from infra_notifications.models.groups import GroupAddress, GroupDraft, GroupMembership, NotificationGroup
from infra_notifications.models.incidents import Incident, Notice
from infra_notifications.models.mapping import EventRule, UnmappedReport

__all__ = [
    "ChargePoint",
    "ChargePointMessage",
    "ChargePointState",
    "EventRule",
    "GroupAddress",
    "GroupDraft",
    "GroupMembership",
    "Incident",
    "Notice",
    "NotificationGroup",
    "UnknownChargePoint",
    "UnmappedReport",
]
