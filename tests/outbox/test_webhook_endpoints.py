"""Webhook endpoints: what may be said of one, who hears of what, pausing, secrets, deleting."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from core.erasure import erase_everywhere
from core.refusal import Refused
from outbox.choices import DeliveryState, EndpointState, Reason
from outbox.models import Delivery, Event, WebhookEndpoint, WebhookSecret
from outbox.services.webhooks import (
    EndpointInput,
    change_endpoint,
    create_endpoint,
    current_secrets,
    delete_endpoint,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    update_endpoint,
)
from outbox.subscriptions.stamps import listeners_changed
from tests.factories.console import UserFactory
from tests.outbox.hooks import SILENT, TRIP, endpoint_at, fresh, happened
from tests.outbox.kit import NOW, Note, a_note, published

pytestmark = pytest.mark.django_db
URL, SHOWN = "https://hooks.example.com/in", "https://hooks.example.com/***"


def refused(**changes: Any) -> dict[str, list[str]]:
    """What is said of an endpoint that cannot be made, by field."""
    values: dict[str, Any] = {"url": URL, "topics": ["*"]} | changes
    with pytest.raises(Refused) as caught:
        create_endpoint(details=EndpointInput(**values), now=NOW)
    assert not WebhookEndpoint.objects.exists()
    return caught.value.fields


# ---- what may be said ---------------------------------------------------------------------------------------------


def test_endpoint_is_stored_in_one_form_with_one_secret() -> None:
    wanted = EndpointInput(
        " HTTPS://Hooks.Example.com:443/in?key=1 ",
        ["test.*", "test.*", TRIP],
        "  Our\nwarehouse ",
        " words:dark ",
        {"X-Key": "a b"},
        " ops@example.org ",
    )
    endpoint, secret = create_endpoint(details=wanted, now=NOW)
    endpoint.refresh_from_db()
    assert endpoint.url == "https://hooks.example.com/in?key=1"
    assert endpoint.shown_url == SHOWN
    assert (endpoint.topics, endpoint.description) == (["test.*", TRIP], "Our warehouse")
    assert (endpoint.condition, endpoint.contact) == ("words:dark", "ops@example.org")
    assert endpoint.headers == {"X-Key": "a b"}
    assert (endpoint.state, endpoint.created_at) == (EndpointState.ENABLED, NOW)
    assert current_secrets([endpoint.pk], NOW) == {endpoint.pk: [secret]}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"url": "http://hooks.example.com/"}, "url", "https"),
        ({"url": "https://127.0.0.1/"}, "url", "loopback"),
        ({"url": "https://localhost/"}, "url", "local network"),
        ({"url": "https://a:b@hooks.example.com/"}, "url", "user name"),
        ({"url": ""}, "url", "begin with https"),
        ({"topics": []}, "topics", "at least one"),
        ({"topics": ["test.silnt"]}, "topics", "test.silent"),
        ({"topics": ["webhook.test"]}, "topics", "No event"),
        ({"condition": "severity:hot"}, "condition", "info, action, warning, critical"),
        ({"condition": "wrods:dark", "topics": ["test.*"]}, "condition", "words"),
        ({"description": "x" * 201}, "description", "200"),
        ({"contact": "nobody"}, "contact", "is no e-mail address"),
        ({"headers": {"Host": "x"}}, "headers", "set by Signalbox"),
        ({"headers": {"content-length": "1"}}, "headers", "set by Signalbox"),
        ({"headers": {"Webhook-Signature": "v1,x"}}, "headers", "set by Signalbox"),
        ({"headers": {"A:B": "x"}}, "headers", "not the name"),
        ({"headers": {"": "x"}}, "headers", "not the name"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "headers", "plain text"),
        ({"headers": {"X-A": "ü"}}, "headers", "plain text"),
        ({"headers": {"X-A": ""}}, "headers", "plain text"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "same name"),
        ({"headers": {f"X-{n}": "1" for n in range(21)}}, "headers", "At most 20"),
        ({"headers": {"X-A": "1" * 5_000}}, "headers", "4096"),
    ],
)
def test_wrong_field_is_named_with_a_sentence(changes: dict[str, Any], field: str, said: str) -> None:
    errors = refused(**changes)
    assert list(errors) == [field]
    assert said in " ".join(errors[field])


def test_all_wrong_fields_are_named_together() -> None:
    assert set(refused(url="x", topics=["no.such"], contact="x", headers={"Host": "x"})) == {
        "url",
        "topics",
        "contact",
        "headers",
    }


def test_wrong_topics_make_no_condition_wrong() -> None:
    assert list(refused(topics=["no.such"], condition="words:dark")) == ["topics"]
    assert set(refused(topics=["no.such"], condition="severity:hot")) == {"topics", "condition"}


def test_setting_opens_a_network_for_http(settings: Settings) -> None:
    settings.OUTBOX_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    assert endpoint_at("http://127.0.0.1:9000/x").url == "http://127.0.0.1:9000/x"


def test_setting_opens_another_port(settings: Settings) -> None:
    settings.OUTBOX_WEBHOOK_PORTS = [443, 9443]
    assert endpoint_at("https://hooks.example.com:9443/").url == "https://hooks.example.com:9443/"


def test_change_checks_the_whole_endpoint() -> None:
    endpoint = endpoint_at(URL, "test.*", condition="words:dark")
    change_endpoint(endpoint=endpoint, changes={"description": "new"}, now=NOW)
    with pytest.raises(Refused):
        change_endpoint(endpoint=endpoint, changes={"condition": "wrods:dark"}, now=NOW)
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.condition) == ("new", "words:dark")


def test_refused_change_leaves_the_pause_undone() -> None:
    endpoint = endpoint_at(URL)
    with pytest.raises(Refused):
        update_endpoint(endpoint=endpoint, changes={"url": "x"}, enabled=False, now=NOW)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ENABLED


def test_changes_are_audited_without_the_headers() -> None:
    endpoint = endpoint_at(URL, headers={"Authorization": "Bearer topsecret"})
    change_endpoint(
        endpoint=endpoint, changes={"description": "new", "headers": {"Authorization": "Bearer other"}}, now=NOW
    )
    entries = list(LogEntry.objects.get_for_object(endpoint))
    assert {entry.action for entry in entries} == {LogEntry.Action.CREATE, LogEntry.Action.UPDATE}
    assert "Bearer" not in str([entry.changes for entry in entries])
    assert "whsec_" not in str([entry.changes for entry in entries])


# ---- who hears of what --------------------------------------------------------------------------------------------


def test_each_endpoint_hears_of_its_topics_on_its_condition() -> None:
    everything = endpoint_at(URL)
    trips = endpoint_at(URL, "test.trip.*")
    dark = endpoint_at(URL, "test.*", condition="words:dark severity:info")
    published(
        a_note(kind=SILENT, payload=Note(words="It is dark")),
        a_note(kind=TRIP, payload=Note(words="It is light")),
        a_note(),
    )
    heard = {
        endpoint.pk: sorted(Delivery.objects.filter(list_key=endpoint.key).values_list("event__kind", flat=True))
        for endpoint in (everything, trips, dark)
    }
    assert heard == {everything.pk: [SILENT, TRIP], trips.pk: [TRIP], dark.pk: [SILENT]}


def test_delivery_shows_the_url_without_its_key() -> None:
    endpoint = endpoint_at(f"{URL}?sig=topsecret")
    (delivery,) = happened(now=NOW)
    assert (delivery.address, delivery.list_key, delivery.destination) == (SHOWN, endpoint.key, endpoint.key)


def test_changed_topics_count_from_the_next_event_on() -> None:
    endpoint = endpoint_at(URL, TRIP)
    assert happened(now=NOW) == []
    change_endpoint(endpoint=endpoint, changes={"topics": [SILENT]}, now=NOW)
    assert len(happened(now=NOW)) == 1


def test_condition_that_can_no_longer_be_read_holds_back_and_breaks_no_publisher() -> None:
    endpoint_at(URL)
    WebhookEndpoint.objects.update(condition="severity:no-such")
    listeners_changed("webhooks")
    (delivery,) = happened(now=NOW)
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, Reason.CONDITION)


def test_publishing_costs_the_same_for_many_endpoints() -> None:
    endpoint_at(URL)
    happened(now=NOW)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            happened(10, now=NOW)
        counts.append(len(captured))
        for _ in range(30):
            endpoint_at(URL, condition="words:dark")
        happened(now=NOW)
    assert counts[0] == counts[1]


# ---- paused and resumed -------------------------------------------------------------------------------------------


def test_pause_keeps_what_waits_and_what_happens() -> None:
    endpoint = endpoint_at(URL)
    (before,) = happened(now=NOW)
    assert pause_endpoint(endpoint=endpoint, now=NOW)
    (during,) = happened(now=NOW)
    for delivery in (fresh(before), during):
        assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, Reason.PAUSED)
    assert (endpoint.state, endpoint.held_since) == (EndpointState.PAUSED, NOW)
    assert not pause_endpoint(endpoint=endpoint, now=NOW)


def test_resumed_endpoint_begins_anew() -> None:
    endpoint = endpoint_at(URL)
    WebhookEndpoint.objects.update(state="disabled", reason="failing", failing_since=NOW, warned_at=NOW, held_since=NOW)
    assert resume_endpoint(endpoint=endpoint, now=NOW)
    assert (endpoint.state, endpoint.reason) == (EndpointState.ENABLED, Reason.NONE)
    assert (endpoint.failing_since, endpoint.warned_at, endpoint.held_since) == (None, None, None)
    assert happened(now=NOW)[0].state == DeliveryState.PENDING
    assert not resume_endpoint(endpoint=endpoint, now=NOW)


def test_endpoint_may_be_made_paused() -> None:
    endpoint = endpoint_at(URL, enabled=False)
    assert endpoint.state == EndpointState.PAUSED
    assert happened(now=NOW)[0].reason == Reason.PAUSED


# ---- secrets ------------------------------------------------------------------------------------------------------


def test_rotated_secrets_sign_until_their_day_is_over() -> None:
    endpoint = endpoint_at(URL, now=NOW)
    first = endpoint.secret  # type: ignore[attr-defined]
    second = rotate_secret(endpoint=endpoint, now=NOW + timedelta(hours=1))
    third = rotate_secret(endpoint=endpoint, now=NOW + timedelta(hours=2))

    def signing(hours: float) -> list[str]:
        return current_secrets([endpoint.pk], NOW + timedelta(hours=hours))[endpoint.pk]

    assert signing(2) == [third, second, first]
    assert signing(25) == [third, second]
    assert signing(26) == [third]
    rotate_secret(endpoint=endpoint, now=NOW + timedelta(days=9))
    assert WebhookSecret.objects.filter(endpoint=endpoint).count() == 2  # the expired ones are forgotten


def test_secret_stands_in_no_text_of_the_endpoint() -> None:
    endpoint = endpoint_at(URL)
    assert "whsec_" not in f"{endpoint} {endpoint!r} {endpoint.secrets.get()} {vars(endpoint) | {'secret': ''}}"


# ---- the end ------------------------------------------------------------------------------------------------------


def test_deleted_endpoint_cancels_what_waits_and_keeps_the_log() -> None:
    endpoint = endpoint_at(URL)
    (waiting, sent) = happened(2, now=NOW)
    Delivery.objects.filter(pk=sent.pk).update(state="delivered", next_attempt_at=None)
    delete_endpoint(endpoint=endpoint, now=NOW)
    assert (fresh(waiting).state, fresh(waiting).reason) == (DeliveryState.CANCELLED, Reason.DELETED)
    assert fresh(sent).state == DeliveryState.DELIVERED
    assert (happened(now=NOW), WebhookSecret.objects.count(), Event.objects.count()) == ([], 0, 3)


def test_erased_address_is_no_contact_any_more() -> None:
    endpoint = endpoint_at(URL, contact="Anna@example.org")
    erased = erase_everywhere(address="anna@example.org", now=NOW, told=lambda done, total: None)
    endpoint.refresh_from_db()
    assert endpoint.contact == ""
    assert 1 in [one.number for one in erased if "webhook" in one.what]


def test_owner_who_is_gone_leaves_the_endpoint() -> None:
    owner = UserFactory(email="anna@example.org")
    endpoint = endpoint_at(URL, owner=owner)
    owner.delete()
    endpoint.refresh_from_db()
    assert endpoint.owner is None
