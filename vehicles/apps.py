"""Registers vehicles: menu, tile, event kinds, mailing list, periodic tasks, demo data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VehiclesConfig(AppConfig):
    name = "vehicles"
    verbose_name = _("Vehicles")

    def ready(self) -> None:
        from django.conf import settings

        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.choices import Scope
        from core.demo import register_demo
        from core.health import register_check
        from core.schedule import register_periodic
        from outbox.event_kinds import Words, field_words, names_of_lists, register_kinds
        from outbox.services.banners import register_owner
        from outbox.services.mailing_lists.leaving import register_list
        from outbox.services.pruning import register_retention_hold
        from outbox.subscriptions.personal_data import Source, register_personal
        from outbox.transports.rendering.words import register_mail_words
        from vehicles import demo, selectors, tiles
        from vehicles.event_kinds import DOMAIN, KINDS
        from vehicles.mailing import CATEGORY_LIST
        from vehicles.services import retention
        from vehicles.services.banners import AUDIENCE
        from vehicles.services.languages import phrase
        from vehicles.services.notifications import BANNERS

        app = "vehicles"
        register_demo(app, demo.load)
        register_kinds(KINDS)
        for name, words in selectors.words_of_events().items():
            field_words.add(f"{DOMAIN}.{name}", Words(words, is_open=name in ("program", "brand")))
        names_of_lists.update(("category", "state", "channels", "program", "occasion", "language"))
        register_personal(DOMAIN, Source(selectors.people, Scope.VEHICLES_READ, f"{app}.view_driver"))
        register_list(CATEGORY_LIST)
        register_mail_words(phrase=phrase)
        register_retention_hold(app, retention.events_of_living)
        register_owner(AUDIENCE, BANNERS)
        register_check("platforms", selectors.check_sources)
        register_check("brakes", selectors.check_brakes)
        register_check("pushes", selectors.check_pushes)
        register_periodic("vehicles: apply messages", task="vehicles.apply_messages", every_s=60)
        register_periodic("vehicles: sweep", task="vehicles.sweep", every_s=settings.VEHICLES_SWEEP_S)
        label = _("Vehicle notifications")
        register_entry(
            Entry(
                "manage", label, f"{app}:notifications", f"{app}.view_drivernotification", "chat-bubble-left-right", 50
            )
        )
        register_entry(Entry("manage", _("Drivers"), f"{app}:drivers", f"{app}.view_driver", "users", 60))
        register_entry(Entry("manage", _("Vehicles"), f"{app}:vehicles", f"{app}.view_vehicle", "truck", 70))
        label, view = _("Platforms"), f"{app}.view_vehiclesource"
        register_entry(Entry("manage", label, f"{app}:sources", view, "inbox-arrow-down", 71))
        register_tile(Tile(app, "vehicles/tile.html", tiles.notification_tile, f"{app}.view_drivernotification", 20))
