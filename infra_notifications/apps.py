"""Registers charging infrastructure notifications: menu, tiles, event kinds, its mailing lists, its periodic task."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InfraNotificationsConfig(AppConfig):
    name = "infra_notifications"
    verbose_name = _("Charging infrastructure notifications")

    def ready(self) -> None:
        from django.conf import settings

        from console.lists import register_bulk
        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.background import register_work
        from core.demo import register_demo
        from core.schedule import register_periodic
        from core.undo import register_undo
        from infra_notifications import demo, selectors, tables, tiles
        from infra_notifications.event_kinds import KINDS
        from infra_notifications.mailing import MAIL_WORDS
        from infra_notifications.services import import_jobs, unheard, unmapped
        from infra_notifications.services.groups import GROUPS
        from infra_notifications.services.members import UNDO_KINDS
        from outbox.event_kinds import names_of_lists, register_kinds
        from outbox.services.mailing_lists.leaving import register_list
        from outbox.services.pruning import register_retention_hold
        from outbox.transports.rendering.words import register_mail_words

        app = "infra_notifications"
        register_demo(app, demo.load)
        register_kinds((*KINDS, unheard.KIND, unmapped.KIND))
        names_of_lists.update(("case", "close_reason", "country"))
        register_list(GROUPS.registered)
        register_mail_words(**MAIL_WORDS)
        register_bulk(*tables.BULK_ACTIONS)
        for kind in UNDO_KINDS:
            register_undo(kind)
        register_periodic("charging: sweep", task="infra_notifications.sweep", every_s=settings.CHARGING_SWEEP_S)
        register_periodic(
            "charging: digests and reminders", task="infra_notifications.remind", every_s=settings.CHARGING_SWEEP_S
        )
        register_periodic("charging: OCPI locations", task="infra_notifications.ocpi_pull", every_s=60)
        register_periodic("charging: what notifies nobody", task="infra_notifications.report_unheard", every_s=3_600)
        label = _("Charging Infrastructure Notifications")
        register_entry(Entry("manage", label, f"{app}:groups", f"{app}.view_notificationgroup", "bell-alert", 10))
        register_entry(Entry("manage", _("Incidents"), f"{app}:incidents", f"{app}.view_incident", "fire", 20))
        register_entry(
            Entry("manage", _("Charge points"), f"{app}:charge_points", f"{app}.view_chargepoint", "bolt", 30)
        )
        register_entry(
            Entry(
                "manage",
                _("Maintenance"),
                f"{app}:maintenance",
                f"{app}.view_maintenancewindow",
                "wrench-screwdriver",
                35,
            )
        )
        register_entry(Entry("manage", _("Mapping rules"), f"{app}:rules", f"{app}.view_eventrule", "funnel", 40))
        register_tile(
            Tile("incidents", "infra_notifications/tile.html", tiles.incident_tile, f"{app}.view_incident", 10)
        )
        register_retention_hold(app, selectors.events_of_open_incidents)
        register_work(import_jobs.IMPORT)
        self._search_long_lists()
        self._watch_sources(app)
        self._ring(app)

    @staticmethod
    def _ring(app: str) -> None:
        from console.bell import Bell, bells
        from infra_notifications import tiles

        label, permission = _("Open incidents that nobody has acknowledged"), f"{app}.view_incident"
        bells.add("incidents", Bell("incidents", label, permission, tiles.incidents_waiting, tiles.incident_news))

    @staticmethod
    def _search_long_lists() -> None:
        from core.search.stored import register_long_list
        from infra_notifications import search, selectors

        register_long_list("charge_points", rows=selectors.charge_points, search=search.CHARGE_POINT_SEARCH)
        register_long_list("incidents", rows=selectors.incidents, search=search.INCIDENT_SEARCH)

    @staticmethod
    def _watch_sources(app: str) -> None:
        """Who sends: its page, and where it is seen that one is silent."""
        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.health import register_check
        from core.metrics import register_levels
        from infra_notifications import tiles
        from infra_notifications.services.doors import check_mqtt, check_proxy
        from infra_notifications.services.ocpi.pulls import check_parties
        from infra_notifications.services.source_status import check_sources, source_levels

        register_entry(Entry("manage", _("Sources"), f"{app}:sources", f"{app}.view_source", "signal", 37))
        register_entry(
            Entry("manage", _("OCPP routes"), f"{app}:ocpp_routes", f"{app}.view_ocpproute", "arrows-right-left", 38)
        )
        register_entry(Entry("manage", _("OCPI parties"), f"{app}:ocpi_parties", f"{app}.view_ocpiparty", "map", 39))
        register_tile(
            Tile("sources", "infra_notifications/source_tile.html", tiles.source_tile, f"{app}.view_source", 15)
        )
        register_check("sources", check_sources)
        register_check("OCPI", check_parties)
        register_check("OCPP proxy", check_proxy)
        register_check("MQTT", check_mqtt)
        register_levels(source_levels)
