"""A form that was opened before somebody else saved changes what its reader changed, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from infra_notifications.event_kinds import RECOVERED
from outbox.services.mailing_lists.addresses import changed_addresses
from outbox.services.topic_lists.lists import create_list
from tests.factories.infra_notifications import NotificationGroupFactory

pytestmark = pytest.mark.django_db
_INPUT = re.compile(r'name="(known_emails|emails)"\s+value="([^"]*)"')


def a_group() -> tuple[Any, str]:
    group = NotificationGroupFactory(emails=["a@example.org", "b@example.org"])
    return group, reverse("infra_notifications:group_edit", args=[group.pk])


def a_topic_list() -> tuple[Any, str]:
    topics = create_list(settings={"name": "T", "topics": [RECOVERED]}, emails=["a@example.org", "b@example.org"])
    return topics, reverse("outbox:topic_list_edit", args=[topics.pk])


@pytest.mark.parametrize("make", [a_group, a_topic_list])
def test_an_address_that_another_tab_added_stays(operator: Client, make: Callable[[], tuple[Any, str]]) -> None:
    listed, url = make()
    shown = _INPUT.findall(operator.get(url).content.decode())
    known = [address for name, address in shown if name == "known_emails"]
    common = {"cases": ["SENSORS"], "language": "en", "name": "T", "topics": RECOVERED, "gather_s": 60}

    def save(*emails: str) -> None:
        answer = operator.post(url, common | {"known_emails": known, "emails": list(emails)})
        assert answer.status_code == 302, answer.content.decode()

    save("a@example.org", "b@example.org", "tab-b@example.org")
    save("A@example.org", "tab-a@example.org")
    now = listed.addresses.order_by("address").values_list("address", flat=True)
    assert list(now) == ["a@example.org", "tab-a@example.org", "tab-b@example.org"]


def test_changes_of_addresses() -> None:
    assert changed_addresses(["x", "y"], [], ["a"]) == ["x", "y"]
    assert changed_addresses([""], ["", "a"], ["a", "b"]) == ["b"]
    assert changed_addresses(["a"], ["", "a"], []) == [], "what another took off stays off"
    assert changed_addresses(["a", "b"], [""], ["b"]) == ["b", "a"]
