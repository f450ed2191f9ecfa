"""Reads of vehicles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from console.paging import COUNT_CAP, capped_ids
from core.health import Finding
from core.models import ApiKey
from core.people import seen_as_it_is
from outbox.models import Delivery
from outbox.selectors import deliveries_of_events
from vehicles.catalogue import TYPES
from vehicles.choices import LIVE, SHOWN, BrakeState, Category, DriverChannel, NotificationState, PushState, Reason
from vehicles.models import (
    AddedLanguage,
    Brake,
    Campaign,
    CampaignRecipient,
    ChargingLocation,
    ChargingSession,
    Driver,
    DriverNotification,
    Fact,
    Mute,
    NotificationStep,
    NotificationText,
    OemAccount,
    PlatformMessage,
    TypeSetting,
    UtilityContract,
    Vehicle,
    VehicleSource,
)
from vehicles.models.sources import KEYS_OF_SOURCES
from vehicles.search import DRIVER_SEARCH

# Lines of a page of the timeline.
TIMELINE = 50
# Things of a kind whose facts are looked for.
THINGS = 200


# A body that waits longer than this means that nobody applies them.
WAITED_TOO_LONG_S = 300.0


def platform_messages() -> QuerySet[PlatformMessage]:
    return PlatformMessage.objects.select_related("source").defer("body")


def source_state(source: VehicleSource, now: datetime) -> str:
    """heard, silent (nothing received for as long as was set), never heard, or off."""
    if not source.enabled:
        return "off"
    if source.last_received_at is None:
        return "never"
    return "silent" if (now - source.last_received_at).total_seconds() > source.silent_after_s else "heard"


def check_sources(now: datetime) -> Finding:
    """Whether what platforms bring is read, and whether each of them still brings any."""
    oldest = PlatformMessage.objects.filter(applied_at__isnull=True).order_by("id").first()
    age = (now - oldest.received_at).total_seconds() if oldest else 0.0
    if age > WAITED_TOO_LONG_S:
        return Finding(False, _("a platform’s message has waited %(age)d s to be read") % {"age": age}, age)
    silent = [source.slug for source in VehicleSource.objects.all() if source_state(source, now) == "silent"]
    if silent:
        return Finding(False, _("nothing arrives from %(slugs)s") % {"slugs": ", ".join(silent)})
    return Finding(True, _("what platforms bring is read"), age)


@dataclass(frozen=True)
class Pushes:
    """Of the last day: how many pushes the backend said arrived or failed; and how many wait for a backend."""

    delivered: int
    failed: int
    unheard: int


def pushes(now: datetime) -> Pushes:
    reported = DriverNotification.objects.filter(push_at__gte=now - timedelta(days=1))
    counts = _counts(reported, "push_state")
    failed = counts.pop(PushState.FAILED.value, 0)
    waiting = DriverNotification.objects.filter(reason=Reason.NO_LISTENER, state=NotificationState.SUPPRESSED)
    return Pushes(sum(counts.values()), failed, waiting.count())


def mutes_of(driver: Driver, now: datetime) -> QuerySet[Mute]:
    return Mute.objects.filter(driver=driver, until__gt=now)


def _waiting(brakes: Iterable[Brake]) -> dict[str, int]:
    """How many drivers wait, by the brake's key."""
    keys = {brake.brake_key for brake in brakes if brake.state == BrakeState.HOLDING}
    held = DriverNotification.objects.filter(brake_key__in=keys, state=NotificationState.SUPPRESSED)
    braked = held.filter(reason=Reason.BRAKE).values_list("brake_key")
    return dict(braked.annotate(n=Count("driver_id", distinct=True)).order_by())


def waiting_for(brake: Brake) -> int:
    return _waiting([brake]).get(brake.brake_key, 0)


def attach_waiting(rows: Sequence[Brake]) -> None:
    """Gives each brake the name of its feed and how many wait, in three queries."""
    counts = _waiting(rows)
    feeds = {row.brake_key: row.feed for row in rows}
    names = dict(ApiKey.objects.filter(pk__in=feeds.values()).values_list("pk", "name"))
    sources = {feed ^ KEYS_OF_SOURCES: feed for feed in feeds.values() if feed & KEYS_OF_SOURCES}
    for pk, slug in VehicleSource.objects.filter(pk__in=sources).values_list("pk", "slug"):
        names[sources[pk]] = slug
    for row in rows:
        row.waiting = counts.get(row.brake_key, 0)  # type: ignore[attr-defined]
        row.feed_label = names.get(feeds[row.brake_key]) or _("the console")  # type: ignore[attr-defined]


def check_brakes(_now: datetime) -> Finding:
    """Whether trouble of many at once waits for a person."""
    holding = list(Brake.objects.filter(state=BrakeState.HOLDING))
    if not holding:
        return Finding(True, _("no feed of cars is braked"))
    brands = ", ".join(sorted({brake.brand for brake in holding}))
    return Finding(False, _("too many at once: notifications of %(brands)s wait for an operator") % {"brands": brands})


def check_pushes(now: datetime) -> Finding:
    """Whether somebody takes pushes to the phones, and whether they arrive."""
    found = pushes(now)
    if found.unheard:
        return Finding(
            False, _("nobody listens: %(n)d notifications by push wait for a webhook") % {"n": found.unheard}
        )
    if found.failed > found.delivered:
        numbers = {"failed": found.failed, "all": found.failed + found.delivered}
        return Finding(False, _("%(failed)d of %(all)d pushes of the last day failed") % numbers)
    return Finding(True, _("pushes are heard, or there is none"))


def vehicles() -> QuerySet[Vehicle]:
    return Vehicle.objects.select_related("driver")


def accounts() -> QuerySet[OemAccount]:
    return OemAccount.objects.select_related("driver")


def sessions() -> QuerySet[ChargingSession]:
    return ChargingSession.objects.filter(withdrawn=False).select_related("vehicle", "location")


def contracts() -> QuerySet[UtilityContract]:
    return UtilityContract.objects.select_related("driver", "location")


def notifications() -> QuerySet[DriverNotification]:
    return DriverNotification.objects.select_related("driver", "vehicle")


def steps_of(notification: DriverNotification) -> QuerySet[NotificationStep]:
    return NotificationStep.objects.filter(notification=notification).order_by("id")


def _counts(notifications: QuerySet[DriverNotification], column: str) -> dict[str, int]:
    return dict(notifications.values_list(column).annotate(n=Count("pk")).order_by())


def shown_counts(column: str = "type") -> dict[str, int]:
    """How many notifications are shown to drivers now, by type or another column."""
    return _counts(DriverNotification.objects.filter(state__in=SHOWN), column)


def held_counts() -> dict[str, int]:
    """How many notifications of each type are held back now."""
    return _counts(DriverNotification.objects.filter(state=NotificationState.SUPPRESSED), "type")


# ---- a driver's page ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimelineItem:
    """One line of a driver's timeline: a fact, a step of a notification, or a delivery."""

    at: datetime
    kind: str
    row: Any
    deliveries: Sequence[Delivery] = ()


def subjects_of(driver: Driver) -> list[str]:
    """Everything of a driver that facts are about, as the facts name it."""
    subjects = [f"driver:{driver.external_id}"]
    for name, rows in (
        ("vehicle", driver.vehicles),
        ("account", driver.accounts),
        ("location", driver.locations),
        ("contract", driver.contracts),
        ("payout", driver.payouts),
        ("reimbursement", driver.reimbursements),
        ("statement", driver.coststatements),
        ("referral", driver.referred),
        ("referral", driver.invited),
    ):
        subjects += [f"{name}:{key}" for key in rows.order_by("-pk").values_list("external_id", flat=True)[:THINGS]]
    sessions = ChargingSession.objects.filter(vehicle__driver=driver, derived=False).order_by("-pk")
    return subjects + [f"session:{key}" for key in sessions.values_list("external_id", flat=True)[:THINGS]]


TELEMETRY = ("telemetry", "vehicle_contact")


def timeline_of(driver: Driver, what: str, before: int = 0) -> tuple[list[TimelineItem], int]:
    """A page of what a driver was told and not told (notifications), of what was reported (facts), or of what the cars
    say of themselves (telemetry), newest first; and the id before which the next page begins, 0 on the last one."""
    if what == "notifications":
        steps = NotificationStep.objects.filter(notification__driver=driver).select_related("notification")
        found: list[Any] = list((steps.filter(pk__lt=before) if before else steps).order_by("-id")[: TIMELINE + 1])
        deliveries = deliveries_of_steps(found[:TIMELINE])
        items = [TimelineItem(s.at, "step", s, deliveries.get(s.event_id or 0, [])) for s in found[:TIMELINE]]
    else:
        facts = Fact.objects.filter(subject__in=subjects_of(driver))
        chosen = facts.filter(type__in=TELEMETRY) if what == "telemetry" else facts.exclude(type__in=TELEMETRY)
        found = list((chosen.filter(pk__lt=before) if before else chosen).order_by("-id")[: TIMELINE + 1])
        items = [TimelineItem(fact.occurred_at, "fact", fact) for fact in found[:TIMELINE]]
    return items, items[-1].row.pk if len(found) > TIMELINE else 0


def deliveries_of_steps(steps: Sequence[NotificationStep]) -> dict[int, list[Delivery]]:
    """Deliveries by the event that a step published."""
    deliveries: dict[int, list[Delivery]] = {}
    for delivery in deliveries_of_events(step.event_id for step in steps if step.event_id is not None):
        deliveries.setdefault(delivery.event_id, []).append(delivery)
    return deliveries


# ---- campaigns ------------------------------------------------------------------------------------------------------


def campaign_progress(campaign: Campaign) -> dict[str, int]:
    """How far a campaign is: drivers in its audience so far, and by state what became of their banners."""
    prefix = f"campaign:{campaign.pk}"
    recipients = CampaignRecipient.objects.filter(campaign=campaign)
    banners = DriverNotification.objects.filter(
        Q(subject=prefix) | Q(subject__startswith=f"{prefix}:"),
        type=campaign.type,
        driver_id__in=recipients.values("driver_id"),
    )
    notified = banners.filter(told_at__isnull=False).values("driver_id").distinct().count()
    return {"recipients": recipients.count(), "told": notified} | _counts(banners, "state")


@dataclass(frozen=True)
class Audience:
    """How many drivers a search finds (`capped`: more than are counted), and the first of them."""

    count: int
    capped: bool
    first: Sequence[Driver]


def audience_preview(text: str) -> Audience:
    """Raises SearchError for a search that cannot be read."""
    drivers = Driver.objects.filter(DRIVER_SEARCH.condition(text), removed=False)
    count = len(capped_ids(drivers))
    return Audience(min(count, COUNT_CAP), count > COUNT_CAP, list(drivers.order_by("pk")[:8]))


def audience_of_campaign(campaign: Campaign) -> Audience:
    """Whoever looks at it: what they may not search by was written by somebody who may."""
    with seen_as_it_is():
        return audience_preview(campaign.audience)


# ---- pages ----------------------------------------------------------------------------------------------------------


def living_of(driver: Driver) -> QuerySet[DriverNotification]:
    return notifications().filter(driver=driver, state__in=LIVE).order_by("-id")


def locations_of(driver: Driver) -> QuerySet[ChargingLocation]:
    return ChargingLocation.objects.filter(driver=driver).prefetch_related("contracts", "agreements")


def attach_cars(rows: Sequence[Driver]) -> None:
    """Gives each driver `cars` and `open_notes`, in two queries for a whole page."""
    ids = [driver.pk for driver in rows]
    cars: dict[int, list[Vehicle]] = {}
    for vehicle in Vehicle.objects.filter(driver_id__in=ids, removed=False).order_by("pk"):
        cars.setdefault(vehicle.driver_id or 0, []).append(vehicle)
    notes: dict[int, list[DriverNotification]] = {}
    shown = DriverNotification.objects.filter(driver_id__in=ids, state__in=SHOWN).order_by("-id")
    for note in shown.defer("facts", "body"):
        notes.setdefault(note.driver_id, []).append(note)
    for driver in rows:
        driver.cars = cars.get(driver.pk, [])  # type: ignore[attr-defined]
        driver.open_notes = notes.get(driver.pk, [])  # type: ignore[attr-defined]


def counts_of_type(name: str) -> list[tuple[NotificationState, int]]:
    """How many notifications of a type live, by state."""
    counts = _counts(DriverNotification.objects.filter(type=name, state__in=LIVE), "state")
    return [(state, counts.get(state.value, 0)) for state in LIVE]


def setting_of(name: str) -> TypeSetting | None:
    return TypeSetting.objects.filter(type=name).first()


def facts_about(subject: str, limit: int = 50) -> QuerySet[Fact]:
    return Fact.objects.filter(subject=subject).order_by("-id")[:limit]


def driver_of_fact(fact: Any) -> Driver | None:
    """The driver whom a fact concerns, as far as it names one or the entity that it is about."""
    driver_key = getattr(fact, "driver", None)
    if isinstance(driver_key, str):
        return Driver.objects.filter(external_id=driver_key).first()
    for name, path in (
        ("vehicle", "vehicles"),
        ("account", "accounts"),
        ("location", "locations"),
        ("contract", "contracts"),
    ):
        key = getattr(fact, name, None)
        if isinstance(key, str):
            return Driver.objects.filter(**{f"{path}__external_id": key}).first()
    return None


# ---- people ---------------------------------------------------------------------------------------------------------


def added_languages() -> QuerySet[AddedLanguage]:
    """With how many notifications are written in each."""
    texts = NotificationText.objects.filter(language=OuterRef("code"), type__in=TYPES).order_by().values("language")
    return AddedLanguage.objects.annotate(written=Coalesce(Subquery(texts.annotate(n=Count("*")).values("n")), 0))


def people(payloads: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """For each event's payload the driver whom it notifies: id, name, email; one query. None for one who is unknown."""
    ids = [_driver_in(payload) for payload in payloads]
    rows = Driver.objects.filter(external_id__in={pk for pk in ids if pk}, removed=False)
    drivers = {row["external_id"]: row for row in rows.values("external_id", "name", "email")}
    return [_person(drivers.get(pk)) for pk in ids]


def _driver_in(payload: Mapping[str, Any]) -> str:
    driver = payload.get("driver")
    pk = driver.get("id") if isinstance(driver, Mapping) else ""
    return pk if isinstance(pk, str) else ""


def _person(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {"id": row["external_id"], "name": row["name"], "email": row["email"]} if row else None


def words_of_events() -> dict[str, Callable[[], Iterable[str]]]:
    """What fields of a notification say, for who asks for them in a condition."""
    return {
        "type": lambda: TYPES,
        "category": lambda: Category.values,
        "state": lambda: NotificationState.values,
        "channels": lambda: DriverChannel.values,
        "program": lambda: Driver.objects.exclude(program="").values_list("program", flat=True).distinct(),
        "brand": lambda: Vehicle.objects.exclude(brand="").values_list("brand", flat=True).distinct(),
    }
