"""Registers fleet remotes: menu, tiles, event kinds, health check, periodic tasks, demo data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FleetRemotesConfig(AppConfig):
    name = "fleet_remotes"
    verbose_name = _("Fleet remotes")

    def ready(self) -> None:
        from django.conf import settings

        from console.lists import register_bulk
        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.demo import register_demo
        from core.health import register_check
        from core.schedule import register_periodic
        from fleet_remotes import demo, tables, tiles
        from fleet_remotes.event_kinds import DOMAIN, FACT_LABELS, FACT_NAMES, KINDS
        from fleet_remotes.selectors import check_callbacks
        from outbox.event_kinds import names_of_lists, register_kinds
        from outbox.transports.rendering.words import in_language, labelled, register_fact_words

        app = "fleet_remotes"
        register_demo(app, demo.load)
        register_kinds(KINDS)
        labels = {name: labelled(choices) for name, choices in FACT_LABELS.items()}
        register_fact_words(DOMAIN, FACT_NAMES, labels | {"summary": in_language})
        names_of_lists.update(("state", "cause", "fleet"))
        register_bulk(*tables.BULK_ACTIONS)
        register_check("callbacks", check_callbacks)
        register_periodic("remotes: sweep", task="fleet_remotes.sweep", every_s=settings.REMOTES_SWEEP_S)
        register_periodic("remotes: bind", task="fleet_remotes.bind", every_s=60)
        if settings.REMOTES_VEHICLES_S:
            register_periodic(
                "remotes: vehicles", task="fleet_remotes.read_vehicles", every_s=settings.REMOTES_VEHICLES_S
            )
        for label, url, permission, icon, order in (
            (_("Fleet vehicles"), "vehicles", "view_fleetvehicle", "truck", 70),
            (_("Remote actions"), "actions", "view_remoteaction", "key", 71),
            (_("Batches"), "batches", "view_commandbatch", "queue-list", 72),
            (_("Schedules"), "schedules", "view_commandschedule", "calendar-days", 72),
            (_("Wake-up budgets"), "wakeups", "view_wakeupuse", "sun", 73),
            (_("Callbacks"), "callbacks", "view_callback", "inbox-arrow-down", 74),
            (_("Fleets"), "fleets", "view_fleet", "rectangle-group", 75),
        ):
            register_entry(Entry("manage", label, f"{app}:{url}", f"{app}.{permission}", icon, order))
        register_tile(Tile("remotes", "fleet_remotes/tile.html", tiles.action_tile, f"{app}.view_remoteaction", 30))
