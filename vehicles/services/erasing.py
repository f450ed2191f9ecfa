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

_Personal = Driver | ChargingLocation | UtilityContract


def erase_drivers(address: str, _now: datetime) -> list[Erased]:
    """Takes a driver's name and address away; what remains is an id that only the sender can assign to its owner.

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
    rows_of_driver: list[_Personal] = [
        driver,
        *ChargingLocation.objects.select_for_update(no_key=True).filter(driver=driver).order_by("pk"),
        *UtilityContract.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(driver=driver) | Q(location__driver=driver))
        .order_by("pk"),
    ]
    subjects = [f"{_SUBJECTS[type(row)]}:{row.external_id}" for row in rows_of_driver]
    words = {word for row in rows_of_driver for word in _empty(row)}
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


_SUBJECTS: dict[type[_Personal], str] = {Driver: "driver", ChargingLocation: "location", UtilityContract: "contract"}


def _empty(row: _Personal) -> Iterable[str]:
    """Empties what a row's model declares to be personal; returns all texts that these values ever were."""
    names = [each.field for each in row.lifecycle.personal if each.how == How.PERSON and each.field != "reports"]
    values = [value for name in names for _at, value in row.reports.get(name, ())]
    values += [getattr(row, name) for name in names]
    for name in names:
        setattr(row, name, None if row._meta.get_field(name).null else "")
    row.reports = {name: entries for name, entries in row.reports.items() if name not in names}
    row.save(update_fields=[*names, "reports"])
    return [value for value in values if isinstance(value, str) and value.strip()]
