"""Registers charging infrastructure notifications: menu, tiles, event kinds, its mailing lists, its periodic task."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InfraNotificationsConfig(AppConfig):
    name = "infra_notifications"
    verbose_name = _("Charging infrastructure notifications")

    def ready(self) -> None:
        from auditlog.registry import auditlog
        from django.conf import settings

        from console.demo import register_demo
        from console.navigation import Entry, Tile, register_entry, register_tile
        from console.schedule import register_periodic
        from infra_notifications import demo, models, tiles
        from infra_notifications.event_kinds import KINDS
        from infra_notifications.mailing import GROUP_LIST
        from outbox.event_kinds import register_kinds
        from outbox.lists import register_list

        app = "infra_notifications"
        register_demo(app, demo.load)
        register_kinds(KINDS)
        register_list(GROUP_LIST)
        register_periodic("charging: sweep", task="infra_notifications.sweep", every_s=settings.CHARGING_SWEEP_S)
        auditlog.register(
            models.NotificationGroup, exclude_fields=["gathering_until", "last_notified_at", "updated_at"]
        )
        auditlog.register(models.ChargePoint, exclude_fields=["search_text", "updated_at"])
        auditlog.register(models.EventRule, exclude_fields=["updated_at"])
        auditlog.register(models.GroupMembership)
        label = _("Charging Infrastructure Notifications")
        register_entry(Entry("manage", label, f"{app}:groups", f"{app}.view_notificationgroup", "bell-alert", 10))
        register_entry(Entry("manage", _("Incidents"), f"{app}:incidents", f"{app}.view_incident", "fire", 20))
        register_entry(
            Entry("manage", _("Charge points"), f"{app}:charge_points", f"{app}.view_chargepoint", "bolt", 30)
        )
        register_entry(Entry("manage", _("Mapping rules"), f"{app}:rules", f"{app}.view_eventrule", "funnel", 40))
        register_tile(
            Tile("incidents", "infra_notifications/tile.html", tiles.incident_tile, f"{app}.view_incident", 10)
        )
