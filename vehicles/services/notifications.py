"""What the app and operators do to a notification: read, dismiss, send a sample. Each by one conditional UPDATE."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from core.email_addresses import is_address
from core.refusal import Refused
from outbox.contract import NewEvent, Recipient
from outbox.services import banners, publish
from vehicles.catalogue import NotificationType
from vehicles.catalogue.texts import examples_of
from vehicles.choices import LIVE, SHOWN, DriverChannel, NotificationState, StepKind
from vehicles.event_kinds import SAMPLE, DriverFacts, NotificationFacts, VehicleFacts
from vehicles.models import Driver, DriverNotification, NotificationStep
from vehicles.rules.timelines import Reports
from vehicles.services.banners import audience_of, banner_recipient, banners_of, notifications_of_events
from vehicles.services.evaluation import lock_drivers
from vehicles.services.looks import Looks
from vehicles.services.notifying import link_facts
from vehicles.services.policies import policies_in_force
from vehicles.services.snapshots import zone_named
from vehicles.services.texts import Wording


def mark_read(*, notification: DriverNotification, now: datetime) -> bool:
    """Notes that the driver has seen it. Says whether it is read now: what was read stays so, what ended cannot be."""
    with transaction.atomic():
        _read(notification, now)
        if DriverChannel.BANNER in notification.ways:
            audience = audience_of(notification.driver.external_id)
            banners.mark_read(audience=audience, ids=banners_of(notification), now=now)
        notification.refresh_from_db()
    return notification.state in (NotificationState.READ, NotificationState.DISMISSED)


def _read(notification: DriverNotification, now: datetime) -> None:
    open_ = DriverNotification.objects.filter(pk=notification.pk, state=NotificationState.OPEN)
    if open_.update(state=NotificationState.READ, read_at=now):
        _note(notification, StepKind.READ, now)


def dismiss(*, notification: DriverNotification, now: datetime) -> bool:
    """Puts a banner away; while its condition holds, it comes back after the type's cooldown.

    Says whether it is dismissed now. Raises Refused for what is no banner.
    """
    if DriverChannel.BANNER not in notification.ways:
        raise Refused(_("Only a banner can be dismissed; mark this one as read."))
    with transaction.atomic():
        _dismiss(notification, now)
        audience = audience_of(notification.driver.external_id)
        banners.dismiss(audience=audience, ids=banners_of(notification), now=now)
        notification.refresh_from_db()
    return notification.state == NotificationState.DISMISSED


def _dismiss(notification: DriverNotification, now: datetime) -> None:
    policy = policies_in_force()[notification.type]
    lock_drivers([notification.driver_id])
    shown = DriverNotification.objects.filter(pk=notification.pk, state__in=SHOWN)
    if shown.update(state=NotificationState.DISMISSED, dismissed_at=now):
        _note(notification, StepKind.DISMISSED, now)
        if policy.cooldown and not policy.once:
            _evaluate_at(notification.driver_id, now + policy.cooldown)


def _banners_were_read(event_ids: Sequence[int], now: datetime) -> None:
    for notification in notifications_of_events(event_ids):
        _read(notification, now)


def _banners_were_dismissed(event_ids: Sequence[int], now: datetime) -> None:
    for notification in notifications_of_events(event_ids):
        _dismiss(notification, now)


BANNERS = banners.Owner(read=_banners_were_read, dismissed=_banners_were_dismissed)


def _evaluate_at(driver_id: int, moment: datetime) -> None:
    """Has the sweep evaluate a driver at a moment, if nothing is due before."""
    driver = Driver.objects.get(pk=driver_id)
    if driver.due_at is None or driver.due_at > moment:
        Driver.objects.filter(pk=driver_id).update(due_at=moment)


def _note(notification: DriverNotification, kind: StepKind, now: datetime) -> None:
    NotificationStep.objects.create(notification=notification, at=now, kind=kind)


def stop_category(*, driver_id: int, category: str, now: datetime) -> bool:
    """A driver leaves a category by the link in a mail; says whether it was wanted until then."""
    with transaction.atomic():
        driver = Driver.objects.select_for_update(no_key=True).filter(pk=driver_id).first()
        if driver is None or category in driver.unwanted:
            return False
        reports = Reports(driver.reports)
        reports.add(f"wants.{category}", False, now)
        driver.reports, driver.unwanted = reports.raw, sorted({*driver.unwanted, category})
        driver.due_at = now
        driver.save(update_fields=["reports", "unwanted", "due_at"])
    return True


def living_of(driver: Driver) -> list[DriverNotification]:
    return list(DriverNotification.objects.filter(driver=driver, state__in=LIVE))


def send_sample(
    *, entry: NotificationType, to: str, language: str, sent_by: str, now: datetime, program: str = ""
) -> list[int]:
    """Shows what a driver would get, with invented facts: as mail to an address, or as banner or mail to a driver.

    `to` is a driver's id, or an e-mail address; then `program` says whose sender, look and link are shown. Returns the
    ids of the events. Raises Refused when there is no such driver, or no channel to one.
    """
    to = to.strip()
    driver = None if is_address(to) else Driver.objects.filter(external_id=to).first()
    if driver is None and not is_address(to):
        raise Refused(_("There is no driver “%(id)s”, and it is no e-mail address.") % {"id": to}, field="to")
    policy = policies_in_force()[entry.name]
    in_force, ways = policy.ways, [DriverChannel.EMAIL.value]
    if driver is not None:
        language, program = driver.language, driver.program
        ways = [channel for channel in in_force if channel != DriverChannel.PUSH] or ways
    language, recipients = Wording().language_for(entry.name, language), []
    if DriverChannel.EMAIL in ways and (driver is None or driver.email):
        recipients.append(Recipient(driver.email if driver is not None else to, language=language))
    if DriverChannel.BANNER in ways and driver is not None:
        recipients.append(banner_recipient(driver.external_id, language))
    if not recipients:
        raise Refused(_("The driver has no e-mail address."), field="to")
    payload = _sample_payload(entry, in_force, driver, language, sent_by, now)
    payload.link = link_facts(policy, program)
    payload = msgspec.structs.replace(payload, **Looks().of(program))
    with transaction.atomic():
        event = NewEvent(
            SAMPLE, f"notification:{entry.name}", payload, f"vehicle-sample/{uuid.uuid4().hex}", now, tuple(recipients)
        )
        return list(publish(events=[event], now=now).values())


def _sample_payload(
    entry: NotificationType, ways: Sequence[str], driver: Driver | None, language: str, sent_by: str, now: datetime
) -> NotificationFacts:
    zone = zone_named(driver.time_zone if driver is not None else "")
    soon = {"ready_by": now + timedelta(hours=8), "started_at": now - timedelta(hours=6), "ended_at": now}
    facts = examples_of(entry.name) | {name: moment.isoformat() for name, moment in soon.items()}
    words = Wording().words(entry.name, language, facts, zone)
    return NotificationFacts(
        id=0,
        type=entry.name,
        state=NotificationState.OPEN.value,
        channels=list(ways),
        severity=entry.severity.value,
        category=entry.category.value,
        driver=DriverFacts(id=driver.external_id if driver is not None else sent_by, language=language),
        vehicle=VehicleFacts(id="sample", brand="Renault", model="Zoe"),
        subject="sample",
        title=words.title,
        body=words.body,
        language=language,
        since=now,
        occasion="sample",
        facts={"sent_by": sent_by},
    )
