"""Watches the sources: one alert for each time that one is in trouble, and one when it is over.

While a source is in trouble, the silence of what it feeds is held back (`rules/decisions.py`); when it is over, what
spoke again was dropped meanwhile, and the rest is told once it had its time to speak.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q
from django.urls import reverse

from core.models import ApiKey
from infra_notifications.choices import Connectivity, NotificationReason, OcpiPartyState, SourceKind, SourceTrouble
from infra_notifications.event_kinds import SOURCE_KINDS, SOURCE_RECOVERED, SourceAlert
from infra_notifications.models import ChargePointState, OcpiParty, OcppRoute, Source
from infra_notifications.models.sources import KEY_KINDS, NUMBER_OF_KIND, source_id
from infra_notifications.rules.sources import SourcePace, trouble_of
from infra_notifications.services import mass_closings
from outbox.contract import NewEvent, Recipient
from outbox.services import publish

# The sweep notes that it listens this often, and has paused when it did not for this long, or for so many times its own
# interval.
NOTED_EVERY, PAUSED_AFTER, PAUSED_SWEEPS = timedelta(seconds=15), timedelta(minutes=2), 4
SENTENCES_TOLD = 5
# A source that was first heard this long before another ended, or later, may be its heir.
HANDED_OVER_WITHIN = timedelta(minutes=10)


def sweep_sources(*, now: datetime, listening_since: datetime | None = None) -> int:
    """Looks after every source; returns how many got into trouble or out of it. `listening_since`: when the last pause
    ended in which nothing could be received."""
    _listen(now, listening_since)
    _note_closings()
    unusable = _without_key(now)
    changed = [
        source.pk
        for source in Source.objects.order_by("pk")
        if _next_state(source, now, can_send=source.pk not in unusable) != source.trouble
        or mass_closings.another_since(source)
    ]
    return sum(_change(pk, now) for pk in changed)


def _listen(now: datetime, listening_since: datetime | None) -> None:
    """Notes that somebody listens, and since when: the time before a pause counts for nobody's silence.

    A source that is new was listened to from its first word on.
    """
    before = now - max(PAUSED_AFTER, timedelta(seconds=PAUSED_SWEEPS * settings.CHARGING_SWEEP_S))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE infra_notifications_source SET listening_since = CASE"
            " WHEN checked_at > %s AND checked_at >= %s THEN listening_since"
            " WHEN checked_at IS NULL AND first_heard_at > %s THEN first_heard_at"
            " ELSE %s END, checked_at = %s WHERE checked_at IS NULL OR checked_at <= %s OR checked_at > %s",
            [before, listening_since or before, before, now, now, now - NOTED_EVERY, now + NOTED_EVERY],
        )


def _note_closings() -> None:
    """Notes which of the connections that closed belong to those of which many did, while that goes on."""
    for source in Source.objects.filter(trouble=SourceTrouble.CLOSED):
        known = source.closings_until
        if known is not None and (until := mass_closings.closings_until(source, known)) != known:
            Source.objects.filter(pk=source.pk, trouble_since=source.trouble_since).update(closings_until=until)


def _without_key(now: datetime) -> set[int]:
    """The sources whose key, route or party can send nothing any more: their silence is what somebody wanted."""
    keys = Source.objects.filter(kind__in=KEY_KINDS).values_list("pk", flat=True)
    by_number = ApiKey.objects.in_bulk({pk & NUMBER_OF_KIND for pk in keys})
    unusable = {pk for pk in keys if (key := by_number.get(pk & NUMBER_OF_KIND)) and not key.is_usable(now)}
    routes = set(Source.objects.filter(kind=SourceKind.PROXY).values_list("pk", flat=True))
    enabled = OcppRoute.objects.filter(enabled=True).values_list("pk", flat=True) if routes else ()
    known = {source_id(SourceKind.PROXY, number) for number in (0, *enabled)}
    parties = OcpiParty.objects.filter(Q(is_disabled=True) | ~Q(state=OcpiPartyState.REGISTERED))
    return unusable | (routes - known) | {party.source_id for party in parties}


def pace_of(source: Source) -> SourcePace:
    heard_from = max(filter(None, (source.last_heard_at, source.listening_since)))
    return SourcePace(heard_from, source.gaps, source.longest_gap_s, len(source.fed))


def _next_state(source: Source, now: datetime, *, can_send: bool) -> str:
    """The trouble that a source is in as of now."""
    if not can_send:
        return SourceTrouble.NONE
    since = source.trouble_since
    if source.trouble == SourceTrouble.SILENT and since is not None and source.last_heard_at <= since:
        return SourceTrouble.SILENT
    if source.trouble == SourceTrouble.REJECTED and source.refused_since is not None:
        return SourceTrouble.REJECTED
    if source.trouble == SourceTrouble.CLOSED and not mass_closings.is_over(source, now):
        return SourceTrouble.CLOSED
    pace = pace_of(source)
    overdue = pace.may_be_silent(now) and _all_overdue(source, now)
    found = trouble_of(pace, source.refused_in_row, source.refused_since, now, all_overdue=overdue)
    if found == SourceTrouble.SILENT and _is_handed_over(source):
        found = SourceTrouble.NONE
    is_closing = found == SourceTrouble.NONE and mass_closings.mass_closing_since(source, now) is not None
    return SourceTrouble.CLOSED if is_closing else found


def _all_overdue(source: Source, now: datetime) -> bool:
    """Whether all charge points that it fed last are silent, of which there are some."""
    fed = ChargePointState.objects.filter(source=source)
    alive = fed.exclude(connectivity=Connectivity.SILENT).filter(Q(silent_at__isnull=True) | Q(silent_at__gt=now))
    return fed.exists() and not alive.exists()


def _is_handed_over(source: Source) -> bool:
    """Whether another source, which began when this one ended, feeds all that it fed: its key was changed."""
    began = source.last_heard_at - HANDED_OVER_WITHIN
    heirs = Source.objects.exclude(pk=source.pk).filter(first_heard_at__gte=began)
    return heirs.exists() and not ChargePointState.objects.filter(source=source).exists()


def _change(pk: int, now: datetime) -> int:
    """Moves a source to the state that it is in, with what is to be told of it; 0 where another sweep was quicker."""
    with transaction.atomic():
        source = Source.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if source is None:
            return 0
        was, is_usable = source.trouble, pk not in _without_key(now)
        trouble = _next_state(source, now, can_send=is_usable)
        if trouble == was:
            return _begin_anew(source, now)
        source.trouble = SourceTrouble.NONE
        # What was rejected of a key that ended is not well again: nothing is told.
        stays_away = was == SourceTrouble.CLOSED and not mass_closings.are_back(source)
        if was and (is_usable or was == SourceTrouble.SILENT) and not stays_away:
            _publish(source, SOURCE_RECOVERED, now, is_usable=is_usable)
        if was and not stays_away:
            source.recovered_at = now
        source.trouble = trouble
        if trouble:
            source.trouble_since = _trouble_since(source, now)
            source.closings_until = _closings_until(source)
            _publish(source, SOURCE_KINDS[SourceTrouble(trouble)], now)
        source.save(update_fields=["trouble", "trouble_since", "closings_until", "recovered_at"])
        if not trouble:
            _ask_again(source, now)
    return 1


def _begin_anew(source: Source, now: datetime) -> int:
    """Many stations lost their connection once more while the first time lasts: told, and held back, as its own."""
    since = mass_closings.another_since(source)
    if since is None:
        return 0
    source.trouble_since = since
    source.closings_until = _closings_until(source)
    _publish(source, SOURCE_KINDS[SourceTrouble.CLOSED], now)
    source.save(update_fields=["trouble_since", "closings_until"])
    return 1


def _trouble_since(source: Source, now: datetime) -> datetime | None:
    if source.trouble == SourceTrouble.CLOSED:
        return mass_closings.mass_closing_since(source, now)
    return source.last_heard_at if source.trouble == SourceTrouble.SILENT else source.refused_since


def _closings_until(source: Source) -> datetime | None:
    since = source.trouble_since
    return mass_closings.closings_until(source, since) if since and source.trouble == SourceTrouble.CLOSED else None


def _ask_again(source: Source, now: datetime) -> None:
    """What was held back or put off because of a source is decided anew. What somebody else holds is being decided
    just now, and comes again by itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH free AS (SELECT charge_point_id FROM infra_notifications_chargepointstate WHERE source_id = %s"
            " AND silent_at > %s ORDER BY charge_point_id FOR UPDATE SKIP LOCKED)"
            " UPDATE infra_notifications_chargepointstate s SET silent_at = %s"
            " FROM free JOIN infra_notifications_chargepoint c ON c.id = free.charge_point_id"
            " WHERE s.charge_point_id = c.id AND s.last_seen"
            " + make_interval(secs => coalesce(c.expected_interval_s, s.learnt_silence_s, %s)) <= %s",
            [source.pk, now, now, settings.CHARGING_EXPECTED_INTERVAL_S, now],
        )
        cursor.execute(
            "WITH free AS (SELECT n.id FROM infra_notifications_notice n"
            " JOIN infra_notifications_incident i ON i.id = n.incident_id"
            " JOIN infra_notifications_chargepointstate s ON s.charge_point_id = i.charge_point_id"
            " WHERE s.source_id = %s AND n.state = 'waiting' AND n.reason = %s ORDER BY n.id"
            " FOR UPDATE OF n SKIP LOCKED)"
            " UPDATE infra_notifications_notice n SET due_at = %s FROM free WHERE n.id = free.id",
            [source.pk, NotificationReason.SOURCE_SILENT, now],
        )


def _publish(source: Source, kind: str, now: datetime, *, is_usable: bool = True) -> None:
    """Tells administrators and webhooks, unless a person wants to hear nothing of this source."""
    if source.paused:
        return
    states = ChargePointState.objects.filter(source=source)
    fed = states.aggregate(points=Count("pk"), stations=Count("charge_point__station", distinct=True))
    alert = SourceAlert(
        id=source.pk,
        kind=source.kind,
        name=str(source),
        trouble=source.trouble,
        since=source.trouble_since or source.refused_since or source.last_heard_at,
        last_heard_at=source.last_heard_at,
        charge_points=fed["points"],
        stations=fed["stations"],
        usual_gap_s=round(source.usual_gap_s, 1) if source.usual_gap_s is not None else None,
        sentences=[row["text"] for row in source.rejections[:SENTENCES_TOLD]],
        is_revoked=not is_usable,
        url=f"{settings.PUBLIC_URL}{reverse('infra_notifications:source', args=[source.pk])}",
    )
    key = f"{kind}:{source.pk}:{alert.since.isoformat()}"
    recipients = tuple(Recipient(address) for address in settings.ADMIN_EMAILS)
    publish(events=[NewEvent(kind, f"source:{source.pk}", alert, key, now, recipients)], now=now)


# ---- what people do -------------------------------------------------------------------------------------------------


def pause_source(*, source: Source, paused: bool, now: datetime) -> None:
    """No alerts of a source for as long as a person wants; if it is in trouble when that ends, it is told then."""
    with transaction.atomic():
        held = Source.objects.select_for_update().get(pk=source.pk)
        held.paused = paused
        if not paused:
            held.trouble = SourceTrouble.NONE
        held.save(update_fields=["paused", "trouble"])
        if not paused:
            _change(held.pk, now)
