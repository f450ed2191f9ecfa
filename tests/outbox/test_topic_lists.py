"""Topic lists are made, changed, left, erased and deleted; what is wrong with them is said in a sentence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.erasure import erase_everywhere
from core.refusal import Refused
from core.retention import prune_old
from outbox.checks import check_topic_lists
from outbox.choices import DecisionReason, DecisionState
from outbox.event_kinds import clean_topics, kinds_of
from outbox.models import Delivery, TopicDecision, TopicList, TopicListAddress
from outbox.rules.deciding import DecisionInput, why_not_notified, window_end
from outbox.rules.payload_summary import MOST_FACTS, PayloadFact, headline, in_order, key_facts, link_of
from outbox.services.mailing_lists.leaving import unsubscribe_url
from outbox.services.topic_lists.lists import create_list, delete_list, send_test, update_list
from tests.outbox.kit import NOW, days, in_threads
from tests.outbox.topic_kit import ADDRESS, SILENT, TRIP, a_list, at, decisions, happening, happens, tell, told

ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "name", "Give the list a name"),
    ({"name": "x" * 101}, "name", "at most 100 characters"),
    ({"topics": []}, "topics", "at least one topic"),
    ({"topics": ["test.silnt"]}, "topics", "Did you mean “test.silent”?"),
    ({"topics": ["nothing.*"]}, "topics", "No event is of the topic “nothing.*”."),
    ({"topics": ["test.note"]}, "topics", "“test.note”"),
    ({"topics": ["test.*", "*.updated"]}, "topics", "“*.updated”"),
    ({"domain": "nowhere"}, "domain", "The domains are"),
    ({"domain": "charging"}, "domain", "No event of this domain"),
    ({"condition": "citty:paris"}, "condition", "no field “citty”"),
    ({"condition": "severity:loud"}, "condition", "“severity” knows"),
    ({"condition": "title:>a"}, "condition", "compared with a number"),
    ({"language": "xx"}, "language", "The languages are"),
    ({"gather_s": -1}, "gather_s", "0 to 86400 seconds"),
    ({"gather_s": 86_401}, "gather_s", "0 to 86400 seconds"),
]


# ---- making and changing --------------------------------------------------------------------------------------------


def test_list_is_made_as_it_was_described(db: None) -> None:
    found = create_list(
        settings={
            "name": "  Werkstatt   Süd ",
            "description": " Nights ",
            "domain": "test",
            "topics": [TRIP, "test.*", TRIP],
            "condition": " title:fuse ",
            "language": "de",
            "enabled": False,
            "gather_s": 0,
        },
        emails=["A@example.org", "a@EXAMPLE.org", "b@exämple.org"],
    )
    found.refresh_from_db()
    assert (found.name, found.description, found.domain) == ("Werkstatt Süd", "Nights", "test")
    assert (found.topics, found.condition) == ([TRIP, "test.*"], "title:fuse")
    assert (found.language, found.enabled, found.gather_s) == ("de", False, 0)
    assert [row.address for row in found.addresses.all()] == ["A@example.org", "b@xn--exmple-cua.org"]


@pytest.mark.parametrize(("settings", "field", "said"), ERRORS)
def test_what_is_wrong_is_said_at_its_field(db: None, settings: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        create_list(settings={"name": "A list", "topics": ["test.*"]} | settings)
    assert list(caught.value.fields) == [field]
    assert said in " ".join(caught.value.fields[field])
    assert not TopicList.objects.exists()


@pytest.mark.parametrize(("settings", "field", "said"), ERRORS)
def test_what_would_be_wrong_changes_nothing(db: None, settings: dict[str, Any], field: str, said: str) -> None:
    found = a_list(name="A list")
    with pytest.raises(Refused):
        update_list(topic_list=found, settings={"description": "new"} | settings, now=NOW)
    assert TopicList.objects.get().description == ""


def test_every_wrong_address_is_named(db: None) -> None:
    with pytest.raises(Refused) as caught:
        a_list(emails=["fine@example.org", "one", "two@"])
    assert len(caught.value.fields["emails"]) == 2


def test_name_is_taken_whatever_its_case(db: None) -> None:
    a_list(name="Süd")
    other = a_list(name="Nord")
    with pytest.raises(Refused) as made:
        a_list(name="SÜD")
    with pytest.raises(Refused) as changed:
        update_list(topic_list=other, settings={"name": "süd"}, now=NOW)
    assert (made.value.code, changed.value.code) == ("unique", "unique")


def test_change_leaves_what_it_does_not_name(db: None) -> None:
    found = a_list(name="Süd", condition="fuse", language="de")
    update_list(topic_list=found, settings={"name": "Nord"}, now=NOW)
    found.refresh_from_db()
    assert (found.name, found.condition, found.language, found.topics) == ("Nord", "fuse", "de", ["test.*"])
    assert found.addresses.count() == 1


def test_condition_is_checked_again_when_the_topics_change(db: None) -> None:
    found = a_list(condition="title:fuse")
    with pytest.raises(Refused) as caught:
        update_list(topic_list=found, settings={"topics": ["charge_point.*"]}, now=NOW)
    assert "condition" in caught.value.fields


def test_change_of_a_list_keeps_the_window_that_a_worker_opened_meanwhile(committed: None) -> None:
    found = a_list()
    happens(happening())
    in_threads(tell)
    update_list(topic_list=found, settings={"name": "Another"}, now=NOW)
    assert TopicList.objects.get().gathering_until == at(60)


def test_address_that_goes_gets_nothing_more_and_what_stays_keeps_its_row(db: None) -> None:
    found = a_list(emails=["a@example.org", "b@example.org"])
    kept = found.addresses.get(address="b@example.org").pk
    happens(happening())
    tell()
    update_list(topic_list=found, settings={}, emails=["B@example.org", "c@example.org"], now=NOW)
    assert sorted(found.addresses.values_list("address", flat=True)) == ["b@example.org", "c@example.org"]
    assert found.addresses.get(address="b@example.org").pk == kept
    assert Delivery.objects.get(address="a@example.org").state == "cancelled"
    assert Delivery.objects.get(address="b@example.org").state == "pending"


def test_every_change_is_audited(db: None) -> None:
    found = a_list(name="Süd")
    update_list(topic_list=found, settings={"condition": "fuse"}, emails=["b@example.org"], now=NOW)
    delete_list(topic_list=found, now=NOW)
    changes = [entry.changes_dict for entry in LogEntry.objects.order_by("id")]
    assert changes[0]["name"] == [None, "Süd"]
    assert changes[1] == {"addresses": ["", ADDRESS]}
    assert {"condition": ["", "fuse"]} in changes
    assert {"addresses": [ADDRESS, "b@example.org"]} in changes
    assert LogEntry.objects.filter(action=LogEntry.Action.DELETE, object_repr="Süd").exists()


def test_mails_leave_no_trace_in_the_audit_log(db: None) -> None:
    a_list()
    before = LogEntry.objects.count()
    happens(happening())
    tell()
    assert LogEntry.objects.count() == before


def test_deleted_list_leaves_its_history(db: None) -> None:
    found = a_list(name="Süd")
    happens(happening())
    tell()
    delete_list(topic_list=found, now=NOW)
    assert TopicDecision.objects.get().list_name == "Süd"
    assert not TopicListAddress.objects.exists()
    assert len(told()) == 1


def test_list_without_an_address_sends_no_test(db: None) -> None:
    with pytest.raises(Refused, match="no address yet"):
        send_test(topic_list=a_list(emails=()), sent_by="anna", now=NOW)


# ---- leaving, erasing, pruning --------------------------------------------------------------------------------------


def test_link_in_a_mail_leaves_the_list(db: None) -> None:
    found = a_list(name="Süd", emails=[ADDRESS, "b@example.org"])
    happens(happening())
    tell()
    browser = Client(enforce_csrf_checks=True)
    path = unsubscribe_url(found.list_key, ADDRESS.upper()).removeprefix("http://testserver")
    assert "Süd" in browser.get(path).content.decode()
    assert browser.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert [row.address for row in found.addresses.all()] == ["b@example.org"]
    cancelled = Delivery.objects.get(address=ADDRESS)
    assert (cancelled.state, cancelled.reason) == ("cancelled", "unsubscribed")
    happens(happening(), seconds=100)
    tell(100)
    assert Delivery.objects.filter(address=ADDRESS).count() == 1


@pytest.mark.parametrize("key", ["topic_list:0", "topic_list:", "topic_list:x", f"topic_list:{'9' * 30}"])
def test_link_of_a_list_that_is_gone_says_so(db: None, key: str) -> None:
    path = unsubscribe_url(key, ADDRESS).removeprefix("http://testserver")
    assert "no longer exists" in Client().get(path).content.decode()
    assert Client().post(path).status_code == 200


def test_erased_address_stands_on_no_list(db: None) -> None:
    found = a_list(emails=[ADDRESS, "b@example.org"])
    found_again = a_list()
    erased = erase_everywhere(address=ADDRESS.upper(), now=NOW, told=lambda done, total: None)
    assert ("addresses of topic lists", 2) in [(one.what, one.number) for one in erased]
    assert [row.address for row in found.addresses.all()] == ["b@example.org"]
    happens(happening())
    assert decisions(found_again) == [("skipped", "no_address")]


def test_old_decisions_are_pruned_but_what_waits_stays(committed: None, settings: Any) -> None:
    settings.RETENTION_EVENTS_DAYS = 90
    a_list(enabled=False)
    a_list()
    happens(happening())
    assert sorted(decisions()) == [("skipped", "disabled"), ("waiting", "")]
    prune_old(now=NOW + days(89))
    assert len(decisions()) == 2
    prune_old(now=NOW + days(91))
    assert decisions() == [("waiting", "")]


def test_doctor_complains_of_what_should_have_been_told(db: None) -> None:
    a_list()
    assert check_topic_lists(NOW).ok
    happens(happening())
    assert check_topic_lists(at(299)).ok
    finding = check_topic_lists(at(301))
    assert not finding.ok
    assert "301 s" in finding.text
    tell(301)
    assert check_topic_lists(at(301)).ok


def test_what_is_due_is_found_without_reading_what_was_decided(db: None) -> None:
    a_list(enabled=False)
    happens(*[happening() for _ in range(1_000)])
    a_list(gather_s=0)
    happens(happening())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE outbox_topicdecision")
    due = TopicDecision.objects.filter(state=DecisionState.WAITING, due_at__lte=timezone.now())
    plan = json.loads(due.explain(analyze=True, buffers=True, format="json"))[0]["Plan"]
    assert plan["Actual Rows"] == due.count() > 0
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 5


# ---- the rules ------------------------------------------------------------------------------------------------------

FINE = {"takes_kind": True, "fits": True, "enabled": True, "has_address": True, "is_news": True}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, DecisionReason.NONE),
        ({"takes_kind": False, "fits": False}, DecisionReason.TOPIC),
        ({"fits": False, "enabled": False}, DecisionReason.CONDITION),
        ({"fits": None}, DecisionReason.CONDITION_BROKEN),
        ({"enabled": False, "has_address": False}, DecisionReason.DISABLED),
        ({"has_address": False, "is_news": False}, DecisionReason.NO_ADDRESS),
        ({"is_news": False}, DecisionReason.TOO_OLD),
    ],
)
def test_first_reason_counts(changes: dict[str, Any], reason: DecisionReason) -> None:
    assert why_not_notified(DecisionInput(**FINE | changes)) == reason


@pytest.mark.parametrize(
    ("until", "gather_s", "end"),
    [
        (None, 60, None),
        (60, 60, 60),
        (0, 60, None),
        (-1, 60, None),
        (1, 60, 1),
        (60, 0, None),
        (359, 60, 359),
        (361, 60, None),
        (86_400, 60, None),
    ],
)
def test_window_in_which_a_list_gathers(until: int | None, gather_s: int, end: int | None) -> None:
    moment = None if until is None else at(until)
    assert window_end(moment, gather_s, NOW) == (None if end is None else at(end))


@pytest.mark.parametrize(
    ("topics", "domain", "kinds"),
    [
        (["*"], "test", ["test.broken", "test.missing", SILENT, TRIP]),
        (["test.trip.*"], "", [TRIP]),
        (["test.*"], "charging", []),
        ([], "", []),
    ],
)
def test_kinds_of_topics_are_public_ones(topics: list[str], domain: str, kinds: list[str]) -> None:
    assert [kind.key for kind in kinds_of(topics, domain)] == kinds


@given(
    texts=st.lists(st.sampled_from([SILENT, "*", " test.* ", "test.nothing", " "]) | st.text(max_size=20), max_size=4)
)
def test_topics_are_clean_or_refused(texts: list[str]) -> None:
    fine = [text for text in texts if text.strip() and kinds_of([text.strip()])]
    if fine and len(fine) == sum(bool(text.strip()) for text in texts):
        assert clean_topics(texts) == list(dict.fromkeys(text.strip() for text in fine))
    else:
        with pytest.raises(Refused):
            clean_topics(texts)


# ---- the key facts of a payload -------------------------------------------------------------------------------------


def test_facts_are_what_people_want_to_read() -> None:
    payload = {
        "id": 7,
        "trip_id": 9,
        "url": "https://x.example/",
        "amount": 3.5,
        "paid": False,
        "note": "",
        "city": None,
        "tags": ["a", "b"],
        "photos": ["https://x.example/1"],
        "legs": [{"a": 1}, {"a": 2}],
        "charge_point": {"id": 3, "evse_id": "DE*ABC", "position": {"latitude": 50.9}},
    }
    assert key_facts(payload) == [
        PayloadFact("", "amount", 3.5),
        PayloadFact("", "paid", False),
        PayloadFact("", "tags", "a, b"),
        PayloadFact("", "legs", 2),
        PayloadFact("charge_point", "evse_id", "DE*ABC"),
        PayloadFact("charge_point", "position.latitude", 50.9),
    ]
    assert link_of(payload) == "https://x.example/"


def test_change_says_what_was_before() -> None:
    payload = {
        "object": {"object": "trip", "id": "trip_1", "version": 7, "status": "completed", "city": "Paris"},
        "previous_attributes": {"status": "terminating"},
    }
    assert key_facts(payload) == [
        PayloadFact("trip", "id", "trip_1"),
        PayloadFact("trip", "status", "completed", "terminating"),
        PayloadFact("trip", "city", "Paris"),
    ]
    assert headline(payload) == "trip_1, Paris"


class Place(msgspec.Struct):
    street: str = "Bahnhofstr. 1"
    zip: str = "50667"


class Report(msgspec.Struct):
    where: Place | None
    title: str = "A fuse tripped"
    id: str = "r1"


def test_facts_stand_in_the_order_of_the_schema_not_of_the_database() -> None:
    stored = {"id": "r1", "new": 1, "title": "A fuse tripped", "where": {"zip": "50667", "street": "Bahnhofstr. 1"}}
    payload = in_order(stored, msgspec.json.schema(Report))
    assert payload == stored
    assert [fact.name for fact in key_facts(payload)] == ["street", "zip", "title", "id", "new"]
    assert in_order([1], {}) == [1]


def test_what_was_empty_before_is_shown_as_such() -> None:
    many = {f"a{n}": n for n in range(30)}
    payload = {"object": many | {"amount": 3.5}, "previous_attributes": {"amount": None, "gone": "x"}}
    assert key_facts(payload)[-1] == PayloadFact("", "amount", 3.5, "–")


def test_what_two_parts_say_is_shown_once() -> None:
    payload = {"city": "Paris", "program": "a", "trip": {"city": "Paris", "program": "b"}}
    assert [(fact.part, fact.name) for fact in key_facts(payload)] == [
        ("", "city"),
        ("", "program"),
        ("trip", "program"),
    ]


def test_each_part_has_its_share_and_what_changed_is_always_there() -> None:
    long = {f"a{n}": n for n in range(30)}
    payload = {"left": long, "right": {"name": "R", "z": 1}, "last": "seen", "previous_attributes": {"last": "unseen"}}
    facts = key_facts(payload)
    assert len(facts) == MOST_FACTS
    assert {"name", "z", "last"} <= {fact.name for fact in facts}
    late = key_facts({**{f"a{n}": n for n in range(30)}, "z": 1, "previous_attributes": {"z": 0}})
    assert late[-1] == PayloadFact("", "z", 1, 0)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"charge_point": {"id": 7, "evse_id": "DE*A", "city": "Köln"}}, "DE*A, Köln"),
        ({"name": "Deck 2", "vin": "VF1"}, "VF1"),
        ({"program": "nemovelo"}, "nemovelo"),
        ({"amount": 3}, ""),
        ([], ""),
    ],
)
def test_headline_names_the_thing_and_its_place(payload: Any, said: str) -> None:
    assert headline(payload) == said


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//x.example", 7, None, ""])
def test_only_web_addresses_are_links(url: Any) -> None:
    assert link_of({"url": url}) == ""


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(payload=_values)
def test_facts_of_any_payload_are_few_and_short(payload: Any) -> None:
    facts = key_facts(payload)
    assert len(facts) <= MOST_FACTS
    assert all(len(fact.value) <= 200 for fact in facts if isinstance(fact.value, str))
    assert isinstance(headline(payload), str)
    assert key_facts({"deep": _deep(200)}) == []


def _deep(levels: int) -> dict[str, Any]:
    return {"a": _deep(levels - 1)} if levels else {"a": 1}
