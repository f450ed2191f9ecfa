"""The wizard on a group that exists: it changes what was changed in it, and takes back nobody else's change."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Undo
from infra_notifications.models import ChargePoint, NotificationGroup
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.pages import text_of, url
from tests.infra_notifications.wizard import begin, do, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def points(db: None) -> list[ChargePoint]:
    return [ChargePointFactory(evse_id=f"DE*ABC*E{n}*1") for n in range(1, 5)]


def test_change_begins_with_what_the_group_is_now(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(name="Köln", description="South", members=points[:2])
    key = begin(operator, group)
    assert 'value="Köln"' in operator.get(url("wizard_name", key)).content.decode()
    assert "2 charge points marked" in text_of(operator.get(url("wizard_charge_points", key)))


def test_what_others_changed_meanwhile_stays(operator: Client, points: list[ChargePoint]) -> None:
    """A change of a group is what was changed; step 3 names it."""
    group = NotificationGroupFactory(name="Köln", description="North", members=points[:2])
    first, second = begin(operator, group), begin(operator, group)
    operator.post(url("wizard_name", first), {"name": "Bonn", "description": "North"})
    for key, data in ((first, {"unmark": points[0].pk}), (second, {"mark": points[2].pk, "unmark": points[1].pk})):
        operator.post(url("wizard_mark", key), {"what": "set", **data})
    operator.post(url("wizard_confirm", second))
    shown = text_of(operator.get(url("wizard_confirm", first)))
    assert "Removed 1: DE*ABC*E1*1" in shown
    assert "Somebody else added or removed 2 charge points of this group meanwhile. That stays." in shown
    operator.post(url("wizard_confirm", first))
    group.refresh_from_db()
    assert (group.name, group.description, set(group.charge_points.all())) == ("Bonn", "North", {points[2]})


@pytest.mark.parametrize("is_begun", [True, False], ids=["while it was a draft", "before the first letter"])
def test_name_that_another_changed_meanwhile_is_said(
    operator: Client, administrator: Client, *, is_begun: bool
) -> None:
    group = NotificationGroupFactory(name="Köln")
    key, other = begin(operator, group), begin(administrator, group)
    (version,) = re.findall(r'name="version" value="([^"]+)"', operator.get(url("wizard_name", key)).content.decode())
    for when, name in ((True, "Bon"), (False, "")):
        if when == is_begun:
            sent = {"autosave": "1", "name": name or "B", "version": version}
            operator.post(url("wizard_name", key), sent)
        if when:
            administrator.post(url("wizard_name", other), {"name": "Aachen"})
            administrator.post(url("wizard_confirm", other))
    operator.post(url("wizard_name", key), {"name": "Bonn", "version": version})
    told = operator.post(url("wizard_confirm", key))
    assert told.status_code == 422
    assert "name: Köln → Aachen" in text_of(told)
    assert operator.post(url("wizard_confirm", key)).status_code == 302
    group.refresh_from_db()
    assert group.name == "Bonn"


def test_name_and_members_are_changed_and_nothing_else(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(name="Köln", members=points[:2], language="fr", hold_off_s={"SENSORS": 5})
    draft = start(operator, "Bonn", group)
    do(operator, draft, "page", points[3], was_marked=[points[0].pk])
    response = operator.post(url("wizard_confirm", draft.key), follow=True)
    assert "“Bonn” is saved." in text_of(response)
    changed = NotificationGroup.objects.get()
    assert (changed.pk, changed.name, changed.language, changed.hold_off_s) == (group.pk, "Bonn", "fr", {"SENSORS": 5})
    assert set(changed.charge_points.all()) == {points[1], points[3]}


def test_change_of_members_can_be_taken_back(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(name="Köln", members=points[:2])
    draft = start(operator, "Köln", group)
    do(operator, draft, "page", points[3], was_marked=[points[0].pk])
    overview = operator.post(url("wizard_confirm", draft.key), follow=True)
    assert set(group.charge_points.all()) == {points[1], points[3]}
    assert "1 charge point added to “Köln”. 1 charge point removed from “Köln”. Undo" in text_of(overview)
    operator.post(reverse("console:undo", args=[Undo.objects.get().pk]))
    assert set(group.charge_points.all()) == {points[0], points[1]}


def test_change_offers_to_delete_the_group_to_those_who_may(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(name="Köln")
    assert url("group_delete", group.pk) in operator.get(url("wizard_name", begin(operator, group))).content.decode()
    assert "Delete this group" not in text_of(operator.get(url("wizard_name", begin(operator))))


def test_group_may_keep_its_name(operator: Client) -> None:
    group = NotificationGroupFactory(name="Köln")
    assert operator.post(url("wizard_name", begin(operator, group)), {"name": "KÖLN"}).status_code == 302
