"""What support does for a driver: send a notification again, end it, mute it for a time, note something."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.words import name_among
from outbox.choices import BannerState
from outbox.contract import NewEvent, Recipient
from outbox.services import banners, publish
from vehicles.catalogue import TYPES
from vehicles.choices import SHOWN, DriverChannel, DriverSeverity, NotificationState, Reason, StepKind
from vehicles.event_kinds import CREATED, RESOLVED, DriverFacts, NotificationFacts, VehicleFacts
from vehicles.models import Driver, DriverNotification, Mute, NotificationStep
from vehicles.services.banners import banner_recipient, events_that_notified
from vehicles.services.evaluation import lock_drivers
from vehicles.services.looks import Looks
from vehicles.services.notifying import link_facts, list_key_of, notification_url
from vehicles.services.policies import policies_in_force
from vehicles.services.snapshots import zone_named
from vehicles.services.texts import Wording

LONGEST_MUTE = timedelta(days=365)
NOTE_LENGTH = 500


def resend(*, notification: DriverNotification, by: str, now: datetime) -> int:
    """Tells a driver once more, on the channels of before; returns the event's id. Raises Refused for what was never
    told or is held back now."""
    with transaction.atomic():
        lock_drivers([notification.driver_id])
        notification.refresh_from_db()
        if notification.told_at is None or notification.state == NotificationState.SUPPRESSED:
            raise Refused(_("Only what the driver was told, and what is not held back, can be sent again."))
        times = notification.times_told + 1
        if notification.state == NotificationState.DISMISSED:
            notification.state = NotificationState.OPEN
        notification.times_told, notification.told_at = times, now
        notification.push_state, notification.push_at, notification.push_reason = "", None, ""
        notification.save(update_fields=["state", "times_told", "told_at", "push_state", "push_at", "push_reason"])
        event = NewEvent(
            CREATED,
            f"driver:{notification.driver.external_id}"[:120],
            payload_of(notification, occasion="resent"),
            f"vehicle-notification/{notification.pk}/{times}",
            now,
            recipients=_recipients(notification),
        )
        (event_id,) = publish(events=[event], now=now).values()
        _step(notification, StepKind.RESENT, by, now, event_id=event_id)
    return event_id


def _recipients(notification: DriverNotification) -> tuple[Recipient, ...]:
    driver, recipients = notification.driver, []
    language = Wording().language_for(notification.type, driver.language)
    if DriverChannel.EMAIL in notification.ways and driver.email:
        critical = notification.severity == DriverSeverity.CRITICAL
        key = "" if critical else list_key_of(driver, notification.category)
        recipients.append(Recipient(driver.email, list_key=key, language=language))
    if DriverChannel.BANNER in notification.ways and notification.state in SHOWN:
        recipients.append(banner_recipient(driver.external_id, language))
    return tuple(recipients)


def payload_of(notification: DriverNotification, *, occasion: str = "", reason: str = "") -> NotificationFacts:
    """A notification as it is kept, in today's words and without the driver's name."""
    driver, car = notification.driver, notification.vehicle
    zone = zone_named(driver.time_zone)
    wording = Wording()
    words = wording.words(notification.type, driver.language, notification.facts, zone)
    return NotificationFacts(
        id=notification.pk,
        type=notification.type,
        state=notification.state,
        channels=list(notification.ways),
        severity=notification.severity,
        category=notification.category,
        driver=DriverFacts(id=driver.external_id, language=driver.language),
        vehicle=VehicleFacts(id=car.external_id, brand=car.brand, model=car.model) if car is not None else None,
        subject=notification.subject,
        title=words.title,
        body=words.body,
        language=wording.language_for(notification.type, driver.language),
        program=driver.program,
        since=notification.begins,
        occasion=occasion,
        reason=reason,
        url=notification_url(notification.pk),
        facts=dict(notification.facts),
        link=link_facts(policies_in_force()[notification.type], driver.program),
        **Looks().of(driver.program),
    )


def resolve(*, notification: DriverNotification, by: str, now: datetime, note: str = "") -> bool:
    """Takes a notification from the driver although its condition holds; it stays away until that has ended and comes
    again. Says whether it was shown."""
    with transaction.atomic():
        lock_drivers([notification.driver_id])
        shown = DriverNotification.objects.filter(pk=notification.pk, state__in=(*SHOWN, NotificationState.DISMISSED))
        if not shown.update(state=NotificationState.SUPPRESSED, reason=Reason.BY_HAND, root="", due_at=None):
            return False
        notification.refresh_from_db()
        events = [pk for pk in events_that_notified([notification.pk]) if pk]
        banners.end_of_events(event_ids=events, state=BannerState.RESOLVED, now=now)
        event = NewEvent(
            RESOLVED,
            f"driver:{notification.driver.external_id}"[:120],
            payload_of(notification, reason=Reason.BY_HAND),
            f"vehicle-notification/{notification.pk}/{notification.times_told}/by-hand",
            now,
        )
        event_id = next(iter(publish(events=[event], now=now).values()), None)
        _step(notification, StepKind.WITHDRAWN, by, now, Reason.BY_HAND, note, event_id)
        Driver.objects.filter(pk=notification.driver_id).update(due_at=now)  # what it held back may be told now
    return True


def add_note(*, notification: DriverNotification, text: str, by: str, now: datetime) -> None:
    """Raises Refused for an empty note."""
    text = " ".join(text.split())
    if not text:
        raise Refused(_("Write something."), field="text")
    _step(notification, StepKind.NOTE, by, now, detail=text)


def mute(*, driver: Driver, until: datetime, by: str, now: datetime, name: str = "", note: str = "") -> Mute:
    """Tells a driver nothing of a type, or nothing at all, until a moment. Raises Refused by field."""
    name = name_among(TYPES, name)
    if name and name not in TYPES:
        raise Refused(_("There is no notification “%(name)s”.") % {"name": name[:60]}, field="type")
    if not now < until <= now + LONGEST_MUTE:
        raise Refused(_("Mute until a moment from now on, at most for a year."), field="until")
    with transaction.atomic():
        lock_drivers([driver.pk])
        values = {"until": until, "note": " ".join(note.split())[:250], "created_by": by[:150]}
        row, _made = Mute.objects.update_or_create(driver=driver, type=name, defaults=values)
        Driver.objects.filter(pk=driver.pk).update(due_at=now)
    return row


def unmute(*, mute: Mute, now: datetime) -> None:
    with transaction.atomic():
        lock_drivers([mute.driver_id])
        Driver.objects.filter(pk=mute.driver_id).update(due_at=now)
        mute.delete()


def _step(
    notification: DriverNotification,
    kind: StepKind,
    by: str,
    now: datetime,
    reason: str = "",
    detail: str = "",
    event_id: int | None = None,
) -> None:
    NotificationStep.objects.create(
        notification=notification,
        at=now,
        kind=kind,
        reason=reason,
        detail=detail[:NOTE_LENGTH],
        by=by[:150],
        event_id=event_id,
    )
