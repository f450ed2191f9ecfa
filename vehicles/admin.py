"""The Django admin of vehicles: complete, and usable at a million vehicles.

What facts tell is read only: a value changed here would be undone by the next fact. Facts are told in the console.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from console.admin import BigTableAdmin, ReadOnlyAdmin
from vehicles.models import (
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
    Referral,
    Reimbursement,
    TelemetrySample,
    TypeSetting,
    UtilityContract,
    Vehicle,
)


class FoldedSearch:
    """The whole text as one phrase on the indexed column."""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if search_term.strip():
            queryset = queryset.filter(search_text__folded_contains=search_term)
        return queryset, False


@admin.register(Driver)
class DriverAdmin(FoldedSearch, ReadOnlyAdmin):
    list_display = ("external_id", "name", "email", "country", "language", "app_version", "removed", "due_at")
    list_filter = ("language", "marketing_consent", "removed")
    search_fields = ("search_text",)


@admin.register(Vehicle)
class VehicleAdmin(FoldedSearch, ReadOnlyAdmin):
    list_display = ("external_id", "brand", "model", "driver", "pairing_state", "pairing_reason", "last_contact_at")
    list_select_related = ("driver",)
    list_filter = ("pairing_state", "pairing_reason")
    search_fields = ("search_text",)


@admin.register(OemAccount)
class OemAccountAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "brand", "driver", "auth_state", "linked")
    list_select_related = ("driver",)
    search_fields = ("external_id",)


@admin.register(OemService)
class OemServiceAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "code", "state", "expires_at")
    list_filter = ("state",)
    search_fields = ("external_id",)


@admin.register(ChargingLocation)
class ChargingLocationAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "name", "driver", "country", "time_zone", "pdl")
    list_select_related = ("driver",)
    search_fields = ("external_id", "name")


@admin.register(UtilityContract)
class UtilityContractAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "supplier", "contract_number", "driver", "state", "valid_to")
    list_select_related = ("driver",)
    list_filter = ("state",)
    search_fields = ("external_id", "contract_number")


@admin.register(PdlAgreement)
class PdlAgreementAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "version", "state")
    search_fields = ("external_id",)


@admin.register(ChargingSession)
class ChargingSessionAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "vehicle", "managed", "reason", "started_at", "ended_at", "withdrawn")
    list_select_related = ("vehicle",)
    list_filter = ("managed", "derived", "withdrawn")


@admin.register(TelemetrySample)
class TelemetrySampleAdmin(ReadOnlyAdmin):
    list_display = ("id", "vehicle_id", "at", "charge_state", "location", "power_kw", "soc")


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "driver", "amount", "currency", "state")
    list_select_related = ("driver",)


@admin.register(Reimbursement)
class ReimbursementAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "driver", "period", "amount", "currency", "qualified")
    list_select_related = ("driver",)


@admin.register(CostStatement)
class CostStatementAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "driver", "provider", "period", "amount", "currency")
    list_select_related = ("driver",)


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "referrer", "invitee", "state")
    list_select_related = ("referrer", "invitee")


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("name", "type", "audience", "state", "begins_at", "ends_at")
    list_filter = ("state", "type")


@admin.register(CampaignRecipient)
class CampaignRecipientAdmin(ReadOnlyAdmin):
    list_display = ("id", "campaign", "driver", "added_at")
    list_select_related = ("campaign", "driver")


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "subject", "occurred_at", "received_at", "effect", "times")
    list_filter = ("type", "effect")


@admin.register(DriverNotification)
class DriverNotificationAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "driver", "subject", "state", "reason", "root", "created_at", "told_at", "ended_at")
    list_select_related = ("driver",)
    list_filter = ("state", "reason", "severity", "category")


@admin.register(NotificationStep)
class NotificationStepAdmin(ReadOnlyAdmin):
    list_display = ("id", "notification_id", "at", "kind", "reason", "detail")
    list_filter = ("kind",)


@admin.register(TypeSetting)
class TypeSettingAdmin(ReadOnlyAdmin):
    """Changed in the console, which checks and has the drivers looked at again."""

    list_display = ("type", "enabled", "ways", "cooldown_h", "updated_at")
    list_filter = ("enabled",)
    search_fields = ("type",)


@admin.register(NotificationText)
class NotificationTextAdmin(BigTableAdmin):
    list_display = ("type", "language", "title", "updated_at")
    list_filter = ("language",)
    search_fields = ("type", "title")
