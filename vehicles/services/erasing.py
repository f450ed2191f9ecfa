"""Erasing drivers by their address: the values that are theirs, and their name wherever something names them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.erasure import Erased, scrub
from core.ingest import try_again
from core.lifecycle import How
from core.unit_of_work import LostRace
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
        named += try_again(partial(_erase, pk))
    return [
        Erased(_("drivers whose address it was"), len(ids)),
        Erased(_("facts, notifications and events that named these drivers"), named),
    ]


def _places_and_contracts(driver_id: int) -> list[_Personal]:
    contracts = UtilityContract.objects.filter(Q(driver=driver_id) | Q(location__driver=driver_id))
    return [
        *ChargingLocation.objects.select_for_update(no_key=True).filter(driver=driver_id).order_by("pk"),
        *contracts.select_for_update(of=("self",), no_key=True).order_by("pk"),
    ]


@transaction.atomic
def _erase(driver_id: int) -> int:
    """Returns in how many values of other rows the driver was named.

    Locks drivers last, as batches of facts do. Raises LostRace when a place or contract was added meanwhile.
    """
    others = _places_and_contracts(driver_id)
    lock_drivers([driver_id])
    if len(_places_and_contracts(driver_id)) > len(others):
        raise LostRace
    driver = Driver.objects.get(pk=driver_id)
    rows_of_driver = [driver, *others]
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
