"""A notification group as a mailing list of the outbox, and what its mails can say beyond their payload."""

from __future__ import annotations

from typing import Any

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


def address_line(facts: dict[str, Any]) -> str:
    """Where a payload's charge point stands, in one line: location, street, town."""
    town = " ".join(facts[part] for part in ("postal_code", "city") if facts.get(part))
    return ", ".join(part for part in (facts.get("location"), facts.get("street"), town) if part)


GROUP_LIST = MailingList("notification_group", _title, _leave)
