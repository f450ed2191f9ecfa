"""The steps of the wizard, as a browser sends them."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import resolve

from infra_notifications.models import ChargePoint, GroupDraft, NotificationGroup
from tests.infra_notifications.pages import url


def begin(client: Client, group: NotificationGroup | None = None) -> str:
    """The key of the draft that opening the wizard leads to."""
    opened = client.get(url("wizard_change", group.pk) if group else url("wizard_start"))
    return str(resolve(opened.headers["Location"]).kwargs["key"])


def start(client: Client, name: str = "Köln", group: NotificationGroup | None = None) -> GroupDraft:
    """A new group, or a change of one, with its first step done."""
    key = begin(client, group)
    response = client.post(url("wizard_name", key), {"name": name, "description": "South"})
    assert response.headers["Location"] == url("wizard_charge_points", key)
    return GroupDraft.objects.get(key=key)


def do(client: Client, draft: GroupDraft, what: str, *points: ChargePoint, query: str = "", **more: Any) -> Any:
    """One press of a button in the second step, with the boxes of its page."""
    data = {"what": what, "charge_point": [point.pk for point in points]} | more
    return client.post(f"{url('wizard_mark', draft.key)}?{query}", data)


def mark(client: Client, draft: GroupDraft, *points: ChargePoint) -> Any:
    """Marks rows as the script does, one request for what was clicked."""
    return client.post(url("wizard_mark", draft.key), {"what": "set", "mark": [point.pk for point in points]})


def marked(draft: GroupDraft) -> list[str]:
    """The EVSE ids of what is marked, in its order."""
    draft.refresh_from_db()
    known = ChargePoint.objects.in_bulk(draft.marked)
    return [known[pk].evse_id for pk in draft.marked]
