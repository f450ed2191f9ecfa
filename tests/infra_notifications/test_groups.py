"""Notification groups: their settings, addresses and members, and the record of who changed what."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from hypothesis import given
from hypothesis import strategies as st

from core.email_addresses import clean_address
from core.refusal import Refused
from infra_notifications.choices import Case
from infra_notifications.models import ChargePoint, GroupMembership, NotificationGroup
from infra_notifications.services.groups import (
    GROUPS,
    add_members,
    clean_settings,
    create_group,
    delete_group,
    remove_members,
    replace_members,
    send_test,
    update_group,
)
from outbox.models import Delivery, Event
from outbox.services.mailing_lists.addresses import clean_addresses
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import NOW, addressees

pytestmark = pytest.mark.django_db


def addresses_of(group: NotificationGroup) -> list[str]:
    return list(group.addresses.values_list("address", flat=True))


def members_of(group: NotificationGroup) -> set[int]:
    return set(GroupMembership.objects.filter(group=group).values_list("charge_point_id", flat=True))


def refusals(given: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(Refused) as refused:
        clean_settings(given)
    return refused.value.fields


# ---- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("ops@example.org", "ops@example.org"),
        (" Ops@Example.ORG ", "Ops@example.org"),
        ("ops@münchen.example", "ops@xn--mnchen-3ya.example"),
        ("ops@xn--mnchen-3ya.example", "ops@xn--mnchen-3ya.example"),
        ("jürgen@example.org", "jürgen@example.org"),
        ("o'brien+alarm@example.org", "o'brien+alarm@example.org"),
        ("root@localhost", "root@localhost"),
        ("用户@例え.example", "用户@xn--r8jz45g.example"),
    ],
)
def test_address_is_taken_in_the_form_that_mail_servers_take(typed: str, clean: str) -> None:
    assert clean_address(typed) == clean


@pytest.mark.parametrize(
    "typed",
    [
        "ops",
        "ops@",
        "@example.org",
        "ops@@example.org",
        "a b@example.org",
        "ops@exa mple.org",
        "ops@-x.org",
        "ops@example",
        "ops@example.org\r\nBcc: all@example.org",
        "ops\x00@example.org",
        "Anna <anna@example.org>",
        "a@b.org,c@d.org",
        "ops@" + "x" * 64 + ".org",
        "ops@" + ".".join(["x" * 60] * 5),
        "x" * 250 + "@example.org",
        "<script>@example.org",
    ],
)
def test_what_is_no_address_is_said_so(typed: str) -> None:
    with pytest.raises(Refused, match="is no e-mail address"):
        clean_address(typed)


@given(st.text(max_size=80) | st.emails())
def test_no_text_makes_more_than_one_header_line(typed: str) -> None:
    try:
        found = clean_address(typed)
    except Refused:
        return
    assert found.count("@") >= 1
    assert not set(found) & set("\r\n\x00<> ")


def test_addresses_are_kept_in_order_once_each_and_blanks_are_left_out() -> None:
    given = ["b@example.org", " ", "a@example.org", "B@EXAMPLE.org", ""]
    assert clean_addresses(given) == ["b@example.org", "a@example.org"]


def test_every_wrong_address_is_named() -> None:
    with pytest.raises(Refused) as refused:
        clean_addresses(["fine@example.org", "one", "two"])
    assert [text.split("”")[0] for text in refused.value.fields["emails"]] == ["“one", "“two"]


def test_a_list_has_at_most_two_hundred_addresses() -> None:
    with pytest.raises(Refused, match="At most 200 addresses"):
        clean_addresses(f"a{n}@example.org" for n in range(201))


# ---- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t\n"}, "name"),
        ({"name": " \n"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"cases": ["FUSE_TRIPPED", "FIRE"]}, "cases"),
        ({"hold_off_s": {"FIRE": 1}}, "hold_off_s"),
        ({"hold_off_s": {"SENSORS": -1}}, "hold_off_s"),
        ({"hold_off_s": {"SENSORS": 30 * 86_400 + 1}}, "hold_off_s"),
        ({"hold_off_s": {"SENSORS": "soon"}}, "hold_off_s"),
        ({"language": "nl"}, "language"),
        ({"reminder_s": 59}, "reminder_s"),
        ({"reminder_s": 31 * 86_400}, "reminder_s"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(given: dict[str, Any], field: str) -> None:
    assert list(refusals(given)) == [field]


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert set(refusals({"name": "", "cases": ["X"], "language": "nl"})) == {"name", "cases", "language"}


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ({"name": "  Köln \n Süd "}, {"name": "Köln Süd"}),
        ({"cases": ["SENSORS", "FUSE_TRIPPED", "SENSORS"]}, {"cases": ["FUSE_TRIPPED", "SENSORS"]}),
        ({"cases": []}, {"cases": []}),
        ({"description": " ab "}, {"description": "ab"}),
        ({"hold_off_s": {"SENSORS": 0, "UNAVAILABLE": 30 * 86_400}},) * 2,
        ({"reminder_s": None}, {"reminder_s": None}),
        ({"unheard": 1, "pk": 7, "gathering_until": NOW}, {}),
    ],
)
def test_settings_are_cleaned(given: dict[str, Any], clean: dict[str, Any]) -> None:
    assert clean_settings(given) == clean


# ---- making and changing --------------------------------------------------------------------------------------------


def test_new_group_has_the_usual_settings() -> None:
    group = create_group(settings={"name": "Köln"})
    group.refresh_from_db()
    assert group.cases == Case.values
    assert (group.notify_recovery, group.language, group.reminder_s, group.hold_off_s) == (True, "en", None, {})


def test_new_group_has_its_addresses_and_members() -> None:
    points, person = [ChargePointFactory() for _ in range(3)], UserFactory()
    group = create_group(
        settings={"name": "Köln"}, emails=["a@example.org"], charge_point_ids=[p.pk for p in points], by=person
    )
    assert (addresses_of(group), members_of(group)) == (["a@example.org"], {p.pk for p in points})
    assert set(GroupMembership.objects.values_list("added_by", flat=True)) == {person.pk}


@pytest.mark.parametrize("name", ["Köln", "KÖLN", "  köln "])
def test_name_is_unique_whatever_its_case(name: str) -> None:
    create_group(settings={"name": "Köln"})
    with pytest.raises(Refused) as refused:
        create_group(settings={"name": name})
    assert refused.value.code == "unique"
    assert NotificationGroup.objects.count() == 1


def test_group_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(Refused):
        create_group(settings={"name": "Köln"}, emails=["wrong"])
    assert not NotificationGroup.objects.exists()


def test_group_may_keep_its_name_and_take_a_free_one_only() -> None:
    group, other = create_group(settings={"name": "Köln"}), create_group(settings={"name": "Bonn"})
    update_group(group=group, settings={"name": "KÖLN"}, now=NOW)
    with pytest.raises(Refused):
        update_group(group=other, settings={"name": "köln"}, now=NOW)
    assert set(NotificationGroup.objects.values_list("name", flat=True)) == {"KÖLN", "Bonn"}


def test_change_leaves_alone_what_it_does_not_name() -> None:
    group = NotificationGroupFactory(hold_off_s={"SENSORS": 5}, members=[ChargePointFactory()])
    update_group(group=group, settings={"description": "x"}, now=NOW)
    group.refresh_from_db()
    assert (group.description, group.hold_off_s, addresses_of(group), len(members_of(group))) == (
        "x",
        {"SENSORS": 5},
        ["ops@example.org"],
        1,
    )


def test_replaced_addresses_keep_the_rows_of_those_that_stay() -> None:
    group = NotificationGroupFactory(emails=["a@example.org", "b@example.org"])
    kept = group.addresses.get(address="b@example.org").pk
    update_group(group=group, settings={}, emails=["B@example.org", "c@example.org"], now=NOW)
    assert addresses_of(group) == ["b@example.org", "c@example.org"]
    assert group.addresses.get(address="b@example.org").pk == kept


def test_address_that_is_taken_off_gets_no_mail_that_still_waits() -> None:
    group = NotificationGroupFactory(emails=["a@example.org", "b@example.org"])
    send_test(group=group, sent_by="anna", now=NOW)
    update_group(group=group, settings={}, emails=["b@example.org"], now=NOW)
    assert dict(Delivery.objects.values_list("address", "state")) == {
        "a@example.org": "cancelled",
        "b@example.org": "pending",
    }


def test_deleted_group_takes_its_list_and_memberships_but_no_charge_point() -> None:
    point = ChargePointFactory()
    group = NotificationGroupFactory(members=[point])
    delete_group(group=group, now=NOW)
    assert (NotificationGroup.objects.count(), GroupMembership.objects.count(), ChargePoint.objects.count()) == (
        0,
        0,
        1,
    )


def test_deleted_group_stops_what_is_on_its_way_to_it_alone() -> None:
    group, other = NotificationGroupFactory(emails=[f"{n}@example.org" for n in range(4)]), NotificationGroupFactory()
    for one in (group, other):
        send_test(group=one, sent_by="anna", now=NOW)
    mine = Delivery.objects.filter(list_key=group.list_key)
    for delivery, state in zip(mine.order_by("pk"), ("pending", "retrying", "sending", "delivered"), strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(state=state)
    key = group.list_key
    delete_group(group=group, now=NOW)
    stopped = Delivery.objects.filter(list_key=key).order_by("pk").values_list("state", "reason", "next_attempt_at")
    assert list(stopped)[:3] == [("cancelled", "list_deleted", None)] * 3
    assert stopped[3][0] == "delivered"
    assert "may still have arrived" in mine.get(address="2@example.org").get_reason_display()
    assert set(Delivery.objects.filter(list_key=other.list_key).values_list("state", flat=True)) == {"pending"}


def test_deleted_group_sends_no_test() -> None:
    group = NotificationGroupFactory(emails=["a@example.org"])
    delete_group(group=NotificationGroup.objects.get(pk=group.pk), now=NOW)
    with pytest.raises(Refused, match="no address"):
        send_test(group=group, sent_by="anna", now=NOW)


# ---- members --------------------------------------------------------------------------------------------------------


def test_members_are_added_once_and_strangers_are_ignored() -> None:
    points, group = [ChargePointFactory() for _ in range(3)], NotificationGroupFactory()
    ids = [point.pk for point in points]
    assert add_members(group=group, charge_point_ids=[*ids[:2], ids[0], 10**9]) == 2
    assert add_members(group=group, charge_point_ids=ids) == 1
    assert add_members(group=group, charge_point_ids=[]) == 0
    assert members_of(group) == set(ids)


def test_members_are_removed() -> None:
    points = [ChargePointFactory() for _ in range(3)]
    group = NotificationGroupFactory(members=points)
    assert remove_members(group=group, charge_point_ids=[points[0].pk, 10**9]) == 1
    assert members_of(group) == {points[1].pk, points[2].pk}


def test_replaced_members_keep_the_rows_of_those_that_stay() -> None:
    points = [ChargePointFactory() for _ in range(3)]
    group = NotificationGroupFactory(members=points[:2])
    kept = GroupMembership.objects.get(charge_point=points[1]).pk
    replace_members(group=group, charge_point_ids=[points[1].pk, points[2].pk])
    assert members_of(group) == {points[1].pk, points[2].pk}
    assert GroupMembership.objects.get(charge_point=points[1]).pk == kept


# ---- leaving by one's own wish --------------------------------------------------------------------------------------


def test_owner_of_an_address_leaves_the_list_once() -> None:
    group = NotificationGroupFactory(emails=["a@example.org", "b@example.org"])
    assert GROUPS.leave(group.list_key, "A@example.org")
    assert not GROUPS.leave(group.list_key, "a@example.org")
    assert not GROUPS.leave("notification_group:0", "b@example.org")
    assert addresses_of(group) == ["b@example.org"]


# ---- the test mail --------------------------------------------------------------------------------------------------


def test_test_mail_goes_to_every_address() -> None:
    group = NotificationGroupFactory(members=[ChargePointFactory()], emails=["a@example.org", "b@example.org"])
    number = send_test(group=group, sent_by="anna", now=NOW)
    assert number is not None
    event = Event.objects.get(pk=number)
    assert addressees(event) == ["a@example.org", "b@example.org"]
    assert (event.payload["charge_points"], event.payload["sent_by"]) == (1, "anna")


def test_test_mail_of_a_group_without_address_is_refused() -> None:
    with pytest.raises(Refused, match="no address yet"):
        send_test(group=NotificationGroupFactory(emails=[]), sent_by="anna", now=NOW)
    assert not Event.objects.exists()


# ---- the record -----------------------------------------------------------------------------------------------------


def changes_of(group: NotificationGroup) -> list[Any]:
    """What the audit log says of a group, oldest first."""
    return [entry.changes for entry in LogEntry.objects.get_for_object(group).order_by("pk")]


def test_addresses_are_audited() -> None:
    group = NotificationGroupFactory(emails=["a@example.org"])
    update_group(group=group, settings={}, emails=["b@example.org"], now=NOW)
    GROUPS.leave(group.list_key, "b@example.org")
    assert changes_of(group)[-2:] == [
        {"addresses": ["a@example.org", "b@example.org"]},
        {"addresses": ["b@example.org", "unsubscribed by its owner"]},
    ]


def test_settings_are_audited_and_nothing_else() -> None:
    group = create_group(settings={"name": "Köln"})
    before = len(changes_of(group))
    update_group(group=group, settings={"description": "x"}, emails=[], now=NOW)
    (change,) = changes_of(group)[before:]
    assert change == {"description": ["", "x"]}


def test_members_are_audited_by_name_up_to_a_hundred() -> None:
    points, group = [ChargePointFactory() for _ in range(103)], NotificationGroupFactory()
    add_members(group=group, charge_point_ids=[point.pk for point in points])
    change = changes_of(group)[-1]["charge_points"]
    assert (change["operation"], len(change["objects"]), change["objects"][-1]) == ("add", 101, "and 3 more")
    remove_members(group=group, charge_point_ids=[points[0].pk])
    assert changes_of(group)[-1]["charge_points"] == {
        "type": "m2m",
        "operation": "delete",
        "objects": [points[0].evse_id],
    }
