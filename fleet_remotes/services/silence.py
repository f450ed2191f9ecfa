"""Callbacks that fell silent: commands were sent through them, but nothing comes back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from fleet_remotes import event_kinds as kinds
from fleet_remotes.event_kinds import CallbackSilence
from fleet_remotes.models import Callback
from outbox.contract import NewEvent
from outbox.services import publish


def watch_callbacks(*, now: datetime) -> int:
    """Publishes which callbacks fell silent and which receive again; returns how many changed."""
    return _find_silent(now) + _find_recovered(now)


def _find_silent(now: datetime) -> int:
    """A callback is silent when a command that was sent through it is unanswered for longer than it allows, and
    nothing at all was received since. Without commands no notification is expected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, min(a.submitted_at), count(*) FROM fleet_remotes_callback c"
            " JOIN fleet_remotes_remoteaction a ON a.callback_ref = c.id"
            " AND a.submitted_at > greatest(c.last_received_at, %s)"
            " WHERE c.silent_since IS NULL GROUP BY c.id"
            " HAVING min(a.submitted_at) < %s - make_interval(secs => c.silent_after_s)",
            # What was sent longer ago is history: a callback may have been silent when it was created.
            [now - timedelta(days=3), now],
        )
        silent = {pk: (since, waiting) for pk, since, waiting in cursor.fetchall()}
    for callback in Callback.objects.select_related("fleet").filter(pk__in=silent):
        since, waiting = silent[callback.pk]
        with transaction.atomic():
            # Asked again behind the lock: something may have been received meanwhile.
            quiet = Callback.objects.exclude(last_received_at__gte=since)
            if quiet.filter(pk=callback.pk, silent_since__isnull=True).update(silent_since=since):
                callback.silent_since = since
                _publish(callback, now, waiting, over_at=None)
    return len(silent)


def _find_recovered(now: datetime) -> int:
    recovered = Callback.objects.select_related("fleet").filter(
        silent_since__isnull=False, last_received_at__gt=F("silent_since")
    )
    for callback in recovered:
        with transaction.atomic():
            changed = Callback.objects.filter(pk=callback.pk, silent_since=callback.silent_since).update(
                silent_since=None, silent_thread=""
            )
            if changed:
                _publish(callback, now, 0, over_at=callback.last_received_at)
    return len(recovered)


def _publish(callback: Callback, now: datetime, waiting: int, *, over_at: datetime | None) -> None:
    assert callback.silent_since is not None
    with override("en"):
        text = (
            _("Notifications arrive again at callback %(slug)s")
            if over_at
            else _("No notifications at callback %(slug)s")
        )
        payload = CallbackSilence(
            headline=text % {"slug": callback.slug},
            callback=callback.slug,
            fleet=callback.fleet.key,
            silent_since=callback.silent_since,
            last_received_at=callback.last_received_at,
            over_at=over_at,
            waiting_actions=waiting,
            explanation="" if over_at else _("Commands were sent, but the vendor’s notifications do not arrive."),
            suggestion=""
            if over_at
            else _("Check that the callback runs at the vendor, its address, its certificate and its header."),
            url=settings.PUBLIC_URL + reverse("fleet_remotes:callback", args=[callback.pk]),
        )
    key = f"{kinds.CALLBACK_SILENT}:{callback.pk}:{callback.silent_since:%Y%m%dT%H%M%S%f}:{'over' if over_at else 'on'}"
    event = NewEvent(
        kinds.CALLBACK_SILENT, f"remote_callback:{callback.slug}", payload, key, now, thread=callback.silent_thread
    )
    publish(events=[event], now=now)
    if over_at is None:
        Callback.objects.filter(pk=callback.pk).update(silent_thread=event.uuid.hex)
