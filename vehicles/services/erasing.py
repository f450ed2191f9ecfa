"""Erasing drivers by their address: the values that are theirs, and their name wherever something names them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.erasure import Erased, scrub
from core.lifecycle import How
from outbox.models import Event
from vehicles.models import ChargingLocation, Driver, DriverNotification, Fact, NotificationStep, UtilityContract
from vehicles.services.evaluation import lock_drivers

_Thing = Driver | ChargingLocation | UtilityContract


def erase_drivers(address: str, _now: datetime) -> list[Erased]:
    """Takes a driver's name and address away; what remains is an id that only the sender can tell the owner of.

    Declared as Driver's handler. The sender must forget the address too: whatever it reports anew is kept anew.
    """
    ids = list(Driver.objects.filter(email__iexact=address).order_by("pk").values_list("pk", flat=True))
    named = 0
    for pk in ids:
        with transaction.atomic():
            lock_drivers([pk])
            named += _erase(Driver.objects.get(pk=pk))
    return [
        Erased(_("drivers whose address it was"), len(ids)),
        Erased(_("facts, notifications and events that named these drivers"), named),
    ]


def _erase(driver: Driver) -> int:
    """Returns in how many values of other rows the driver was named."""
    things: list[_Thing] = [
        driver,
        *ChargingLocation.objects.select_for_update(no_key=True).filter(driver=driver).order_by("pk"),
        *UtilityContract.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(driver=driver) | Q(location__driver=driver))
        .order_by("pk"),
    ]
    subjects = [f"{_KIND[type(thing)]}:{thing.external_id}" for thing in things]
    words = {word for thing in things for word in _forget(thing)}
    notifications = DriverNotification.objects.filter(driver=driver)
    return sum(
        scrub(rows.model, sorted(words), keys=list(rows.values_list("pk", flat=True)))
        for rows in (
            notifications,
            NotificationStep.objects.filter(notification__in=notifications),
            Fact.objects.filter(subject__in=[subject[:140] for subject in subjects]),
            Event.objects.filter(subject=subjects[0][:120]),
        )
    )


_KIND: dict[type[_Thing], str] = {Driver: "driver", ChargingLocation: "location", UtilityContract: "contract"}


def _forget(thing: _Thing) -> Iterable[str]:
    """Empties what a thing's model declares to be personal; returns all texts that these values ever were."""
    names = [each.field for each in thing.lifecycle.personal if each.how == How.PERSON and each.field != "reports"]
    values = [value for name in names for _at, value in thing.reports.get(name, ())]
    values += [getattr(thing, name) for name in names]
    for name in names:
        setattr(thing, name, None if thing._meta.get_field(name).null else "")
    thing.reports = {name: entries for name, entries in thing.reports.items() if name not in names}
    thing.save(update_fields=[*names, "reports"])
    return [value for value in values if isinstance(value, str) and value.strip()]
