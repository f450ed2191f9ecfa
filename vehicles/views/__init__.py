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
from vehicles.views.vehicles import AccountList, ContractList, SessionList, VehicleList, vehicle

__all__ = [
    "AccountList",
    "CampaignList",
    "CatalogueList",
    "ContractList",
    "DriverList",
    "NotificationList",
    "PlatformMessageList",
    "SessionList",
    "SourceList",
    "VehicleList",
    "campaign",
    "campaign_delete",
    "campaign_edit",
    "campaign_end",
    "campaign_new",
    "campaign_start",
    "driver",
    "fact_new",
    "notification",
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
