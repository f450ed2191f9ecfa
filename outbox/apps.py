"""Starts the outbox: menu, health checks, metrics, periodic sweep, the courier's end with its process."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    name = "outbox"
    verbose_name = _("Outbox")

    def ready(self) -> None:
        from auditlog.registry import auditlog
        from celery.signals import worker_process_init, worker_process_shutdown
        from django.conf import settings

        from console.health import register_check
        from console.metrics import register_levels
        from console.navigation import Entry, Tile, register_entry, register_tile
        from console.schedule import register_periodic
        from outbox import checks, courier, metrics, models, tiles

        auditlog.register(models.Address)
        register_check("broker", checks.check_broker)
        register_check("deliveries", checks.check_oldest_due)
        register_check("mail server", checks.check_smtp, for_readiness=False)
        register_levels(metrics.queue_levels)
        register_periodic("outbox: sweep", task="outbox.sweep", every_s=settings.OUTBOX_SWEEP_S)
        register_entry(
            Entry("deliver", _("Deliveries"), "outbox:deliveries", "outbox.view_delivery", "paper-airplane", 10)
        )
        register_entry(Entry("deliver", _("Events"), "outbox:events", "outbox.view_event", "bolt", 20))
        register_tile(Tile("outbox", "outbox/tile.html", tiles.delivery_tile, "outbox.view_delivery", 50))

        def wake_courier(**_kwargs: Any) -> None:
            courier.wake()

        def stop_courier(**_kwargs: Any) -> None:
            courier.stop()

        # Celery keeps its receivers by weak reference unless told otherwise.
        worker_process_init.connect(wake_courier, weak=False)
        worker_process_shutdown.connect(stop_courier, weak=False)
