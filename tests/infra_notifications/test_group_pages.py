"""Pages of notification groups: overview, configuration, members, incidents, deliveries, deletion."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from infra_notifications.choices import DEFAULT_HOLD_OFF_S, Case
from infra_notifications.forms import ids_in
from infra_notifications.models import ChargePoint, GroupAddress, GroupMembership, NotificationGroup
from outbox.dispatcher import deliver_due
from outbox.models import WebhookEndpoint
from outbox.services.mailing_lists.addresses import addresses_in
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import fault, say
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url
from tests.mailserver import MailServer
from tests.pages import laid_out


@pytest.fixture
def group(db: None) -> NotificationGroup:
    points = [ChargePointFactory(evse_id=f"DE*ABC*E{n}*1") for n in range(1, 4)]
    found: NotificationGroup = NotificationGroupFactory(
        name="Köln Süd", description="All of the south", members=points, emails=["a@example.org", "b@example.org"]
    )
    return found


# ---- who may --------------------------------------------------------------------------------------------------------

READING = ("groups", "group", "group_members", "group_incidents", "group_deliveries", "group_result")
CHANGING = ("group_edit", "group_test", "group_member_remove", "group_delete", "wizard_start", "wizard_change")


def address(name: str, group: NotificationGroup) -> str:
    return url(name) if name in ("groups", "wizard_start") else url(name, group.pk)


@pytest.mark.parametrize("name", READING)
def test_viewer_looks_at_every_page(viewer: Client, group: NotificationGroup, name: str) -> None:
    assert viewer.get(address(name, group)).status_code == 200


@pytest.mark.parametrize("name", CHANGING)
def test_viewer_changes_nothing(viewer: Client, group: NotificationGroup, name: str) -> None:
    data = {"name": group.name, "charge_point": [group.charge_points.all()[0].pk], "emails": ["x@example.org"]}
    assert [viewer.get(address(name, group)).status_code, viewer.post(address(name, group), data).status_code] == [
        403,
        403,
    ]
    assert NotificationGroup.objects.get().charge_points.count() == 3
    assert group.addresses.count() == 2


def test_viewer_is_offered_no_change(viewer: Client, group: NotificationGroup) -> None:
    pages = [viewer.get(address(name, group)).content.decode() for name in READING]
    for forbidden in CHANGING:
        assert not any(f'"{address(forbidden, group)}"' in page for page in pages if forbidden != "group_member_remove")
    assert not any("<button" in page and 'form="remove-form"' in page for page in pages)


def test_group_that_is_gone_is_404(operator: Client) -> None:
    assert {operator.get(url(name, 0)).status_code for name in (*READING[1:], "group_edit", "group_delete")} == {404}


# ---- overview -------------------------------------------------------------------------------------------------------


def test_overview_shows_the_numbers_of_each_group(viewer: Client, group: NotificationGroup) -> None:
    IncidentFactory(charge_point=group.charge_points.all()[0])
    NotificationGroupFactory(name="Bonn", emails=[], cases=["SENSORS"])
    bonn, koeln = rows_of(viewer.get(url("groups")))
    assert koeln == f"Köln Süd 3 charge points All of the south {' '.join(map(str, Case.labels))} 2 1 never"
    assert bonn == "Bonn 0 charge points Notifies nobody: no address, no charge point Sensors 0 0 never"


def test_overview_links_to_the_open_incidents(viewer: Client, group: NotificationGroup) -> None:
    IncidentFactory(charge_point=group.charge_points.all()[0])
    link = f"{url('group_incidents', group.pk)}?open=yes"
    assert f'href="{link}"' in viewer.get(url("groups")).content.decode()
    assert "Fuse tripped" in text_of(viewer.get(link))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=süd", ["Köln Süd"]),
        ("q=case:sensors", ["Bonn", "Köln Süd"]),
        ("case=UNAVAILABLE", ["Köln Süd"]),
        ("q=address:example", ["Köln Süd"]),
        ("q=address:none", ["Bonn"]),
        ("q=zz", []),
    ],
)
def test_overview_is_searched_and_filtered(
    viewer: Client, group: NotificationGroup, query: str, names: list[str]
) -> None:
    NotificationGroupFactory(name="Bonn", cases=["SENSORS"], emails=[])
    assert [row.name for row in viewer.get(f"{url('groups')}?{query}").context["page"].rows] == names


@pytest.mark.parametrize("name", READING)
def test_empty_page_says_what_to_do(operator: Client, name: str) -> None:
    group = NotificationGroupFactory(emails=[])
    if name == "groups":
        group.delete()
    said = {
        "groups": "No notification group yet",
        "group": "this group has no address",
        "group_members": "No members yet",
        "group_incidents": "Nothing happened at the members",
        "group_deliveries": "Nothing was sent yet",
        "group_result": "No test mail was sent to this group yet.",
    }[name]
    assert said in text_of(operator.get(address(name, group)))


# ---- configuration --------------------------------------------------------------------------------------------------


def test_configuration_explains_each_case_and_when_it_is_told(viewer: Client, group: NotificationGroup) -> None:
    NotificationGroup.objects.update(cases=["FUSE_TRIPPED", "UNAVAILABLE"], reminder_s=7200, language="de")
    shown = text_of(viewer.get(url("group", group.pk)))
    for said in (
        "a@example.org",
        "b@example.org",
        "FUSE_TRIPPED Fuse tripped The charger’s safety mechanism was activated. told at once",
        "UNAVAILABLE Unavailable The charge point is not available (does not communicate with the system anymore).",
        "told when it lasts 15 min",
        "SENSORS Sensors A sensor (e.g. shock sensor) was triggered. not told",
        "yes, in the same thread",
        "every 2 h",
        "German",
        "Members 3",
    ):
        assert said in shown


def form_data(**more: Any) -> dict[str, Any]:
    return {
        "emails": ["a@example.org", "b@example.org"],
        "cases": ["FUSE_TRIPPED"],
        "notify_recovery": "on",
        "hold_off_FUSE_TRIPPED": "1",
        "hold_off_UNAVAILABLE": "30",
        "hold_off_SENSORS": "0",
        "reminder_h": "",
        "language": "fr",
    } | more


def edit(client: Client, group: NotificationGroup, **more: Any) -> Any:
    return client.post(url("group_edit", group.pk), form_data(**more))


def emails_in(response: Any) -> list[str]:
    return re.findall(r'name="emails" value="([^"]*)"', response.content.decode())


def test_configuration_names_the_webhooks_that_listen(administrator: Client, group: NotificationGroup) -> None:
    NotificationGroup.objects.filter(pk=group.pk).update(cases=["FUSE_TRIPPED"])
    assert "No webhook listens to these cases. Add one." in text_of(administrator.get(url("group", group.pk)))
    now = timezone.now()
    hears: dict[str, dict[str, Any]] = {
        "https://all.example/x": {"topics": ["*"], "condition": "city:köln"},
        "https://fuses.example/": {"topics": ["charge_point.fuse_tripped"], "state": "paused", "reason": "paused"},
        "https://sensors.example/": {"topics": ["charge_point.sensors"]},
        "https://trips.example/": {"topics": ["trip.*"]},
    }
    for address, more in hears.items():
        WebhookEndpoint.objects.create(url=address, created_at=now, **more)
    page = administrator.get(url("group", group.pk))
    shown = text_of(page)
    assert "https://all.example/*** charge_point.fuse_tripped , charge_point.recovered" in shown
    assert "Condition: city:köln" in shown
    assert re.search(r"https://fuses.example/ charge_point.fuse_tripped Paused", shown)
    assert "sensors.example" not in shown
    assert "trips.example" not in shown


def test_webhooks_are_named_to_those_who_may_see_them(nobody: Client, group: NotificationGroup) -> None:
    user = User.objects.get(pk=nobody.session["_auth_user_id"])
    user.user_permissions.add(Permission.objects.get(codename="view_notificationgroup"))
    assert "Webhooks that listen" not in text_of(nobody.get(url("group", group.pk)))
    user.user_permissions.add(Permission.objects.get(codename="view_webhookendpoint"))
    assert "Webhooks that listen" in text_of(nobody.get(url("group", group.pk)))


def test_configuration_is_saved(operator: Client, group: NotificationGroup) -> None:
    response = edit(operator, group, emails=["c@example.org"], reminder_h="4")
    assert response.headers["Location"] == url("group", group.pk)
    group.refresh_from_db()
    assert (group.cases, group.notify_recovery, group.language, group.reminder_s) == (
        ["FUSE_TRIPPED"],
        True,
        "fr",
        14_400,
    )
    assert group.hold_off_s == {**DEFAULT_HOLD_OFF_S, "FUSE_TRIPPED": 60, "UNAVAILABLE": 1800}
    assert list(group.addresses.values_list("address", flat=True)) == ["c@example.org"]


def test_form_shows_what_is_set(operator: Client, group: NotificationGroup) -> None:
    response = operator.get(url("group_edit", group.pk))
    assert emails_in(response) == ["a@example.org", "b@example.org"]
    assert 'name="hold_off_UNAVAILABLE" value="15"' in response.content.decode()


def test_what_was_typed_stays_when_something_is_wrong(operator: Client, group: NotificationGroup) -> None:
    response = edit(operator, group, emails=["a@example.org", "wrong", "'><i>odd"], hold_off_SENSORS="7")
    assert response.status_code == 422
    assert emails_in(response)[:2] == ["a@example.org", "wrong"]
    assert "“wrong” is no e-mail address" in text_of(response)
    assert 'name="hold_off_SENSORS" value="7"' in response.content.decode()
    assert 'value="&#x27;&gt;"' in harmless(response)
    assert group.addresses.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"hold_off_SENSORS": "-1"},
        {"hold_off_SENSORS": "50000"},
        {"language": "nl"},
        {"cases": ["X"]},
        {"reminder_h": "0"},
        {"digest_time": "25:00"},
        {"digest_time": "07:00", "time_zone": "Mars/Olympus"},
    ],
)
def test_setting_that_makes_no_sense_keeps_the_rest_as_typed(
    operator: Client, group: NotificationGroup, wrong: dict[str, Any]
) -> None:
    response = edit(operator, group, emails=["new@example.org"], **wrong)
    assert emails_in(response) == ["new@example.org"]
    assert "invalid-feedback" in response.content.decode()
    assert group.addresses.count() == 2


def test_plus_adds_a_field_without_javascript_and_keeps_what_was_typed(
    operator: Client, group: NotificationGroup
) -> None:
    response = edit(operator, group, emails=["typed@example.org", "wrong"], add_field="1", hold_off_SENSORS="-1")
    assert response.status_code == 200
    assert emails_in(response) == ["typed@example.org", "wrong", ""]
    assert "invalid-feedback" not in response.content.decode()
    assert group.addresses.count() == 2


@pytest.mark.parametrize(
    "pasted",
    [
        "a@example.org, b@example.org;c@example.org d@example.org",
        "a@example.org\nb@example.org\r\nc@example.org\t\td@example.org\n",
        'Anna A <a@example.org>, "B, Bernd" <b@example.org>; <c@example.org> d@example.org',
    ],
)
def test_many_addresses_are_pasted_at_once(operator: Client, group: NotificationGroup, pasted: str) -> None:
    edit(operator, group, emails=[pasted, ""])
    found = list(group.addresses.values_list("address", flat=True))
    assert found == [f"{letter}@example.org" for letter in "abcd"]


def test_many_are_pasted_beside_the_fields(operator: Client, group: NotificationGroup) -> None:
    assert (
        '<textarea class="form-control" id="paste" name="emails"'
        in operator.get(url("group_edit", group.pk)).content.decode()
    )
    edit(operator, group, emails=["a@example.org", "", "b@example.org\r\nAnna <c@example.org>\r\n"])
    assert list(group.addresses.values_list("address", flat=True)) == [f"{x}@example.org" for x in "abc"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", ""])
def test_daily_digest_is_chosen_and_shown(operator: Client, group: NotificationGroup, zone: str) -> None:
    assert edit(operator, group, digest_time="07:30", time_zone=zone).status_code == 302
    group.refresh_from_db()
    assert (str(group.digest_time), group.time_zone, group.digest_due_at is not None) == ("07:30:00", zone, True)
    shown = text_of(operator.get(url("group", group.pk)))
    assert f"one digest a day at 07:30 ({zone or 'UTC'}), next in" in shown
    assert "in the digest, as long as something is open" in shown
    assert 'value="07:30"' in operator.get(url("group_edit", group.pk)).content.decode()
    # Its mails say times in its zone, with a digest or without.
    edit(operator, group, digest_time="", time_zone="Asia/Tokyo")
    group.refresh_from_db()
    assert (group.digest_time, group.digest_due_at, group.time_zone) == (None, None, "Asia/Tokyo")
    assert "one by one" in text_of(operator.get(url("group", group.pk)))


def test_zone_of_a_new_digest_is_the_viewers(operator: Client, group: NotificationGroup) -> None:
    operator.cookies["signalbox_tz"] = "Europe%2FParis"
    page = operator.get(url("group_edit", group.pk)).content.decode()
    assert '<option value="Europe/Paris" selected>' in page
    edit(operator, group, time_zone="Europe/Paris")
    group.refresh_from_db()
    assert group.time_zone == ""  # nobody chose it


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["a@x.org"], ["a@x.org"]),
        (["Anna <a@x.org>"], ["a@x.org"]),
        (["Anna Muster a@x.org"], ["Anna", "Muster", "a@x.org"]),
        (["Anna <a@x.org", "b@x.org>"], ["Anna", "<a@x.org", "b@x.org>"]),
        (["", "  ", ",;"], []),
    ],
)
def test_addresses_in_what_was_typed(texts: list[str], found: list[str]) -> None:
    assert addresses_in(texts) == found


def test_no_address_and_no_case_can_be_saved(operator: Client, group: NotificationGroup) -> None:
    assert edit(operator, group, emails=["", " "], cases=[]).status_code == 302
    assert (group.addresses.count(), NotificationGroup.objects.get().cases) == (0, [])


def test_untouched_settings_keep_their_seconds(operator: Client, group: NotificationGroup) -> None:
    NotificationGroup.objects.update(hold_off_s={"SENSORS": 45, "UNAVAILABLE": 90}, reminder_s=1800)
    shown = operator.get(url("group_edit", group.pk)).context["form"]
    data = {
        f"hold_off_{case}": shown[f"hold_off_{case}"].value() for case in ("FUSE_TRIPPED", "UNAVAILABLE", "SENSORS")
    }
    assert edit(operator, group, reminder_h=shown["reminder_h"].value(), **data).status_code == 302
    saved = NotificationGroup.objects.get()
    assert (saved.hold_off_s, saved.reminder_s) == ({**DEFAULT_HOLD_OFF_S, "SENSORS": 45, "UNAVAILABLE": 90}, 1800)


def test_empty_hold_off_is_the_usual_one(operator: Client, group: NotificationGroup) -> None:
    NotificationGroup.objects.update(hold_off_s={"UNAVAILABLE": 60})
    edit(operator, group, hold_off_UNAVAILABLE="")
    assert NotificationGroup.objects.get().hold_off_of("UNAVAILABLE") == 900


# ---- members --------------------------------------------------------------------------------------------------------


def test_members_are_listed_searched_and_removed(operator: Client, group: NotificationGroup) -> None:
    ChargePointFactory(evse_id="DE*OTHER*1")
    page = operator.get(url("group_members", group.pk)).context["page"]
    assert [row.evse_id for row in page.rows] == [f"DE*ABC*E{n}*1" for n in (1, 2, 3)]
    assert operator.get(url("group_members", group.pk) + "?q=e2*1").context["page"].total == 1
    response = operator.post(url("group_member_remove", group.pk), {"charge_point": [page.rows[0].pk]}, follow=True)
    assert "1 charge point removed from the group." in text_of(response)
    assert group.charge_points.count() == 2


def test_member_that_was_never_one_is_no_error(operator: Client, group: NotificationGroup) -> None:
    odd = ["²", "x", "-1", "9" * 40, "0", ""]
    response = operator.post(url("group_member_remove", group.pk), {"charge_point": odd}, follow=True)
    assert "0 charge points removed" in text_of(response)
    assert ids_in(odd) == [0]


def test_column_group_names_every_group_of_a_charge_point(viewer: Client, group: NotificationGroup) -> None:
    NotificationGroupFactory(name="All of NRW", members=list(group.charge_points.all()))
    assert text_of(viewer.get(url("group_members", group.pk))).count("All of NRW , Köln Süd") == 3


# ---- incidents and deliveries ---------------------------------------------------------------------------------------


def test_incidents_of_a_group_are_its_members_and_what_it_was_told_of(viewer: Client, group: NotificationGroup) -> None:
    member, stranger = group.charge_points.all()[0], ChargePointFactory()
    say(member, fault())
    say(stranger, fault())
    shown = url("group_incidents", group.pk)
    assert viewer.get(shown).context["page"].total == 1
    GroupMembership.objects.all().delete()
    assert "Told Köln Süd" in text_of(viewer.get(shown))


def test_deliveries_of_a_group_are_its_own(viewer: Client, group: NotificationGroup) -> None:
    other = NotificationGroupFactory(members=list(group.charge_points.all()))
    say(group.charge_points.all()[0], fault())
    shown = [viewer.get(url("group_deliveries", one.pk)).context["page"].total for one in (group, other)]
    assert shown == [2, 1]


# ---- the test mail --------------------------------------------------------------------------------------------------


def _signed_in(*roles: str) -> Client:
    client = Client()
    user = UserFactory(username="anna", roles=list(roles))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.usefixtures("committed")
def test_test_mail_goes_the_whole_way_and_its_page_shows_what_became_of_it(smtp: MailServer) -> None:
    smtp.rcpt = lambda address: "550 5.1.1 <No such> user" if address.startswith("gone") else None
    group = NotificationGroupFactory(name="Köln", emails=["ops@example.org", "gone@example.org"])
    operator = _signed_in("operator")
    result = operator.post(url("group_test", group.pk)).headers["Location"]
    assert result.startswith(url("group_result", group.pk))
    waiting = operator.get(result)
    assert "0 of 2 delivered, 0 failed, 2 under way." in text_of(waiting)
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    deliver_due()
    (mail,) = smtp.mails
    assert mail.recipients == ("ops@example.org",)
    assert "sent by anna" in mail.text
    settled = operator.get(result, headers={"HX-Request": "true", "HX-Target": "test-result"})
    assert laid_out(settled.content.decode()).startswith('<section id="test-result"')
    assert "hx-trigger" not in settled.content.decode()
    shown = text_of(settled)
    assert "1 of 2 delivered, 1 failed, 0 under way." in shown
    assert "ops@example.org Accepted by the mail server" in shown
    assert "gone@example.org Failed" in shown
    assert "550 5.1.1 &lt;No such&gt; user" in settled.content.decode()
    page = operator.get(url("group", group.pk))
    assert "Refused since" in text_of(page)
    assert "550 5.1.1 &lt;No such&gt; user" in page.content.decode()


@pytest.mark.usefixtures("committed")
def test_test_mail_that_is_refused_for_now_is_looked_at_again(smtp: MailServer) -> None:
    smtp.rcpt = lambda address: "451 4.7.1 Greylisted"
    group = NotificationGroupFactory(name="Köln")
    operator = _signed_in("operator")
    result = operator.post(url("group_test", group.pk)).headers["Location"]
    deliver_due()
    page = operator.get(result)
    assert "To be tried again next attempt in" in text_of(page)
    assert "451 4.7.1 Greylisted" in page.content.decode()
    assert 'hx-trigger="every 15s"' in page.content.decode()


def test_result_is_of_the_last_test_or_of_the_one_that_is_asked_for(operator: Client, group: NotificationGroup) -> None:
    first, second = (operator.post(url("group_test", group.pk)).headers["Location"] for _ in range(2))
    assert first != second
    shown = [operator.get(where).context["event"].pk for where in (first, second, url("group_result", group.pk))]
    assert shown[1] == shown[2] > shown[0]
    other = NotificationGroupFactory()
    asked = first.partition("?")[2]
    assert operator.get(f"{url('group_result', other.pk)}?{asked}").context["event"] is None


def test_test_mail_without_an_address_says_so(operator: Client, group: NotificationGroup) -> None:
    GroupAddress.objects.all().delete()
    response = operator.post(url("group_test", group.pk), follow=True)
    assert "This group has no address yet." in text_of(response)


# ---- deletion -------------------------------------------------------------------------------------------------------


def test_deletion_says_what_ends_with_it_and_asks_for_the_name(operator: Client, group: NotificationGroup) -> None:
    shown = text_of(operator.get(url("group_delete", group.pk)))
    assert "the notifications of 3 charge points through this group" in shown
    assert "2 addresses on its mailing list" in shown
    response = operator.post(url("group_delete", group.pk), {"name": "Köln"})
    assert "This is not the group’s name." in text_of(response)
    assert NotificationGroup.objects.exists()
    response = operator.post(url("group_delete", group.pk), {"name": " KÖLN SÜD "}, follow=True)
    assert "The group “Köln Süd” is deleted." in text_of(response)
    assert (NotificationGroup.objects.count(), ChargePoint.objects.count()) == (0, 3)


# ---- hostile names --------------------------------------------------------------------------------------------------


def test_names_that_hold_html_are_shown_as_they_are(operator: Client) -> None:
    point = ChargePointFactory(evse_id="<i>odd</i>", name=EVIL, location=EVIL, city=EVIL, vendor=EVIL, model=EVIL)
    group = NotificationGroupFactory(name=EVIL, description=EVIL, members=[point], emails=['"<i>odd"@example.org'])
    say(point, fault(info=EVIL, vendorErrorCode=EVIL))
    for name in (*READING, "group_edit", "group_delete"):
        assert escape(EVIL) in harmless(operator.get(address(name, group)))
