"""Starts the outbox: menu, health checks, metrics, periodic sweep, the dispatcher's end with its process."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    name = "outbox"
    verbose_name = _("Outbox")

    def ready(self) -> None:
        from celery.signals import worker_process_init, worker_process_shutdown
        from django.conf import settings

        from console.lists import register_bulk
        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.health import Asker, register_check
        from core.metrics import register_levels
        from core.schedule import register_periodic
        from core.search.stored import register_long_list
        from outbox import checks, metrics, models, search, selectors, tables, tiles
        from outbox.event_kinds import register_kinds
        from outbox.subscriptions.kinds import KINDS

        register_kinds(KINDS)
        _register_topic_lists()
        _register_webhooks()
        register_check("broker", checks.check_broker, asker=Asker.DASHBOARD)
        register_check("deliveries", checks.check_oldest_due, asker=Asker.DASHBOARD)
        register_check("mail server", checks.check_smtp)
        register_levels(metrics.queue_levels)
        register_periodic("outbox: sweep", task="outbox.sweep", every_s=settings.OUTBOX_SWEEP_S)
        if settings.BOUNCE_MAILBOX_URL:
            register_periodic("outbox: bounce mailbox", task="outbox.poll_bounces", every_s=settings.BOUNCE_POLL_S)
        register_bulk(tables.SEND_AGAIN)
        register_long_list("deliveries", rows=selectors.deliveries, search=search.DELIVERY_SEARCH)
        register_long_list("events", rows=models.Event.objects.all, search=search.EVENT_SEARCH)
        register_entry(
            Entry("deliver", _("Deliveries"), "outbox:deliveries", "outbox.view_delivery", "paper-airplane", 10)
        )
        register_entry(Entry("deliver", _("Events"), "outbox:events", "outbox.view_event", "bolt", 20))
        register_tile(Tile("outbox", "outbox/tile.html", tiles.delivery_tile, "outbox.view_delivery", 50))
        register_tile(
            Tile("activity", "outbox/activity_tile.html", tiles.activity_tile, "outbox.view_event", 90, wide=True)
        )

        # The dispatcher and its HTTP client are loaded where they are used: in workers.
        def wake_dispatcher(**_kwargs: Any) -> None:
            from outbox import dispatcher

            dispatcher.wake()

        def stop_dispatcher(**_kwargs: Any) -> None:
            from outbox import dispatcher

            dispatcher.stop()

        # Celery keeps its receivers by weak reference unless told otherwise.
        worker_process_init.connect(wake_dispatcher, weak=False)
        worker_process_shutdown.connect(stop_dispatcher, weak=False)
        self._upkeep()

    @staticmethod
    def _upkeep() -> None:
        """Dead letters, retention, erasing, and watching over Signalbox itself."""
        from celery.signals import beat_init, worker_process_init

        from console.navigation import Entry, register_entry
        from core import clock
        from core.background import register_work
        from core.health import register_check
        from core.metrics import register_levels
        from outbox import checks, metrics, watch
        from outbox.services import erasing, repeats

        register_levels(metrics.health_alert_levels)
        register_check("dead letters", checks.check_dead_letters)
        register_check("alerts", checks.check_alerts)
        register_work(erasing.ERASE)
        register_work(repeats.RETRY)
        register_entry(
            Entry(
                "deliver", _("Dead letters"), "outbox:dead_letters", "outbox.view_delivery", "exclamation-triangle", 30
            )
        )
        register_entry(
            Entry("administer", _("Erase an address"), "outbox:erase_address", "outbox.erase_address", "user-minus", 90)
        )
        register_entry(
            Entry("administer", _("Report on a person"), "outbox:subject_report", "outbox.erase_address", "user", 80)
        )

        def begin_to_watch(signal: Any, **_kwargs: Any) -> None:
            clock.start()
            watch.start("beat" if signal is beat_init else "worker")

        worker_process_init.connect(begin_to_watch, weak=False)
        beat_init.connect(begin_to_watch, weak=False)


def _register_topic_lists() -> None:
    from console.navigation import Entry, register_entry
    from core.health import register_check
    from outbox import checks, watch
    from outbox.services.mailing_lists.leaving import register_list
    from outbox.services.topic_lists.lists import TOPIC_LISTS

    register_list(TOPIC_LISTS.registered)
    register_check(watch.TOPIC_LISTS, checks.check_topic_lists)
    register_entry(Entry("deliver", _("Topic lists"), "outbox:topic_lists", "outbox.view_topiclist", "megaphone", 30))


def _register_webhooks() -> None:
    from console.navigation import Entry, register_entry
    from outbox.services.endpoint_health import SOURCE
    from outbox.services.webhooks import read_listeners
    from outbox.subscriptions.matching import register_listeners

    register_listeners(SOURCE, read_listeners)
    register_entry(Entry("deliver", _("Webhooks"), "outbox:webhooks", "outbox.view_webhookendpoint", "link", 40))
    register_entry(Entry("deliver", _("Event kinds"), "outbox:event_kinds", "outbox.view_event", "book-open", 50))
