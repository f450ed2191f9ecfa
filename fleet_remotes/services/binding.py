"""Notifications that overtook their action: bound to it when its id becomes known, or when they are read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from fleet_remotes.choices import Flag, Verdict
from fleet_remotes.ingest.notifications import Event, understand
from fleet_remotes.models import RemoteNotification
from fleet_remotes.services.applying import judge
from fleet_remotes.services.bulk_writes import rewrite_notifications
from fleet_remotes.services.unit_of_work import ActionUnitOfWork, changing_actions
from fleet_remotes.services.wakeups import count_wakeups, first_heard, wakeup_in

# The vendor keeps what it could not deliver for 72 h; a little longer, for the batches it gathers.
WAIT = timedelta(hours=73)
MOST = 5_000
_SAID = ("digest", "remote_action_id", "vin", "remote_type", "type", "status", "cause", "feedback", "event_date")


def bind_waiting(*, now: datetime) -> int:
    """Binds what waits for actions whose ids are known by now; returns how many notifications."""
    with changing_actions():
        pairs = _bindable(now)
        if not pairs:
            return 0
        work = ActionUnitOfWork(now)
        work.load({action_id for _pk, action_id in pairs})
        bound = bind(pairs, work)
        work.flush()
    return bound


def bind_to(work: ActionUnitOfWork, remote_ids: Sequence[str]) -> int:
    """Binds what waits for these ids of the vendor, in a unit of work that holds their actions."""
    by_id = {(action.fleet_id, action.remote_action_id): pk for pk, action in work.actions.items()}
    rows = (
        RemoteNotification.objects.filter(verdict=Verdict.UNKNOWN_ACTION, remote_action_id__in=remote_ids)
        .order_by("id")
        .values_list("pk", "callback__fleet_id", "remote_action_id")[:MOST]
    )
    pairs = [(pk, by_id[fleet_id, remote_id]) for pk, fleet_id, remote_id in rows if (fleet_id, remote_id) in by_id]
    return bind(pairs, work)


def bind(pairs: Sequence[tuple[int, int]], work: ActionUnitOfWork) -> int:
    """Applies waiting notifications, (notification, action), in the order in which they came."""
    notifications = RemoteNotification.objects.in_bulk([pk for pk, _action in pairs])
    rows = []
    for pk, action_id in pairs:
        row, action = notifications[pk], work.actions[action_id]
        event = _event_of(row)
        verdict, reason = judge(event, action, row.received_at, work)
        flags = list(dict.fromkeys((*event.flags, Flag.BOUND_LATER)))
        is_ours = verdict != Verdict.VIN_MISMATCH
        if is_ours:  # its wake-up was counted before where its vehicle was known
            news = wakeup_in(event, action.vehicle_id, row.received_at)
            work.note_wakeup(action, news, is_counted=row.vehicle_id is not None)
        vehicle_id = action.vehicle_id if is_ours else row.vehicle_id
        rows.append((pk, action_id if is_ours else None, vehicle_id, verdict.value, reason[:200], flags))
    rewrite_notifications(rows)
    return len(rows)


def read_again(*, now: datetime) -> int:
    """Reads again what had values that we did not know, as after an upgrade; returns how many are understood now."""
    understood = []
    with changing_actions():
        rows = RemoteNotification.objects.filter(verdict=Verdict.UNKNOWN_VALUE).order_by("-id")[:MOST]
        for row in rows:
            if _event_of(row).state is not None:
                flags = list(row.flags)
                understood.append((row.pk, None, row.vehicle_id, Verdict.UNKNOWN_ACTION.value, "", flags))
        rewrite_notifications(understood)
    bind_waiting(now=now)
    return len(understood)


def bind_vehicles(*, now: datetime, vins: Sequence[str] | None = None) -> int:
    """Gives notifications that came before their vehicle was known here that vehicle, within its own fleet, and counts
    the wake-ups that they tell of. Without `vins` those of the last 73 hours are looked through.
    """
    chosen, value = ("n.vin = ANY(%s)", list(vins)) if vins is not None else ("n.received_at > %s", now - WAIT)
    with changing_actions():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE fleet_remotes_remotenotification n SET vehicle_id = v.id,"  # noqa: S608 - one of the two above
                " flags = array_remove(n.flags, %s) || ARRAY[%s]::varchar[]"
                " FROM fleet_remotes_fleetvehicle v, fleet_remotes_callback c"
                f" WHERE {chosen} AND n.vehicle_id IS NULL AND n.vin <> '' AND n.vin = v.vin AND c.id = n.callback_id"
                " AND c.fleet_id = v.fleet_id RETURNING n.id",
                [Flag.UNKNOWN_VIN, Flag.BOUND_LATER, value],
            )
            bound = [row[0] for row in cursor.fetchall()]
        rows = RemoteNotification.objects.filter(pk__in=bound).exclude(verdict=Verdict.VIN_MISMATCH).defer("raw")
        news = [wakeup_in(_event_of(row), row.vehicle_id or 0, row.received_at) for row in rows]
        count_wakeups(first_heard(news, besides=bound), now)
    return len(bound)


def _bindable(now: datetime) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.id, a.id FROM fleet_remotes_remotenotification n"
            " JOIN fleet_remotes_callback c ON c.id = n.callback_id"
            " JOIN fleet_remotes_remoteaction a ON a.fleet_id = c.fleet_id AND a.remote_action_id = n.remote_action_id"
            " WHERE n.verdict = 'unknown_action' AND n.remote_action_id <> '' AND n.received_at > %s"
            " ORDER BY n.id LIMIT %s",
            [now - WAIT, MOST],
        )
        return [(pk, action_id) for pk, action_id in cursor.fetchall()]


def _event_of(row: RemoteNotification) -> Event:
    """The notification as it would be understood now."""
    # What it says is in the columns.
    event = Event(raw=None, **{name: getattr(row, name) for name in _SAID}, flags=list(row.flags))
    understand(event)
    return event
