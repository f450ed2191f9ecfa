"""A category of one driver's notifications as a mailing list of the outbox: one click leaves it."""

from __future__ import annotations

from django.utils import timezone

from outbox.services.mailing_lists.leaving import MailingList
from vehicles.choices import Category
from vehicles.models import Driver
from vehicles.services.notifications import stop_category


def _parts(key: str) -> tuple[int, str]:
    """Driver and category of "driver_category:7:session"; (0, "") when it is none."""
    _prefix, _sep, rest = key.partition(":")
    number, _sep, category = rest.partition(":")
    if not number.isdigit() or category not in Category.values:
        return 0, ""
    return int(number), category


def _title(key: str) -> str | None:
    driver_id, category = _parts(key)
    exists = Driver.objects.filter(pk=driver_id).exists()
    return str(Category(category).label) if exists and category else None


def _leave(key: str, _address: str) -> bool:
    driver_id, category = _parts(key)
    return bool(category) and stop_category(driver_id=driver_id, category=category, now=timezone.now())


CATEGORY_LIST = MailingList("driver_category", _title, _leave)
