"""Programs, cyclists, vehicles, trips: rows as they would stand after the services, without events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory

from bikeshare.choices import (
    BikeStatus,
    BikeType,
    CyclistStatus,
    RegistrationStatus,
    RequestOrigin,
    RequestStatus,
    SubscriptionStatus,
    TripStatus,
    ZoneType,
)
from bikeshare.models import (
    Bike,
    BikeState,
    Cyclist,
    Dock,
    LockBox,
    LockBoxState,
    Pass,
    Program,
    Registration,
    Resource,
    Station,
    Subscription,
    TerminationRequest,
    Trip,
    Zone,
    new_id,
)
from bikeshare.services.trips import pin_hash
from tests.clock import NOW

MADE = NOW - timedelta(days=265)
PIN = "4711"
SQUARE = [[2.30, 48.80], [2.40, 48.80], [2.40, 48.90], [2.30, 48.90], [2.30, 48.80]]


class ProgramFactory(factory.django.DjangoModelFactory[Program]):
    class Meta:
        model = Program
        django_get_or_create = ("id",)

    id = "lutece"
    name = "Vélos de Lutèce"
    city = "Paris"


class ResourceFactory(factory.django.DjangoModelFactory[Resource]):
    class Meta:
        abstract = True

    created = MADE
    program = factory.SubFactory(ProgramFactory)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("id", new_id(model_class.PREFIX))
        return super()._create(model_class, *args, **kwargs)


class CyclistFactory(ResourceFactory):
    class Meta:
        model = Cyclist

    name = factory.Sequence(lambda n: f"Camille {n}")
    email = factory.Sequence(lambda n: f"camille{n}@example.org")
    phone_number = "+33600000000"
    status = CyclistStatus.ACTIVE
    has_payment_source = True
    phone_confirmed_at = MADE


class RegistrationFactory(ResourceFactory):
    class Meta:
        model = Registration

    cyclist = factory.SubFactory(CyclistFactory)
    status = RegistrationStatus.ACTIVE


class PassFactory(ResourceFactory):
    class Meta:
        model = Pass

    uid = factory.Sequence(lambda n: f"04A1B2C3{n:06d}")


class SubscriptionFactory(ResourceFactory):
    class Meta:
        model = Subscription

    cyclist = factory.SubFactory(CyclistFactory)
    forfait = "year"
    amount = 4900
    status = SubscriptionStatus.ACTIVE
    activated_at = MADE


class StationFactory(ResourceFactory):
    class Meta:
        model = Station

    name = factory.Sequence(lambda n: f"Quai {n}")
    city = "Paris"
    latitude, longitude = 48.853, 2.349


class LockBoxFactory(ResourceFactory):
    class Meta:
        model = LockBox

    number = factory.Sequence(lambda n: f"BX-{n:06d}")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        state = kwargs.pop("said", {})
        boitier = super()._create(model_class, *args, **kwargs)
        LockBoxState.objects.create(boitier=boitier, **state)
        return boitier


class BikeFactory(ResourceFactory):
    class Meta:
        model = Bike

    number = factory.Sequence(lambda n: f"{n:04d}")
    type = BikeType.VAE
    status = BikeStatus.READY
    boitier = factory.SubFactory(LockBoxFactory, program=factory.SelfAttribute("..program"))

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        told = kwargs.pop("told", {})
        bike = super()._create(model_class, *args, **kwargs)
        BikeState.objects.create(vehicule=bike, **told)
        return bike


class DockFactory(ResourceFactory):
    class Meta:
        model = Dock

    station = factory.SubFactory(StationFactory, program=factory.SelfAttribute("..program"))
    rfid = factory.Sequence(lambda n: f"E2{n:06d}")
    end_code = factory.Sequence(lambda n: f"D{n:05d}")


class TripFactory(ResourceFactory):
    """A running trip whose PIN is 4711."""

    class Meta:
        model = Trip

    id = factory.LazyFunction(lambda: new_id(Trip.PREFIX))
    cyclist = factory.SubFactory(CyclistFactory, program=factory.SelfAttribute("..program"))
    vehicule = factory.SubFactory(BikeFactory, program=factory.SelfAttribute("..program"))
    vehicule_number = factory.SelfAttribute("vehicule.number")
    vehicule_type = factory.SelfAttribute("vehicule.type")
    status = TripStatus.RENTING
    start_at = MADE
    pin_hash = factory.LazyAttribute(lambda trip: pin_hash(trip.id, PIN))

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        trip = super()._create(model_class, *args, **kwargs)
        trip.vehicule.on_trip = trip.status != TripStatus.COMPLETED
        Bike.objects.filter(pk=trip.vehicule_id).update(on_trip=trip.vehicule.on_trip)
        return trip


class RequestFactory(ResourceFactory):
    class Meta:
        model = TerminationRequest

    trip = factory.SubFactory(TripFactory)
    origin = RequestOrigin.SYSTEM
    status = RequestStatus.CREATED
    date = MADE + timedelta(minutes=20)


class ZoneFactory(ResourceFactory):
    class Meta:
        model = Zone

    name = factory.Sequence(lambda n: f"Parc {n}")
    type = ZoneType.FORBIDDEN
    geometry = factory.LazyFunction(lambda: {"type": "MultiPolygon", "coordinates": [[SQUARE]]})


def rider(**kwargs: Any) -> Cyclist:
    """A cyclist who may rent: active, registered, with an abonnement."""
    cyclist: Cyclist = CyclistFactory(**kwargs)
    RegistrationFactory(cyclist=cyclist, program=cyclist.program)
    SubscriptionFactory(cyclist=cyclist, program=cyclist.program)
    return cyclist


def ending_trip(status: TripStatus = TripStatus.TERMINATING, **kwargs: Any) -> Trip:
    """A trip whose end was asked for: by the lock, or by the cyclist."""
    trip: Trip = TripFactory(status=status, **kwargs)
    by_cyclist = status == TripStatus.TERMINATION_REQUESTED
    RequestFactory(
        trip=trip,
        program=trip.program,
        origin=RequestOrigin.CYCLIST if by_cyclist else RequestOrigin.SYSTEM,
        status=RequestStatus.PENDING if by_cyclist else RequestStatus.CREATED,
    )
    return trip
