"""Pages of topic lists: overview, form with its topic picker and live check, configuration, deliveries, not told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from outbox.models import Address, TopicList
from outbox.services.topic_lists.deciding import lists_changed
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of
from tests.outbox.kit import NOW
from tests.outbox.topic_kit import ADDRESS, SILENT, TRIP, a_list, happening, happens, tell


@pytest.fixture
def topic_list(db: None) -> TopicList:
    return a_list(
        "test.*",
        name="Werkstatt",
        description="All of the south",
        condition="title:fuse",
        emails=[ADDRESS, "b@example.org"],
    )


READING = ("topic_lists", "topic_list", "topic_list_deliveries", "topic_list_untold")
CHANGING = ("topic_list_create", "topic_list_edit", "topic_list_test", "topic_list_delete")
FORM = {
    "name": "Nachts",
    "description": "",
    "enabled": "on",
    "topics": [SILENT, "test.trip.*"],
    "domain": "",
    "condition": "title:fuse",
    "gather_s": "90",
    "language": "de",
    "emails": ["a@example.org", ""],
}


def url(name: str, *args: Any) -> str:
    return reverse(f"outbox:{name}", args=args)


def address(name: str, topic_list: TopicList) -> str:
    return url(name) if name in ("topic_lists", "topic_list_create") else url(name, topic_list.pk)


# ---- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READING)
def test_viewer_looks_at_every_page_and_is_offered_no_change(viewer: Client, topic_list: TopicList, name: str) -> None:
    response = viewer.get(address(name, topic_list))
    assert response.status_code == 200
    html = response.content.decode()
    assert not any(f'"{address(forbidden, topic_list)}"' in html for forbidden in CHANGING)


@pytest.mark.parametrize("name", CHANGING)
def test_viewer_changes_nothing(viewer: Client, topic_list: TopicList, name: str) -> None:
    path = address(name, topic_list)
    assert [viewer.get(path).status_code, viewer.post(path, FORM | {"name": "Werkstatt"}).status_code] == [403, 403]
    assert TopicList.objects.get().name == "Werkstatt"


def test_list_that_is_gone_is_404(operator: Client) -> None:
    assert {operator.get(url(name, 0)).status_code for name in (*READING[1:], "topic_list_edit")} == {404}


# ---- overview -------------------------------------------------------------------------------------------------------


def test_overview_shows_what_each_list_hears_of(viewer: Client, topic_list: TopicList) -> None:
    a_list("*", name="Alles", domain="test", enabled=False, emails=())
    assert rows_of(viewer.get(url("topic_lists"))) == [
        "Alles off * test 0 never",
        "Werkstatt All of the south test.* if title:fuse 2 never",
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=werk", ["Werkstatt"]),
        ("q=fuse", ["Werkstatt"]),
        ("q=topic:test.*", ["Werkstatt"]),
        ("q=address:b@", ["Werkstatt"]),
        ("q=address:none", ["Alles"]),
        ("q=enabled:no", ["Alles"]),
        ("q=domain:test", ["Alles"]),
        ("enabled=False", ["Alles"]),
        ("q=told:never", ["Alles", "Werkstatt"]),
        ("sort=-address_count", ["Werkstatt", "Alles"]),
    ],
)
def test_overview_is_searched_filtered_and_sorted(
    viewer: Client, topic_list: TopicList, query: str, names: list[str]
) -> None:
    a_list("*", name="Alles", domain="test", enabled=False, emails=())
    assert [row.name for row in viewer.get(f"{url('topic_lists')}?{query}").context["page"].rows] == names


def statements(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", READING)
def test_statements_of_a_page_do_not_grow_with_its_rows(viewer: Client, topic_list: TopicList, name: str) -> None:
    path = address(name, topic_list)
    happens(happening("fuse"), happening("other"))
    tell()
    few = statements(viewer, path)
    for _ in range(20):
        a_list()
        happens(happening("fuse"), happening("other"))
    assert statements(viewer, path) == few


def test_empty_overview_says_what_to_do(operator: Client) -> None:
    assert "No topic list yet" in text_of(operator.get(url("topic_lists")))


# ---- one list -------------------------------------------------------------------------------------------------------


def test_configuration_says_everything(viewer: Client, topic_list: TopicList) -> None:
    said = text_of(viewer.get(url("topic_list", topic_list.pk)))
    for part in (
        "All of the south",
        ADDRESS,
        "b@example.org",
        "what follows within 1 min in one mail",
        "English",
        "title:fuse",
        "4 kinds of event",
        "Silent test.silent Is never mailed.",
        "Last mail never",
        "Waiting nothing",
    ):
        assert part in said


def test_address_that_is_refused_says_so(viewer: Client, topic_list: TopicList) -> None:
    Address.objects.create(channel="email", address=ADDRESS, failing_since=NOW, last_answer="550 gone")
    Address.objects.create(channel="email", address="B@example.org", blocked_reason="erased")
    said = text_of(viewer.get(url("topic_list", topic_list.pk)))
    assert "550 gone" in said
    assert "The address was erased" in said


def test_list_that_is_off_or_broken_warns(viewer: Client, topic_list: TopicList) -> None:
    TopicList.objects.update(enabled=False, condition="nosuchfield:x")
    said = text_of(viewer.get(url("topic_list", topic_list.pk)))
    assert "switched off" in said
    assert "no field “nosuchfield”" in said


def test_not_told_shows_each_event_with_the_reason(viewer: Client, topic_list: TopicList) -> None:
    happens(happening("fuse"))
    tell()
    happens(happening("other", kind=TRIP), happening("fuse again"), seconds=10)
    rows = rows_of(viewer.get(url("topic_list_untold", topic_list.pk)))
    assert len(rows) == 2
    waiting = next(row for row in rows if row.startswith("Silent"))
    skipped = next(row for row in rows if row.startswith("Trip"))
    assert "Waiting" in waiting
    assert "Gathered: waits for the list’s next mail" in waiting
    assert "Not told The event does not fit the list’s condition" in skipped
    assert "1 event" in text_of(viewer.get(url("topic_list", topic_list.pk)))
    for query, number in (
        ("state=waiting", 1),
        ("reason=condition", 1),
        ("q=reason:gathered", 1),
        ("q=kind:*trip*", 1),
    ):
        assert len(rows_of(viewer.get(f"{url('topic_list_untold', topic_list.pk)}?{query}"))) == number


def test_event_says_what_became_of_it_on_each_list(viewer: Client, topic_list: TopicList) -> None:
    a_list(name="Off", enabled=False)
    (pk,) = happens(happening("fuse"))
    tell()
    said = text_of(viewer.get(url("event", pk)))
    assert "Off Not told The list is switched off" in said
    assert "Werkstatt Told its mail" in said


def test_deliveries_are_those_of_the_list(viewer: Client, topic_list: TopicList) -> None:
    a_list(name="Another", emails=["x@example.org"])
    happens(happening("fuse"))
    tell()
    rows = rows_of(viewer.get(url("topic_list_deliveries", topic_list.pk)))
    assert len(rows) == 2
    assert all("Mail of a topic list" in row for row in rows)


# ---- the form -------------------------------------------------------------------------------------------------------


def test_list_is_made_with_the_form(operator: Client, db: None) -> None:
    response = operator.post(url("topic_list_create"), FORM)
    found = TopicList.objects.get()
    assert response["Location"] == url("topic_list", found.pk)
    assert (found.name, found.topics, found.condition) == ("Nachts", [SILENT, "test.trip.*"], "title:fuse")
    assert (found.gather_s, found.language, found.enabled) == (90, "de", True)
    assert [row.address for row in found.addresses.all()] == ["a@example.org"]


def test_list_is_changed_with_the_form(operator: Client, topic_list: TopicList) -> None:
    path = url("topic_list_edit", topic_list.pk)
    html = operator.get(path).content.decode()
    assert 'value="test.*" checked' in html
    assert all(f'value="{address}"' in html for address in (ADDRESS, "b@example.org"))
    data = {key: value for key, value in FORM.items() if key != "enabled"}
    assert operator.post(path, data).status_code == 302
    found = TopicList.objects.get()
    assert (found.name, found.enabled) == ("Nachts", False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "werkSTATT"}, "There is a topic list named “werkSTATT” already."),
        ({"topics": []}, "Choose at least one topic"),
        ({"topics": ["test.silnt"]}, "Did you mean “test.silent”?"),
        ({"condition": "citty:paris"}, "no field “citty”"),
        ({"domain": "charging"}, "No event of this domain"),
        ({"domain": "nowhere"}, "Select a valid choice"),
        ({"gather_s": "90000"}, "less than or equal to 86400"),
        ({"emails": ["good@example.org", "bad"]}, "“bad” is no e-mail address"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    operator: Client, topic_list: TopicList, wrong: dict[str, Any], said: str
) -> None:
    response = operator.post(url("topic_list_create"), FORM | {"description": "As typed"} | wrong)
    assert response.status_code == 422
    assert said in text_of(response).replace("&quot;", '"')
    html = response.content.decode()
    assert "As typed" in html
    assert TopicList.objects.count() == 1
    for typed in (wrong.get("emails") or FORM["emails"])[:1]:
        assert f'value="{typed}"' in html


def test_plus_adds_a_field_without_saving(operator: Client, topic_list: TopicList) -> None:
    html = operator.post(url("topic_list_create"), FORM | {"add_field": "1", "name": ""}).content.decode()
    assert html.count('name="emails"') == 2
    assert "This field is required" not in html
    assert TopicList.objects.count() == 1


def test_picker_offers_every_public_kind_with_its_description(operator: Client) -> None:
    html = operator.get(url("topic_list_create")).content.decode()
    offered = set(re.findall(r'name="topics" value="([^"]+)"', html))
    assert {"*", "test.*", SILENT, TRIP, "charge_point.*", "charge_point.fuse_tripped"} <= offered
    assert not offered & {"test.note", "topic_list.mail", "topic_list.*"}
    assert "A safety mechanism of a charge point was activated" in html


def test_topic_that_the_picker_does_not_offer_is_kept(operator: Client) -> None:
    found = a_list("test.trip.mark.*")
    html = operator.get(url("topic_list_edit", found.pk)).content.decode()
    assert 'name="topics" value="test.trip.mark.*" checked' in html


# ---- the live check -------------------------------------------------------------------------------------------------


def checked(client: Client, **data: Any) -> str:
    response = client.post(url("topic_list_check"), data)
    assert response.status_code == 200
    return text_of(response)


def test_check_counts_what_would_have_been_told(operator: Client) -> None:
    happens(happening("fuse"), happening("fuse"), happening("other"), happening("fuse", kind=TRIP))
    said = checked(operator, topics=[SILENT], condition="title:fuse")
    assert "It would have told 2 of the last 4 events." in said
    assert said.count("Silent note:") == 2
    assert "title: words:" in said


def test_check_looks_at_the_last_thousand_events(operator: Client) -> None:
    happens(*[happening("old") for _ in range(10)])
    happens(*[happening("new") for _ in range(1_000)])
    assert "It would have told 0 of the last 1000 events." in checked(operator, topics=["*"], condition="title:old")
    assert "told 1000 of the last 1000" in checked(operator, topics=["*"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose topics"),
        ({"topics": ["test.*"], "condition": "citty:x"}, "no field “citty”"),
        ({"topics": ["test.*"], "condition": "severity:loud"}, "“severity” knows"),
        ({"topics": ["nothing.*", ""], "domain": "nowhere"}, "Choose topics"),
        ({"topics": ["test.*"]}, "It would have told 0 of the last 0 events."),
        ({"topics": ["test.*"], "condition": "a" * 20_000}, "It would have told"),
    ],
)
def test_check_of_anything_is_answered(operator: Client, data: dict[str, Any], said: str) -> None:
    assert said in checked(operator, **data)


# ---- testing and deleting -------------------------------------------------------------------------------------------


def test_test_mail_shows_what_becomes_of_it(operator: Client, topic_list: TopicList) -> None:
    response = operator.post(url("topic_list_test", topic_list.pk), follow=True)
    said = text_of(response)
    assert "Test mail of a topic list" in said
    assert ADDRESS in said
    assert "sent_by" in said


def test_test_of_a_list_without_addresses_says_why_not(operator: Client) -> None:
    found = a_list(emails=())
    assert "no address yet" in text_of(operator.post(url("topic_list_test", found.pk), follow=True))


def test_list_is_deleted_by_its_name(operator: Client, topic_list: TopicList) -> None:
    path = url("topic_list_delete", topic_list.pk)
    assert "2 addresses" in text_of(operator.get(path))
    assert "not the list’s name" in text_of(operator.post(path, {"typed": "Werk"}))
    assert operator.post(path, {"typed": " WERKSTATT "})["Location"] == url("topic_lists")
    assert not TopicList.objects.exists()


# ---- in the administration ------------------------------------------------------------------------------------------


def test_change_in_the_administration_holds_for_the_next_event(administrator: Client, topic_list: TopicList) -> None:
    path = reverse("admin:outbox_topiclist_change", args=[topic_list.pk])
    data: dict[str, Any] = {
        "name": "Werkstatt",
        "description": "",
        "domain": "",
        "topics": "charge_point.*",
        "condition": "",
        "language": "en",
        "enabled": "on",
        "gather_s": "60",
        "addresses-TOTAL_FORMS": "0",
        "addresses-INITIAL_FORMS": "0",
    }
    happens(happening("fuse"))
    assert administrator.post(path, data | {"topics": "charge_pont.*"}).status_code == 200
    assert administrator.post(path, data | {"condition": "severity:loud"}).status_code == 200
    assert administrator.post(path, data).status_code == 302
    happens(happening("fuse"))
    assert topic_list.notices.count() == 1


def test_deleting_in_the_administration_ends_what_waits(administrator: Client, topic_list: TopicList) -> None:
    happens(happening("fuse"))
    path = reverse("admin:outbox_topiclist_delete", args=[topic_list.pk])
    assert administrator.post(path, {"post": "yes"}).status_code == 302
    other = a_list()
    happens(happening("fuse"))
    listed = reverse("admin:outbox_topiclist_changelist")
    data = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    assert administrator.post(listed, data).status_code == 302
    assert not TopicList.objects.exists()
    assert {decision.reason for decision in topic_list.notices.model.objects.all()} == {"list_deleted"}


# ---- harmless -------------------------------------------------------------------------------------------------------


def test_nothing_that_was_typed_becomes_a_tag(operator: Client) -> None:
    found = a_list(name=EVIL, description=EVIL, condition='"<script>alert"')
    happens(happening(EVIL, subject=EVIL))
    TopicList.objects.filter(pk=found.pk).update(condition=f"{EVIL} <i>odd")
    lists_changed()
    happens(happening(EVIL, subject=EVIL))
    for name in (*READING, "topic_list_edit", "topic_list_delete"):
        harmless(operator.get(address(name, found)))
    harmless(operator.post(url("topic_list_check"), {"topics": ["*"], "condition": EVIL}))
    harmless(operator.post(url("topic_list_create"), FORM | {"name": EVIL, "emails": [EVIL], "topics": [EVIL]}))
