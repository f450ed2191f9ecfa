"""Starts the ground that every app stands on: search functions, periodic tasks, retention, audit."""

from django.apps import AppConfig
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import clock

# Before any other app is loaded, so that Django and all apps have the same time.
timezone.now = clock.now


class CoreConfig(AppConfig):
    """Its label is the console's, where its tables were made: no data moves for a name."""

    name = "core"
    label = "console"
    verbose_name = _("Console")

    def ready(self) -> None:
        from django.conf import settings

        from core.declared import register_audit
        from core.schedule import register_periodic
        from core.search import lookups

        lookups.install()
        register_periodic("console: sweep", task="console.sweep", every_s=15)
        register_periodic("console: count facets", task="console.count_facets", every_s=60)
        register_periodic("console: clear known values", task="console.clear_known_values", every_s=24 * 3600)
        register_audit()
        register_periodic("retention: prune", task="console.prune", every_s=settings.RETENTION_PRUNE_S)
