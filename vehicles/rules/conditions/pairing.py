"""The pairing of a linked car, and the manufacturer's service that Renault's cars need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from vehicles.rules.clocks import as_day, days_before, end_of, local_moment
from vehicles.rules.conditions.connection import RENAULT
from vehicles.rules.conditions.settings import AUDI
from vehicles.rules.snapshot import Service, Snapshot, Vehicle
from vehicles.rules.windows import Thresholds, Window, condition, of_vehicle
from vehicles.rules.words import NOT_RUNNING

ZE_INTERACTIVE = "ZE_INTERACTIVE"
USERS, NO_USERS = ("primary", "secondary"), ("guest", "none")
PAIRING_BEGUN = ("started", "failed", "completed")


def ze_interactive(vehicle: Vehicle) -> Service | None:
    return next((s for s in vehicle.services if s.key.endswith(f"/{ZE_INTERACTIVE}")), None)


def _renaults(snapshot: Snapshot) -> Iterator[tuple[Vehicle, Service, str]]:
    """Each linked Renault whose service was reported, with the state of that service."""
    for vehicle in snapshot.vehicles:
        service = ze_interactive(vehicle)
        if vehicle.brand == RENAULT and vehicle.is_linked and service is not None and service.reports.has("state"):
            yield vehicle, service, str(service.reports.latest("state")).lower()


def service_expires(service: Service) -> datetime | None:
    return end_of(service.reports.latest("expires_at"), service.zone)


@condition("service_to_be_activated")
def service_to_be_activated(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The service does not run: none was ordered, it ended, or its time is over."""
    for vehicle, service, state in _renaults(snapshot):
        if state in NOT_RUNNING:
            yield from of_vehicle(vehicle, service.reports.since("state"), seen_at=service.reports.reported_at("state"))
        elif state == "active":
            yield from of_vehicle(vehicle, service_expires(service))


@condition("service_rejected")
def service_rejected(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The manufacturer refused the activation. Ends with a new request or an activation."""
    for vehicle, service, state in _renaults(snapshot):
        if state == "rejected":
            yield from of_vehicle(
                vehicle,
                service.reports.since("state"),
                subject=f"service:{service.key}",
                seen_at=service.reports.reported_at("state"),
                facts={"reason": str(service.reports.latest("reason") or "")},
            )


@condition("service_expires_soon")
def service_expires_soon(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """The service runs and ends in 30, 7 or 1 calendar days of the driver: one notification for each, in turn."""
    days = sorted({int(d) for d in thresholds["days"]}, reverse=True)
    for vehicle, service, state in _renaults(snapshot):
        expires = service_expires(service)
        day = as_day(service.reports.latest("expires_at"), snapshot.zone)
        if state != "active" or expires is None or day is None:
            continue
        # Counted from the moment; where a day alone was named, from when it begins.
        counted = min(expires, local_moment(day, expires.astimezone(snapshot.zone).time(), snapshot.zone))
        begins = [days_before(counted, d, snapshot.zone) for d in days]
        for number, left in enumerate(days):
            yield from of_vehicle(
                vehicle,
                begins[number],
                subject=f"service:{service.key}:{left}",
                ends=begins[number + 1] if number + 1 < len(days) else expires,
                facts={"days": left, "date": day.isoformat()},
            )


@condition("service_requested")
def service_requested(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The activation was requested and the manufacturer has not answered."""
    for vehicle, service, state in _renaults(snapshot):
        if state == "requested":
            yield from of_vehicle(vehicle, service.reports.since("state"), subject=f"service:{service.key}")


@condition("service_activated")
def service_activated(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """The service came to run, by request or by the driver's own doing, and the car is not paired since."""
    for vehicle, service, _state in _renaults(snapshot):
        begins = runs_since(vehicle, service)
        if begins is None:
            continue
        ends = begins + timedelta(days=thresholds["days"])
        yield from of_vehicle(vehicle, begins, subject=f"service:{service.key}", ends=ends, expires=True)


def runs_since(vehicle: Vehicle, service: Service) -> datetime | None:
    """Since when a service runs that did not before; None when the driver went on to pair the car."""
    begins = service.reports.since("state")
    earlier = service.reports.before("state")
    if service.reports.latest("state") != "active" or begins is None or not earlier:
        return None
    idle = service.reports.last_time("state", earlier[-1])
    is_renewed = earlier[-1] != "requested" and (paired_since(vehicle) is not None or _worked(vehicle, service))
    return None if idle is None or _moved_on(vehicle, idle) or is_renewed else begins


def _worked(vehicle: Vehicle, service: Service) -> bool:
    """Whether the car was heard of before its service came to an end: platforms send no steps of a pairing."""
    heard = vehicle.reports.first_time("contact", True)
    ended = service.reports.last_time("state", service.reports.before("state")[-1])
    return heard is not None and ended is not None and heard < ended


def _moved_on(vehicle: Vehicle, after: datetime) -> bool:
    """Whether the driver began to pair the car, or ended it, after a moment."""
    moments = (vehicle.reports.last_time("pairing", step) for step in ("started", "completed"))
    return any(moment is not None and moment >= after for moment in moments)


@condition("ready_for_pairing")
def ready_for_pairing(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """Everything is prepared: the driver may begin to pair."""
    for vehicle in snapshot.vehicles:
        if vehicle.is_linked:
            yield from of_vehicle(vehicle, ready_since(vehicle), ends=_ready_until(vehicle))


def ready_since(vehicle: Vehicle) -> datetime | None:
    """Since when a vehicle is ready: by word, because its service came to run (Renault), or enrolled (Audi)."""
    moments = [vehicle.reports.since("pairing")] if vehicle.reports.latest("pairing") == "ready" else []
    service = ze_interactive(vehicle)
    if vehicle.brand == RENAULT and service is not None:
        moments.append(runs_since(vehicle, service))
    if vehicle.brand == AUDI and (is_user(vehicle) or not has_role(vehicle)):
        moments.append(_enrolled_since(vehicle))
    reported = [moment for moment in moments if moment is not None]
    return min(reported) if reported else None


def _enrolled_since(vehicle: Vehicle) -> datetime | None:
    """Since when an Audi is enrolled that was not before; None once its pairing began or is complete."""
    if vehicle.reports.latest("enrollment") != "completed" or not vehicle.reports.before("enrollment"):
        return None
    return None if vehicle.reports.latest("pairing") in PAIRING_BEGUN else vehicle.reports.since("enrollment")


def _ready_until(vehicle: Vehicle) -> datetime | None:
    service = ze_interactive(vehicle)
    return service_expires(service) if vehicle.brand == RENAULT and service is not None else None


@condition("check_activation")
def check_activation(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """The car was paired so many hours ago and has not proved since that it is active."""
    for vehicle in snapshot.vehicles:
        paired = paired_since(vehicle)
        if paired is not None and vehicle.is_linked and not is_proved(vehicle, paired):
            yield from of_vehicle(vehicle, paired + timedelta(hours=thresholds["hours"]))


def paired_since(vehicle: Vehicle) -> datetime | None:
    return vehicle.reports.since("pairing") if vehicle.reports.latest("pairing") == "completed" else None


def is_proved(vehicle: Vehicle, paired: datetime) -> bool:
    """A sign of life after the pairing, or the word of the sender, proves that the car is active."""
    heard, confirmed = vehicle.last_contact, vehicle.reports.last_time("activation_confirmed", True)
    return any(moment is not None and moment >= paired for moment in (heard, confirmed))


@condition("audi_not_paired")
def audi_not_paired(snapshot: Snapshot, _thresholds: Thresholds) -> Iterator[Window]:
    """The account is neither primary nor secondary user of the Audi."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand == AUDI and vehicle.is_linked and has_role(vehicle) and not is_user(vehicle):
            begins = _last_run(vehicle, "user_role", USERS)
            yield from of_vehicle(vehicle, begins, seen_at=vehicle.reports.reported_at("user_role"))


def has_role(vehicle: Vehicle) -> bool:
    """Whether it is known what the driver is to the car."""
    return str(vehicle.reports.latest("user_role") or "").lower() in (*USERS, *NO_USERS)


def is_user(vehicle: Vehicle) -> bool:
    return str(vehicle.reports.latest("user_role") or "").lower() in USERS


def _last_run(vehicle: Vehicle, field: str, good: tuple[str, ...]) -> datetime | None:
    """Since when a field has had none of the good values, whichever bad ones it had."""
    begins = vehicle.reports.since(field)
    times = [t for value in good if (t := vehicle.reports.last_time(field, value)) is not None]
    first_bad = [t for t in _moments(vehicle, field) if not times or t > max(times)]
    return min(first_bad, default=begins)


def _moments(vehicle: Vehicle, field: str) -> list[datetime]:
    return [datetime.fromisoformat(moment) for moment, value in vehicle.reports.raw.get(field, []) if value in NO_USERS]


@condition("audi_pairing_incomplete")
def audi_pairing_incomplete(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Window]:
    """The enrolment or the pairing of an Audi was begun so many hours ago, and neither is completed since."""
    for vehicle in snapshot.vehicles:
        if vehicle.brand == AUDI and vehicle.is_linked and (begun := _begun_since(vehicle)) is not None:
            yield from of_vehicle(vehicle, begun + timedelta(hours=thresholds["hours"]))


def _begun_since(vehicle: Vehicle) -> datetime | None:
    """Since when the enrolment or the pairing is begun; either one that is completed later ends both."""
    steps = ("enrollment", "pairing")
    done = max((m for step in steps if (m := vehicle.reports.last_time(step, "completed"))), default=None)
    begun = [m for step in steps if vehicle.reports.latest(step) == "started" and (m := vehicle.reports.since(step))]
    return min((moment for moment in begun if done is None or moment > done), default=None)
