"""Registers bike-share: menu, tile, event kinds, its periodic task, its demo data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BikeshareConfig(AppConfig):
    name = "bikeshare"
    verbose_name = _("Bike-share")

    def ready(self) -> None:
        from django.conf import settings

        from bikeshare import demo, selectors, tiles
        from bikeshare.event_kinds import ALIASES, DOMAIN, KINDS
        from bikeshare.services.feeds import check_feeds
        from console.navigation import Entry, Tile, register_entry, register_section, register_tile
        from core.choices import Scope
        from core.demo import register_demo
        from core.health import register_check
        from core.schedule import register_periodic
        from outbox.event_kinds import names_of_lists, register_kinds, word_aliases
        from outbox.subscriptions.personal_data import Source, register_personal

        app = "bikeshare"
        register_demo(app, demo.load)
        register_kinds(KINDS)
        names_of_lists.update(("program", "status", "lock", "chain_type", "vehicule_type"))
        for word, ours in ALIASES.items():
            word_aliases.add(word, ours)
        register_personal(DOMAIN, Source(selectors.people, Scope.BIKESHARE_READ, f"{app}.view_cyclist"))
        register_periodic("bike-share: sweep", task="bikeshare.sweep", every_s=settings.BIKESHARE_SWEEP_S)
        register_periodic("bike-share: feeds", task="bikeshare.read_feeds", every_s=settings.BIKESHARE_SWEEP_S)
        register_check("GBFS feeds", check_feeds)
        register_section(app, _("Bike-share"))
        for order, (label, name, model, icon) in enumerate(
            (
                (_("Map"), "map", "bike", "map"),
                (_("Trips"), "trips", "trip", "arrows-right-left"),
                (_("Vehicles"), "vehicules", "bike", "truck"),
                (_("Stations"), "stations", "station", "map-pin"),
                (_("Zones"), "zones", "zone", "no-symbol"),
                (_("Cyclists"), "cyclists", "cyclist", "users"),
                (_("Abonnements"), "abonnements", "subscription", "ticket"),
                (_("Feeds"), "feeds", "feedsource", "rss"),
                (_("Topics"), "topics", "program", "megaphone"),
            )
        ):
            register_entry(Entry(app, label, f"{app}:{name}", f"{app}.view_{model}", icon, order))
        register_tile(Tile(app, "bikeshare/tile.html", tiles.fleet_tile, f"{app}.view_trip", 30))
