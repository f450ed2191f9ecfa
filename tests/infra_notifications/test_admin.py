"""The Django admin of charging infrastructure: membership from both sides, and what follows changed settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from infra_notifications import models
from infra_notifications.models import (
    ChargePoint,
    GroupMembership,
    MaintenanceTarget,
    MaintenanceWindow,
    NotificationDecision,
    NotificationGroup,
)
from infra_notifications.services.groups import create_group
from infra_notifications.services.maintenance import Targets, plan_maintenance
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import HOUR, fault, say

pytestmark = pytest.mark.django_db


def page(model: str, what: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:infra_notifications_{model}_{what}", args=args)


def empty(prefix: str, rows: int = 0, total: int = 0) -> dict[str, str]:
    return {f"{prefix}-TOTAL_FORMS": str(total), f"{prefix}-INITIAL_FORMS": str(rows)}


def group_form(group: NotificationGroup, **more: Any) -> dict[str, Any]:
    return {
        "name": group.name,
        "cases": ",".join(group.cases),
        "hold_off_s": "{}",
        "language": "en",
        "time_zone": "",
        "notify_recovery": "on",
        **empty("addresses"),
        **empty("memberships"),
    } | more


def saved(response: Any) -> bool:
    return response.status_code == 302 and not response.headers["Location"].endswith("/change/")


def test_every_model_is_there() -> None:
    registered = {model for model in admin.site._registry if model._meta.app_label == "infra_notifications"}
    # Addresses stand with their group, and what processes tell each other concerns nobody.
    assert {model.__name__ for model in registered} == set(models.__all__) - {"GroupAddress", "DirectoryChange"}


# ---- membership -----------------------------------------------------------------------------------------------------


def test_members_are_added_on_the_group_by_a_few_or_by_many(administrator: Client) -> None:
    group = NotificationGroupFactory(members=[ChargePointFactory(evse_id="DE*OLD*1")])
    few = ChargePointFactory()
    for number in range(3):
        ChargePointFactory(evse_id=f"DE*ABC*{number}")
    data = group_form(group, add_evse_ids="de*abc*0, DE*ABC*1\nDE*ABC*2\nDE*OLD*1") | empty("memberships", total=1)
    data["memberships-0-charge_point"] = str(few.pk)
    assert saved(administrator.post(page("notificationgroup", "change", group.pk), data))
    added = GroupMembership.objects.exclude(charge_point__evse_id="DE*OLD*1")
    assert (added.count(), group.charge_points.count()) == (4, 5)
    assert not added.filter(added_by=None).exists()
    assert LogEntry.objects.get_for_object(group).filter(changes__has_key="charge_points").exists()


def test_unknown_members_are_named(administrator: Client) -> None:
    group = NotificationGroupFactory()
    response = administrator.post(
        page("notificationgroup", "change", group.pk), group_form(group, add_evse_ids="DE*NO*1")
    )
    assert "There is no charge point DE*NO*1." in response.content.decode()
    assert not group.charge_points.exists()


def test_members_of_a_group_are_listed_and_removed_page_by_page(administrator: Client) -> None:
    group = NotificationGroupFactory(members=[ChargePointFactory() for _ in range(3)])
    NotificationGroupFactory(members=[ChargePointFactory()])
    where = f"{page('groupmembership')}?group__id__exact={group.pk}"
    assert where in administrator.get(page("notificationgroup", "change", group.pk)).content.decode()
    listed = administrator.get(where)
    assert len(listed.context["cl"].result_list) == 3
    ids = [row.pk for row in listed.context["cl"].result_list][:2]
    data = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    assert administrator.post(where, data).status_code == 302
    assert group.charge_points.count() == 1


def test_groups_are_added_and_removed_on_the_charge_point(administrator: Client) -> None:
    point = ChargePointFactory()
    old, new = NotificationGroupFactory(members=[point]), NotificationGroupFactory()
    row = GroupMembership.objects.get()
    data = {
        "evse_id": point.evse_id,
        "station": point.station,
        "connector": "1",
        "tags": "",
        **empty("memberships", rows=1, total=2),
        "memberships-0-id": str(row.pk),
        "memberships-0-charge_point": str(point.pk),
        "memberships-0-group": str(old.pk),
        "memberships-0-DELETE": "on",
        "memberships-1-charge_point": str(point.pk),
        "memberships-1-group": str(new.pk),
    }
    assert saved(administrator.post(page("chargepoint", "change", point.pk), data))
    (membership,) = GroupMembership.objects.all()
    assert (membership.group, membership.added_by is not None) == (new, True)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("chargepoint", "changelist"),
        ("chargepoint", "change"),
        ("notificationgroup", "changelist"),
        ("notificationgroup", "change"),
        ("groupmembership", "changelist"),
        ("groupmembership", "change"),
        ("maintenancewindow", "changelist"),
        ("maintenancewindow", "change"),
        ("maintenancetarget", "changelist"),
    ],
)
def test_pages_do_not_grow_with_the_table(
    administrator: Client, django_assert_max_num_queries: Any, model: str, what: str
) -> None:
    """No select with all charge points, no full count: as many statements and about as many bytes for any table."""
    sizes, lengths = (5, 60), []
    for size in sizes:
        for table in (ChargePoint, NotificationGroup, MaintenanceWindow):
            table.objects.all().delete()
        points = [ChargePointFactory() for _ in range(size)]
        group = NotificationGroupFactory(members=points)
        window = plan_maintenance(
            reason="x",
            ends_at=timezone.now() + HOUR,
            targets=Targets([point.pk for point in points], [group.pk]),
            author="anna",
            now=timezone.now(),
        )
        thing: Any = {"chargepoint": points[0], "notificationgroup": group, "maintenancewindow": window}.get(
            model, GroupMembership.objects.all()[0]
        )
        where = page(model, what, *([thing.pk] if what == "change" else []))
        with django_assert_max_num_queries(26):
            response = administrator.get(where)
        assert response.status_code == 200
        lengths.append(len(response.content))
    if what == "change":
        assert lengths[1] < lengths[0] * 1.1


def test_charge_points_are_found_by_what_is_typed(administrator: Client) -> None:
    ChargePointFactory(evse_id="DE*ABC*1", city="Münster")
    ChargePointFactory(evse_id="DE*ABC*2")
    where = reverse("admin:autocomplete")
    given = {
        "app_label": "infra_notifications",
        "model_name": "groupmembership",
        "field_name": "charge_point",
        "term": "munster",
    }
    found = administrator.get(where, given).json()["results"]
    assert [row["text"] for row in found] == ["DE*ABC*1"]


# ---- what follows ---------------------------------------------------------------------------------------------------


def test_digest_set_here_is_due_and_taken_back_tells(administrator: Client) -> None:
    point = ChargePointFactory()
    group = NotificationGroupFactory(members=[point])
    where = page("notificationgroup", "change", group.pk)
    assert saved(administrator.post(where, group_form(group, digest_time="07:00", time_zone="Europe/Berlin")))
    group.refresh_from_db()
    assert group.digest_due_at is not None
    say(point, fault(), now=timezone.now())
    assert NotificationDecision.objects.get().reason == "digest"
    assert saved(administrator.post(where, group_form(group, digest_time="")))
    assert NotificationDecision.objects.get().due_at <= timezone.now()  # type: ignore[operator]


def test_wrong_zone_is_refused(administrator: Client) -> None:
    group = NotificationGroupFactory()
    given = group_form(group, digest_time="07:00", time_zone="Mars/Olympus")
    response = administrator.post(page("notificationgroup", "change", group.pk), given)
    assert "Name a time zone of the IANA database" in response.content.decode()


def test_hold_off_changed_here_counts_for_what_waits(administrator: Client) -> None:
    now, point = timezone.now(), ChargePointFactory()
    group = NotificationGroupFactory(members=[point], hold_off_s={"FUSE_TRIPPED": 600})
    say(point, fault(), now=now)
    given = group_form(group, hold_off_s='{"FUSE_TRIPPED": 60}')
    assert saved(administrator.post(page("notificationgroup", "change", group.pk), given))
    assert NotificationDecision.objects.get().due_at == now + timedelta(seconds=60)


def test_new_group_with_a_digest(administrator: Client) -> None:
    blank = NotificationGroup(name="New")
    assert saved(administrator.post(page("notificationgroup", "add"), group_form(blank, digest_time="07:00")))
    assert NotificationGroup.objects.get().digest_due_at is not None


def test_maintenance_is_planned_and_ended_here(administrator: Client) -> None:
    now, point = timezone.now(), ChargePointFactory()
    create_group(settings={"name": "A"}, emails=["a@example.org"], charge_point_ids=[point.pk])

    def form(ends: Any, **more: Any) -> dict[str, Any]:
        begun = {"starts_at_0": f"{now - HOUR:%Y-%m-%d}", "starts_at_1": f"{now - HOUR:%H:%M:%S}"}
        ended = {"ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": f"{ends:%H:%M:%S}"}
        return {"reason": "Works"} | begun | ended | empty("targets") | more

    given = form(now + 9 * HOUR, **empty("targets", total=1), **{"targets-0-charge_point": str(point.pk)})
    assert saved(administrator.post(page("maintenancewindow", "add"), given))
    window = MaintenanceWindow.objects.get()
    assert window.author.startswith("user")
    say(point, fault(), now=timezone.now())
    assert NotificationDecision.objects.get().reason == "maintenance"
    assert saved(administrator.post(page("maintenancewindow", "change", window.pk), form(now)))
    assert NotificationDecision.objects.get().due_at <= timezone.now()  # type: ignore[operator]


def test_target_names_exactly_one_thing(administrator: Client) -> None:
    now, point = timezone.now(), ChargePointFactory()
    window = plan_maintenance(
        reason="x", ends_at=now + HOUR, targets=Targets(locations=[("A", "")]), author="anna", now=now
    )
    both = {"window": window.pk, "charge_point": point.pk, "location": "B"}
    for data in (both, {"window": window.pk}):
        response = administrator.post(page("maintenancetarget", "add"), data)
        assert "Name either a charge point, a group or a location." in response.content.decode()
    assert MaintenanceTarget.objects.count() == 1
