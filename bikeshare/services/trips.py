"""Trips: rent, pause, ask for the end, decide about it, close, bill.

The termination request is the only way to end a trip. What concerns one trip is changed by functions that ask the
database nothing (`OpenTrip`), so that a batch of a thousand lock messages is a fixed number of statements.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from bikeshare.choices import (
    ENDING,
    OPEN_REQUEST,
    RUNNING,
    Refusal,
    RequestOrigin,
    RequestStatus,
    TripStatus,
)
from bikeshare.event_kinds.payloads import ObjectPayload, TripMarked, TripMarkUpdated
from bikeshare.models import Bike, Dock, Registration, TerminationRequest, Trip, new_id
from bikeshare.rules.renting import durations, end_of_trip
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import facts_of
from bikeshare.services.refusals import invalid, refusal
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load
from core.identities import identity


@dataclass
class OpenTrip:
    """A running trip with everything that its end touches, read and locked."""

    trip: Trip
    vehicule: Bike
    registration: Registration | None = None
    requests: list[TerminationRequest] = field(default_factory=list)

    @property
    def request(self) -> TerminationRequest | None:
        """The request that waits for a decision."""
        return next((request for request in self.requests if request.status in OPEN_REQUEST), None)


def pin_hash(trip_id: str, pin: str, secret: str = "") -> str:
    """What is kept of a PIN: without our secret key it tells nothing, though a PIN has few digits."""
    key = secret or settings.SECRET_KEY
    return hmac.new(key.encode(), f"pin:{trip_id}:{pin}".encode(), hashlib.sha256).hexdigest()


def is_pin(trip_id: str, pin: str, kept: str) -> bool:
    """Whether this is the PIN of which that was kept, perhaps under an older secret key."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return bool(kept) and any(hmac.compare_digest(pin_hash(trip_id, pin, key), kept) for key in keys)


def new_pin() -> str:
    return f"{secrets.randbelow(10_000):04d}"


def open_trips(trip_ids: Iterable[str]) -> dict[str, OpenTrip]:
    """Reads and locks trips with what belongs to them, by id; in the order trip, request, registration, vehicle."""
    trips = load(Trip.objects.filter(pk__in=list(trip_ids)))
    ids = [trip.pk for trip in trips]
    requests: dict[str, list[TerminationRequest]] = defaultdict(list)
    for request in load(TerminationRequest.objects.filter(trip_id__in=ids)):
        requests[request.trip_id].append(request)
    cyclists = {trip.cyclist_id for trip in trips}
    registrations = {
        (row.cyclist_id, row.program_id): row for row in load(Registration.objects.filter(cyclist_id__in=cyclists))
    }
    vehicules = {row.pk: row for row in load(rows_of(Bike).filter(pk__in=[t.vehicule_id for t in trips]))}
    rides = {}
    for trip in trips:
        if trip.vehicule_id in vehicules:
            registration = registrations.get((trip.cyclist_id, trip.program_id))
            rides[trip.pk] = OpenTrip(trip, vehicules[trip.vehicule_id], registration, requests[trip.pk])
    return rides


def open_trip(trip_id: str) -> OpenTrip:
    """One trip. Raises Refused when there is none."""
    ride = open_trips([trip_id]).get(trip_id)
    if ride is None:
        raise invalid("trip", _("There is no trip %(id)s.") % {"id": trip_id})
    return ride


# ---- asking for the end -----------------------------------------------------------------------------------------


def mark(
    work: ResourceUnitOfWork,
    ride: OpenTrip,
    *,
    origin: RequestOrigin,
    date: datetime,
    dock: Dock | None = None,
    **details: Any,
) -> TerminationRequest:
    """Asks for the trip's end: a cyclist's request waits, those of the lock and of operators are decided by events."""
    if ride.request is not None:
        raise refusal(Refusal.PENDING_REQUEST)
    if ride.trip.status not in (TripStatus.RENTING, TripStatus.PITSTOP):
        raise refusal(Refusal.TRIP_NOT_RENTING)
    by_cyclist = origin == RequestOrigin.CYCLIST
    request = TerminationRequest(
        id=new_id(TerminationRequest.PREFIX),
        program_id=ride.trip.program_id,
        trip=ride.trip,
        origin=origin,
        status=RequestStatus.PENDING if by_cyclist else RequestStatus.CREATED,
        date=max(date, ride.trip.start_at),
        dock=dock,
        created=work.now,
        **details,
    )
    status = TripStatus.TERMINATION_REQUESTED if by_cyclist else TripStatus.TERMINATING
    end_pause(work, ride, at=request.date)
    work.change(ride.trip, status=status, termination_requested_at=request.date)
    work.create(request)
    ride.requests.append(request)
    work.publish("trip.marked", ride.trip, TripMarked, key=request.pk, termination_request=facts_of(request))
    return request


def change_request(work: ResourceUnitOfWork, ride: OpenTrip, request: TerminationRequest, **values: Any) -> bool:
    """Changes a termination request and tells trip.mark.updated with its old values."""
    before = {name: getattr(facts_of(request), name, None) for name in values}
    if not work.change(request, **values):
        return False
    after = facts_of(request)
    previous = {name: old for name, old in before.items() if getattr(after, name, None) != old}
    work.publish(
        "trip.mark.updated",
        ride.trip,
        TripMarkUpdated,
        key=f"{request.pk}:{request.version}",
        termination_request=after,
        previous_attributes=previous,
    )
    return True


def cancel_mark(work: ResourceUnitOfWork, ride: OpenTrip, *, reason: str = "") -> None:
    """Cancels the open request: the trip goes on."""
    request = ride.request
    if request is None:
        raise refusal(Refusal.MISSING_PENDING_REQUEST)
    work.change(ride.trip, status=TripStatus.RENTING, termination_requested_at=None)
    status = RequestStatus.CANCELLED
    change_request(work, ride, request, status=status, decided_at=work.now, reason=reason[:200])
    work.publish("trip.resumed", ride.trip, ObjectPayload)


def complete(work: ResourceUnitOfWork, ride: OpenTrip, *, dock: Dock | None = None, reason: str = "") -> None:
    """Accepts the open request: the trip is completed at the date of its oldest request that was not cancelled.

    `dock` is where the vehicle stands now; without it the request's own counts, if there is one.
    """
    request, trip = ride.request, ride.trip
    if request is None:
        raise refusal(Refusal.MISSING_PENDING_REQUEST)
    dock = dock or (request.dock if request.dock_id else None)
    dates = [(row.status, row.date) for row in ride.requests]
    end = end_of_trip(dates, start=trip.start_at)
    assert end is not None, "an open request is not cancelled"
    riding, total = durations(trip.start_at, end, trip.paused_s)
    change_request(
        work, ride, request, status=RequestStatus.ACCEPTED, decided_at=work.now, reason=reason[:200], dock=dock
    )
    work.change(
        trip,
        status=TripStatus.COMPLETED,
        end_at=end,
        duration=riding,
        duration_total=total,
        end_photo=request.photo,
        **_end_of(ride, request, dock),
    )
    work.publish("trip.terminated", trip, ObjectPayload)
    station_id = dock.station_id if dock else None
    work.change(ride.vehicule, trips=ride.vehicule.trips + 1, station_id=station_id, on_trip=False)
    work.note_ride(ride.vehicule.pk)
    if dock is not None:
        work.change(dock, vehicule=ride.vehicule)


def _end_of(ride: OpenTrip, request: TerminationRequest, dock: Dock | None) -> dict[str, Any]:
    """Where a trip ended: the dock and its station, and the best position that is known."""
    state = ride.vehicule.state
    latitude, longitude = request.latitude, request.longitude
    if latitude is None and state is not None:
        latitude, longitude = state.latitude, state.longitude
    place: dict[str, Any] = {"end_latitude": latitude, "end_longitude": longitude}
    if dock is not None:
        station = dock.station
        place |= {"end_dock": dock, "end_station": station, "end_name": station.name, "end_region": station.region}
    return place


def end_pause(work: ResourceUnitOfWork, ride: OpenTrip, *, at: datetime) -> None:
    """Counts a pause that ends, if there is one."""
    trip = ride.trip
    if trip.paused_at is not None:
        paused = max(0, int((at - trip.paused_at).total_seconds()))
        work.change(trip, paused_s=trip.paused_s + paused, paused_at=None)


# ---- what the API and the console ask for -----------------------------------------------------------------------


def request_end(
    trip_id: str,
    *,
    now: datetime,
    end_code: str = "",
    photo: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
) -> Trip:
    """A cyclist asks for the end of a trip, with the end code of a dock or with a photo of the vehicle."""
    if not end_code and not photo:
        raise invalid("photo", _("Give a photo, or the end code of a dock."))
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        dock = _dock_of_code(ride, end_code) if end_code else None
        details = {"photo": photo, "latitude": latitude, "longitude": longitude}
        mark(work, ride, origin=RequestOrigin.CYCLIST, date=now, dock=dock, **details)
        return ride.trip


def _dock_of_code(ride: OpenTrip, end_code: str) -> Dock:
    docks: list[Dock] = load(
        rows_of(Dock).filter(program_id=ride.trip.program_id, end_code__identity=identity(end_code))
    )
    if not docks:
        raise refusal(Refusal.END_CODE_UNKNOWN)
    if docks[0].vehicule_id not in (None, ride.vehicule.pk):
        raise refusal(Refusal.END_CODE_OCCUPIED)
    return docks[0]


def decide(trip_id: str, *, accept: bool, now: datetime, reason: str = "") -> Trip:
    """An operator accepts or cancels the open termination request of a trip."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        if accept:
            _lock_dock(ride)
            complete(work, ride, reason=reason)
        else:
            cancel_mark(work, ride, reason=reason)
        return ride.trip


def _lock_dock(ride: OpenTrip) -> None:
    """Holds the dock that the open request names; drops it when another vehicle came to stand there."""
    if ride.request is None or ride.request.dock_id is None:
        return
    docks = load(rows_of(Dock).filter(pk=ride.request.dock_id).select_related("vehicule", "station"))
    ride.request.dock = docks[0] if docks and docks[0].vehicule_id in (None, ride.vehicule.pk) else None


def close(trip_id: str, *, now: datetime, reason: str = "") -> Trip:
    """An operator ends a trip: by its open request if there is one, else by one of the operator's own."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        if ride.trip.status not in RUNNING:
            raise refusal(Refusal.TRIP_NOT_RENTING)
        if ride.request is None:
            mark(work, ride, origin=RequestOrigin.OPERATOR, date=now, reason=reason[:200])
        _lock_dock(ride)
        complete(work, ride, reason=reason)
        return ride.trip


def edit_request(trip_id: str, *, changes: dict[str, Any], now: datetime) -> Trip:
    """Changes the open request of a trip: its photo, position or date."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        request = ride.request
        if request is None:
            raise refusal(Refusal.MISSING_PENDING_REQUEST)
        if "date" in changes and not ride.trip.start_at <= changes["date"] <= now:
            raise invalid("date", _("The date must lie between the trip’s start and now."))
        if change_request(work, ride, request, **changes) and "date" in changes:
            work.change(ride.trip, termination_requested_at=request.date)
        return ride.trip


def pause(trip_id: str, *, now: datetime) -> Trip:
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        if ride.trip.status != TripStatus.RENTING:
            raise refusal(Refusal.TRIP_NOT_RENTING)
        work.change(ride.trip, status=TripStatus.PITSTOP, paused_at=now)
        return ride.trip


def go_on(trip_id: str, *, now: datetime) -> Trip:
    """Ends a pause. No trip.resumed: that is for a cancelled termination request."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        if ride.trip.status != TripStatus.PITSTOP:
            raise refusal(Refusal.ILLEGAL_MOVE, _("The trip is not paused."))
        resume_riding(work, ride, at=now)
        return ride.trip


def resume_riding(work: ResourceUnitOfWork, ride: OpenTrip, *, at: datetime) -> None:
    end_pause(work, ride, at=at)
    work.change(ride.trip, status=TripStatus.RENTING)


def bill(trip_id: str, *, amounts: dict[str, int | None], now: datetime) -> Trip:
    """What a completed trip costs: told by trip.updated, after trip.terminated."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        ride = open_trip(trip_id)
        if ride.trip.status != TripStatus.COMPLETED:
            raise refusal(Refusal.ILLEGAL_MOVE, _("A trip is billed after it was completed."))
        work.change(ride.trip, billed_at=now, **amounts)
        return ride.trip


def complete_waiting(work: ResourceUnitOfWork, vehicule_ids: Sequence[str]) -> None:
    """Vehicles are rented again: their trips that wait for the end of a cyclist's request end with its date."""
    waiting = Trip.objects.filter(vehicule_id__in=vehicule_ids, status__in=ENDING)
    for ride in open_trips(waiting.values_list("pk", flat=True)).values():
        if ride.trip.status in ENDING:
            complete(work, ride, reason="rented again")
