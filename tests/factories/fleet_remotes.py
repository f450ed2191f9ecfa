"""Fleets, vehicles, callbacks, actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from core.services import digest_of
from fleet_remotes.choices import IN_FLIGHT, Brand, Capability, Kind, State
from fleet_remotes.models import Callback, Fleet, FleetVehicle, RemoteAction
from fleet_remotes.models.actions import new_label

HEADER_VALUE = "Bearer 0123456789-abcdefghijklmnop"


class FleetFactory(factory.django.DjangoModelFactory[Fleet]):
    class Meta:
        model = Fleet

    key = factory.Sequence(lambda n: f"F-{n}")


class FleetVehicleFactory(factory.django.DjangoModelFactory[FleetVehicle]):
    class Meta:
        model = FleetVehicle

    fleet = factory.SubFactory(FleetFactory)
    vin = factory.Sequence(lambda n: f"VR3TEST{n:010d}")
    vehicle_id = factory.Sequence(lambda n: f"vid{n}")
    brand = Brand.PEUGEOT
    model = "e-208"
    name = factory.Sequence(lambda n: f"Pool {n}")
    capabilities = factory.LazyFunction(lambda: list(Capability.values))


class CallbackFactory(factory.django.DjangoModelFactory[Callback]):
    class Meta:
        model = Callback

    slug = factory.Sequence(lambda n: f"callback-{n}")
    fleet = factory.SubFactory(FleetFactory)
    header_name = "Authorization"
    header_digest = digest_of(HEADER_VALUE)
    callback_id = factory.Sequence(lambda n: f"cb{n}")
    status = "Running"


class RemoteActionFactory(factory.django.DjangoModelFactory[RemoteAction]):
    """By default one that the vendor took a moment ago; a state without the vendor leaves its id out."""

    class Meta:
        model = RemoteAction

    vehicle = factory.SubFactory(FleetVehicleFactory)
    fleet = factory.SelfAttribute("vehicle.fleet")
    kind = Kind.DOOR
    parameters = factory.LazyFunction(lambda: {"state": "Locked"})
    label = factory.LazyFunction(new_label)
    state = State.SUBMITTED
    since = factory.LazyFunction(timezone.now)
    entered_at = factory.SelfAttribute("since")
    created_at = factory.SelfAttribute("since")
    not_before = factory.SelfAttribute("since")
    expires_at = factory.LazyAttribute(lambda o: o.since + timedelta(hours=1))
    submitting_at = factory.LazyAttribute(lambda o: o.since if o.state in IN_FLIGHT else None)
    submitted_at = factory.LazyAttribute(lambda o: o.since if o.remote_action_id else None)
    remote_action_id = factory.Sequence(lambda n: f"ra{n}")


def with_callback(**kwargs: Any) -> tuple[RemoteAction, Callback]:
    """An action and the callback of its fleet through which it was sent."""
    vehicle = kwargs.pop("vehicle", None) or FleetVehicleFactory()
    callback = CallbackFactory(fleet=vehicle.fleet)
    action = RemoteActionFactory(vehicle=vehicle, callback_ref=callback.pk, **kwargs)
    return action, callback
