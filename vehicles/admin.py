"""The Django admin of vehicles: complete, and usable at a million vehicles.

What facts report is read only: a value changed here would be undone by the next fact. Facts are added in the console.
"""

from __future__ import annotations

from django.contrib import admin

from console.admin import BigTableAdmin, MadeElsewhereAdmin, register_read_only
from vehicles.models import (
    AddedLanguage,
    Campaign,
    CampaignRecipient,
    ChargingLocation,
    ChargingSession,
    CostStatement,
    Driver,
    DriverNotification,
    Fact,
    NotificationStep,
    NotificationText,
    OemAccount,
    OemService,
    Payout,
    PdlAgreement,
    PlatformMessage,
    ProgramLook,
    Referral,
    Reimbursement,
    TelemetrySample,
    TypeSetting,
    UtilityContract,
    Vehicle,
    VehicleSource,
)

register_read_only(
    Driver,
    ("external_id", "name", "email", "country", "language", "app_version", "removed", "due_at"),
    filters=("language", "marketing_consent", "removed"),
    search=("search_text__folded_contains",),
)
register_read_only(
    Vehicle,
    ("external_id", "brand", "model", "driver", "pairing_state", "pairing_reason", "last_contact_at"),
    filters=("pairing_state", "pairing_reason"),
    search=("search_text__folded_contains",),
)
register_read_only(OemAccount, ("external_id", "brand", "driver", "auth_state", "linked"), search=("external_id",))
register_read_only(
    OemService, ("external_id", "code", "state", "expires_at"), filters=("state",), search=("external_id",)
)
register_read_only(
    ChargingLocation, ("external_id", "name", "driver", "country", "time_zone", "pdl"), search=("external_id", "name")
)
register_read_only(
    UtilityContract,
    ("external_id", "supplier", "contract_number", "driver", "state", "valid_to"),
    filters=("state",),
    search=("external_id", "contract_number"),
)
register_read_only(PdlAgreement, ("external_id", "version", "state"), search=("external_id",))
register_read_only(
    ChargingSession,
    ("external_id", "vehicle", "managed", "reason", "started_at", "ended_at", "withdrawn"),
    filters=("managed", "derived", "withdrawn"),
)
register_read_only(TelemetrySample, ("id", "vehicle_id", "at", "charge_state", "location", "power_kw", "soc"))
register_read_only(Payout, ("external_id", "driver", "amount", "currency", "state"))
register_read_only(Reimbursement, ("external_id", "driver", "period", "amount", "currency", "qualified"))
register_read_only(CostStatement, ("external_id", "driver", "provider", "period", "amount", "currency"))
register_read_only(Referral, ("external_id", "referrer", "invitee", "state"))
register_read_only(Campaign, ("name", "type", "audience", "state", "begins_at", "ends_at"), filters=("state", "type"))
register_read_only(CampaignRecipient, ("id", "campaign", "driver", "added_at"))
register_read_only(
    Fact, ("id", "type", "subject", "occurred_at", "received_at", "effect", "times"), filters=("type", "effect")
)
register_read_only(
    DriverNotification,
    ("id", "type", "driver", "subject", "state", "reason", "root", "created_at", "told_at", "ended_at"),
    filters=("state", "reason", "severity", "category"),
)
register_read_only(NotificationStep, ("id", "notification_id", "at", "kind", "reason", "detail"), filters=("kind",))
register_read_only(ProgramLook, ("program", "sender", "reply_to", "logo", "colour"))
register_read_only(AddedLanguage, ("code", "fallback"))
# Changed in the console, which checks and has the drivers evaluated again.
register_read_only(
    TypeSetting, ("type", "enabled", "ways", "cooldown_h", "updated_at"), filters=("enabled",), search=("type",)
)
# The raw bodies are read in the console.
register_read_only(PlatformMessage, ("id", "source", "received_at", "applied_at", "facts"), exclude=("body",))


@admin.register(VehicleSource)
class VehicleSourceAdmin(MadeElsewhereAdmin):
    """Sources are made in the console, where the secret can be shown once."""

    list_display = ("slug", "platform", "enabled", "last_received_at", "received", "facts", "refused")
    search_fields = ("slug",)


@admin.register(NotificationText)
class NotificationTextAdmin(BigTableAdmin):
    list_display = ("type", "language", "title", "updated_at")
    list_filter = ("language",)
    search_fields = ("type", "title")
