"""Pages of vehicles, one file per noun."""

from vehicles.views.campaigns import (
    CampaignList,
    campaign,
    campaign_delete,
    campaign_edit,
    campaign_end,
    campaign_new,
    campaign_start,
)
from vehicles.views.catalogue import CatalogueList, notification_type, type_edit, type_sample, type_texts
from vehicles.views.drivers import DriverList, driver
from vehicles.views.facts import fact_new
from vehicles.views.notifications import NotificationList, notification
from vehicles.views.sources import (
    PlatformMessageList,
    SourceList,
    platform_message,
    source,
    source_delete,
    source_edit,
    source_new,
)
from vehicles.views.support import (
    BrakeList,
    brake_decide,
    driver_mute,
    driver_unmute,
    notification_note,
    notification_resend,
    notification_resolve,
)
from vehicles.views.vehicles import AccountList, ContractList, SessionList, VehicleList, vehicle
from vehicles.views.wording import (
    LanguageList,
    LookList,
    language_delete,
    language_edit,
    language_new,
    look_delete,
    look_edit,
    look_new,
)

__all__ = [
    "AccountList",
    "BrakeList",
    "CampaignList",
    "CatalogueList",
    "ContractList",
    "DriverList",
    "LanguageList",
    "LookList",
    "NotificationList",
    "PlatformMessageList",
    "SessionList",
    "SourceList",
    "VehicleList",
    "brake_decide",
    "campaign",
    "campaign_delete",
    "campaign_edit",
    "campaign_end",
    "campaign_new",
    "campaign_start",
    "driver",
    "driver_mute",
    "driver_unmute",
    "fact_new",
    "language_delete",
    "language_edit",
    "language_new",
    "look_delete",
    "look_edit",
    "look_new",
    "notification",
    "notification_note",
    "notification_resend",
    "notification_resolve",
    "notification_type",
    "platform_message",
    "source",
    "source_delete",
    "source_edit",
    "source_new",
    "type_edit",
    "type_sample",
    "type_texts",
    "vehicle",
]
