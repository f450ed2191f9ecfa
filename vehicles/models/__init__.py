"""Models of vehicles."""

from vehicles.models.campaigns import Campaign, CampaignRecipient
from vehicles.models.charging import ChargingSession, TelemetrySample
from vehicles.models.contracts import ChargingLocation, PdlAgreement, UtilityContract
from vehicles.models.drivers import Driver
from vehicles.models.facts import Fact
from vehicles.models.looks import AddedLanguage, ProgramLook
from vehicles.models.money import CostStatement, Payout, Referral, Reimbursement
from vehicles.models.notifications import (
    Brake,
    DriverNotification,
    Mute,
    NotificationStep,
    NotificationText,
    TypeSetting,
)
from vehicles.models.oem import OemAccount, OemService, Vehicle
from vehicles.models.sources import Feed, PlatformMessage, VehicleSource

__all__ = [
    "AddedLanguage",
    "Brake",
    "Campaign",
    "CampaignRecipient",
    "ChargingLocation",
    "ChargingSession",
    "CostStatement",
    "Driver",
    "DriverNotification",
    "Fact",
    "Feed",
    "Mute",
    "NotificationStep",
    "NotificationText",
    "OemAccount",
    "OemService",
    "Payout",
    "PdlAgreement",
    "PlatformMessage",
    "ProgramLook",
    "Referral",
    "Reimbursement",
    "TelemetrySample",
    "TypeSetting",
    "UtilityContract",
    "Vehicle",
    "VehicleSource",
]
