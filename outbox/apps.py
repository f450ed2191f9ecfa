"""Starts the outbox: menu, health checks, metrics, periodic sweep, the dispatcher's end with its process."""

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

        from console.lists import register_bulk
        from console.navigation import Entry, Tile, register_entry, register_tile
        from core.health import register_check
        from core.metrics import register_levels
        from core.schedule import register_periodic
        from core.search.stored import register_long_list
        from outbox import checks, metrics, models, search, selectors, tables, tiles
        from outbox.event_kinds import register_kinds
        from outbox.subscriptions.kinds import KINDS

        register_kinds(KINDS)
        _register_topic_lists()
        _register_webhooks()
        auditlog.register(models.Address)
        register_check("broker", checks.check_broker)
        register_check("deliveries", checks.check_oldest_due)
        register_check("mail server", checks.check_smtp, for_readiness=False)
        register_levels(metrics.queue_levels)
        register_periodic("outbox: sweep", task="outbox.sweep", every_s=settings.OUTBOX_SWEEP_S)
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
        from core.erasure import register_eraser
        from core.health import register_check
        from core.metrics import register_levels
        from core.retention import register_retention
        from outbox import checks, metrics, watch
        from outbox.services import erasing, pruning

        register_levels(metrics.trouble_levels)
        register_check("dead letters", checks.check_dead_letters, for_readiness=False)
        register_check("alerts", checks.check_alerts, for_readiness=False)
        register_retention("events", setting="RETENTION_EVENTS_DAYS", prune=pruning.prune_events)
        register_retention("troubles", setting="RETENTION_EVENTS_DAYS", prune=pruning.prune_troubles)
        register_eraser("outbox", erasing.erase_from_outbox)
        register_entry(
            Entry(
                "deliver", _("Dead letters"), "outbox:dead_letters", "outbox.view_delivery", "exclamation-triangle", 30
            )
        )
        register_entry(
            Entry("administer", _("Erase an address"), "outbox:erase_address", "outbox.erase_address", "user-minus", 90)
        )

        def begin_to_watch(**_kwargs: Any) -> None:
            watch.start()

        worker_process_init.connect(begin_to_watch, weak=False)
        beat_init.connect(begin_to_watch, weak=False)


def _register_topic_lists() -> None:
    from auditlog.registry import auditlog

    from console.navigation import Entry, register_entry
    from core.erasure import register_eraser
    from core.health import register_check
    from core.retention import by_age, register_retention
    from outbox import checks, models, watch
    from outbox.services.mailing_lists.leaving import register_list
    from outbox.services.topic_lists.lists import TOPIC_LISTS, erase_from_lists

    register_list(TOPIC_LISTS.registered)
    auditlog.register(models.TopicList, exclude_fields=["gathering_until", "last_told_at", "thread", "updated_at"])
    register_check(watch.TOPIC_LISTS, checks.check_topic_lists, for_readiness=False)
    register_eraser("outbox: topic lists", erase_from_lists)
    ended = by_age("outbox_topicnotice", "decided_at", only="state <> 'waiting'")
    register_retention("topic list notices", setting="RETENTION_EVENTS_DAYS", prune=ended)
    register_entry(Entry("deliver", _("Topic lists"), "outbox:topic_lists", "outbox.view_topiclist", "megaphone", 30))


def _register_webhooks() -> None:
    from auditlog.registry import auditlog

    from console.navigation import Entry, register_entry
    from core.erasure import register_eraser
    from outbox import models
    from outbox.services import register_listeners
    from outbox.services.endpoint_health import SOURCE
    from outbox.services.webhooks import erase_contact, read_listeners

    register_listeners(SOURCE, read_listeners)
    register_eraser("outbox: webhook contacts", erase_contact)
    # Headers may hold the receiver's secrets.
    auditlog.register(models.WebhookEndpoint, exclude_fields=["headers", "failing_since", "warned_at"])
    register_entry(Entry("deliver", _("Webhooks"), "outbox:webhooks", "outbox.view_webhookendpoint", "link", 40))
    register_entry(Entry("deliver", _("Event kinds"), "outbox:event_kinds", "outbox.view_event", "book-open", 50))
