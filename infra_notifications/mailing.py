"""A notification group as a mailing list of the outbox: its title, and how an address leaves it."""

from __future__ import annotations

from infra_notifications.models import NotificationGroup
from infra_notifications.services.groups import leave_list
from outbox.lists import MailingList


def _group_id(key: str) -> int:
    number = key.partition(":")[2]
    return int(number) if number.isdigit() else 0


def _title(key: str) -> str | None:
    return NotificationGroup.objects.filter(pk=_group_id(key)).values_list("name", flat=True).first()


def _leave(key: str, address: str) -> bool:
    return leave_list(group_id=_group_id(key), address=address)


GROUP_LIST = MailingList("notification_group", _title, _leave)
