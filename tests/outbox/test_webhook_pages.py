"""The pages of webhook endpoints and the catalogue of event kinds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from outbox.choices import DeliveryState, EndpointState
from outbox.event_kinds import public_kinds
from outbox.models import Attempt, Delivery, WebhookEndpoint
from outbox.services.webhooks import pause_endpoint, rotate_secret, send_test
from tests.factories.console import UserFactory
from tests.outbox.hooks import endpoint_at, fresh, happened

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in"
FORM = {"url": URL, "topics": ["test.*"], "description": "Hooks", "condition": "", "headers": "", "contact": ""}


def page(client: Client, name: str, *args: Any, **more: Any) -> str:
    answer = client.get(reverse(f"outbox:{name}", args=args), **more)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def send(client: Client, name: str, *args: Any, **data: Any) -> Any:
    return client.post(reverse(f"outbox:{name}", args=args), data)


def said(client: Client, answer: Any) -> str:
    """The page that an answer leads to."""
    return client.get(answer.url).content.decode()


# ---- made and changed ---------------------------------------------------------------------------------------------


def test_endpoint_is_made_and_its_secret_shown_once(administrator: Client) -> None:
    answer = send(administrator, "webhook_create", **FORM | {"headers": "X-Key: a b\n\nX-Other:c"})
    endpoint = WebhookEndpoint.objects.get()
    secret = endpoint.secrets.get().secret
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert endpoint.headers == {"X-Key": "a b", "X-Other": "c"}
    assert endpoint.owner is not None
    for name in ("webhook", "webhook_edit", "webhook_deliveries", "webhook_test", "webhook_replay", "webhook_delete"):
        assert secret not in page(administrator, name, endpoint.pk)


def test_personal_data_is_asked_for_by_a_box_and_the_page_says_so(administrator: Client) -> None:
    send(administrator, "webhook_create", **FORM)
    endpoint = WebhookEndpoint.objects.get()
    assert not endpoint.personal_data
    assert "not sent" in page(administrator, "webhook", endpoint.pk)
    send(administrator, "webhook_edit", endpoint.pk, **FORM | {"personal_data": "on"})
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.personal_data
    assert "not sent" not in page(administrator, "webhook", endpoint.pk)
    change = LogEntry.objects.get_for_object(endpoint).first()
    assert change is not None
    assert change.changes_dict == {"personal_data": [False, True]}


def test_only_who_may_read_people_may_have_them_told_of(administrator: Client) -> None:
    send(administrator, "webhook_create", **FORM)
    endpoint = WebhookEndpoint.objects.get()
    editor = UserFactory()
    codenames = ("view_webhookendpoint", "change_webhookendpoint")
    editor.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(editor, "django.contrib.auth.backends.ModelBackend")
    refused = send(client, "webhook_edit", endpoint.pk, **FORM | {"personal_data": "on"})
    assert "may not read the people" in refused.content.decode()
    assert not WebhookEndpoint.objects.get().personal_data
    assert send(client, "webhook_edit", endpoint.pk, **FORM).status_code == 302


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"url": "http://hooks.example.com/"}, "Only https on port 443, 8443 may be used."),
        ({"url": "https://10.0.0.1/"}, "10.0.0.1 is not a public address (private)."),
        ({"topics": []}, "Choose at least one topic"),
        ({"condition": "severity:hot"}, "“severity” knows"),
        ({"headers": "no colon"}, "is not of the form"),
        ({"headers": "Host: x"}, "is set by Signalbox"),
        ({"contact": "nobody"}, "is no e-mail address"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    administrator: Client, changes: dict[str, Any], expected: str
) -> None:
    answer = send(administrator, "webhook_create", **FORM | changes).content.decode()
    assert escape(expected) in answer
    assert 'value="Hooks"' in answer
    assert not WebhookEndpoint.objects.exists()


def test_endpoint_is_edited_with_what_it_was_as_the_start(administrator: Client) -> None:
    endpoint = endpoint_at(URL, "test.*", headers={"X-Key": "a"}, condition="words:dark")
    start = page(administrator, "webhook_edit", endpoint.pk)
    assert "X-Key: ***" in start
    assert "https://hooks.example.com/***" in start
    assert URL not in start
    assert "words:dark" in start
    answer = send(administrator, "webhook_edit", endpoint.pk, **FORM | {"description": "New", "headers": "X-Key: b"})
    assert answer.url == reverse("outbox:webhook", args=[endpoint.pk])
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.headers, endpoint.condition) == ("New", {"X-Key": "b"}, "")


def test_list_shows_and_finds_endpoints(viewer: Client) -> None:
    endpoint_at(f"{URL}?sig=topsecret", "test.*", description="Warehouse")
    endpoint_at("https://other.example/")
    whole = page(viewer, "webhooks")
    assert "Warehouse" in whole
    assert "topsecret" not in whole
    assert "other.example" not in page(viewer, "webhooks", query_params={"q": "warehouse"})
    assert "other.example" not in page(viewer, "webhooks", query_params={"q": "topic:test.*"})


def test_page_tells_what_the_endpoint_hears_of_and_how_it_does(viewer: Client) -> None:
    endpoint = endpoint_at(f"{URL}?sig=topsecret", "test.*", headers={"X-Key": "k3y-v4lue"}, contact="ops@example.org")
    rotate_secret(endpoint=endpoint, now=timezone.now())
    happened(3)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=3))
    shown = page(viewer, "webhook", endpoint.pk)
    for text in ("test.silent", "X-Key", "ops@example.org", "signs as well until", "3 waiting", "has taken nothing"):
        assert text in shown
    for text in ("topsecret", "k3y-v4lue", "whsec_"):
        assert text not in shown


# ---- run ----------------------------------------------------------------------------------------------------------


def test_operator_pauses_and_resumes_and_is_led_to_what_was_held_back(operator: Client) -> None:
    endpoint = endpoint_at(URL)
    send(operator, "webhook_pause", endpoint.pk)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.PAUSED
    happened(2)
    assert "Paused since" in page(operator, "webhook", endpoint.pk)
    answer = send(operator, "webhook_resume", endpoint.pk)
    assert answer.url.startswith(reverse("outbox:webhook_replay", args=[endpoint.pk]) + "?since=")
    assert "2 events were held back." in said(operator, answer)
    assert "It is enabled already." in said(operator, send(operator, "webhook_resume", endpoint.pk))


def test_operator_may_not_change_and_viewer_may_not_operate(operator: Client, viewer: Client) -> None:
    endpoint = endpoint_at(URL)
    for name in ("webhook_edit", "webhook_rotate", "webhook_delete"):
        assert send(operator, name, endpoint.pk, **FORM).status_code == 403
    assert send(operator, "webhook_create", **FORM).status_code == 403
    for name in ("webhook_pause", "webhook_resume", "webhook_test", "webhook_replay"):
        assert send(viewer, name, endpoint.pk).status_code == 403
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ENABLED
    assert not Delivery.objects.exists()


def test_new_secret_is_shown_once(administrator: Client) -> None:
    endpoint = endpoint_at(URL)
    answer = send(administrator, "webhook_rotate", endpoint.pk)
    newest = endpoint.secrets.get(expires_at=None).secret
    assert newest in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert endpoint.secrets.count() == 2


def test_test_event_is_sent_and_its_result_shown(operator: Client) -> None:
    endpoint = endpoint_at(URL)
    assert "No test was sent yet" in page(operator, "webhook_test", endpoint.pk)
    answer = send(operator, "webhook_test", endpoint.pk)
    waiting = said(operator, answer)
    assert "Waiting for the receiver" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    delivery = Delivery.objects.get()
    Delivery.objects.update(state=DeliveryState.FAILED, reason="rejected")
    Attempt.objects.create(
        delivery=delivery,
        at=timezone.now(),
        duration_ms=12,
        verdict="failed",
        reason="rejected",
        code=404,
        answer="<b>who?</b>",
    )
    part = page(operator, "webhook_test", endpoint.pk, headers={"HX-Target": "result"})
    assert "<html" not in part
    assert "<strong>404</strong>" in part
    assert "12 ms" in part
    assert "&lt;b&gt;who?" in part
    assert "hx-trigger" not in part


def test_deliveries_of_an_endpoint_are_its_own(viewer: Client) -> None:
    endpoint, other = endpoint_at(URL, "test.silent"), endpoint_at(URL, "test.trip.*")
    (delivery,) = happened()
    link = reverse("outbox:delivery", args=[delivery.pk])
    assert link in page(viewer, "webhook_deliveries", endpoint.pk)
    assert link not in page(viewer, "webhook_deliveries", other.pk)


def test_range_is_replayed(operator: Client) -> None:
    endpoint = endpoint_at(URL)
    (delivery,) = happened()
    Delivery.objects.update(state=DeliveryState.FAILED, next_attempt_at=None)
    since = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    answer = send(operator, "webhook_replay", endpoint.pk, since=since, only_failed="on")
    assert "1 event is sent again." in said(operator, answer)
    assert fresh(delivery).state == DeliveryState.RETRYING


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"since": ""}, "This field is required."),
        ({"since": "yesterday"}, "Enter a valid date/time."),
        ({"since": "2099-01-01T00:00"}, "Choose a moment in the past."),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "The range is empty"),
    ],
)
def test_range_that_is_none_is_refused(operator: Client, data: dict[str, str], expected: str) -> None:
    endpoint = endpoint_at(URL)
    assert expected in send(operator, "webhook_replay", endpoint.pk, **data).content.decode()


def test_replay_of_a_paused_endpoint_says_what_to_do(operator: Client) -> None:
    endpoint = endpoint_at(URL)
    pause_endpoint(endpoint=endpoint, now=timezone.now())
    assert "resume it first" in send(operator, "webhook_replay", endpoint.pk, since="2026-01-01T00:00").content.decode()


def test_one_delivery_is_sent_again_from_its_page(operator: Client) -> None:
    endpoint = endpoint_at(URL)
    (delivery,) = happened()
    Delivery.objects.update(state=DeliveryState.DELIVERED, next_attempt_at=None)
    shown = page(operator, "delivery", delivery.pk)
    assert reverse("outbox:webhook_again", args=[delivery.pk]) in shown
    assert reverse("outbox:webhook", args=[endpoint.pk]) in shown
    assert "under the same id" in said(operator, send(operator, "webhook_again", delivery.pk))
    assert fresh(delivery).state == DeliveryState.RETRYING
    WebhookEndpoint.objects.all().delete()
    assert "was deleted" in said(operator, send(operator, "webhook_again", delivery.pk))


def test_deleting_asks_for_the_host(administrator: Client) -> None:
    endpoint = endpoint_at(URL)
    assert "it is hooks.example.com" in send(administrator, "webhook_delete", endpoint.pk, typed="x").content.decode()
    assert WebhookEndpoint.objects.exists()
    answer = send(administrator, "webhook_delete", endpoint.pk, typed=" Hooks.example.com ")
    assert answer.url == reverse("outbox:webhooks")
    assert not WebhookEndpoint.objects.exists()


def test_test_of_a_test_is_not_offered_to_others(operator: Client) -> None:
    first, second = endpoint_at(URL), endpoint_at(URL)
    send_test(endpoint=first, sent_by="anna", now=timezone.now())
    assert "No test was sent yet" in page(operator, "webhook_test", second.pk)


# ---- the catalogue ------------------------------------------------------------------------------------------------


def test_catalogue_shows_every_kind_with_example_and_schema(viewer: Client) -> None:
    shown = page(viewer, "event_kinds")
    for kind in public_kinds():
        assert f'id="{kind.key}"' in shown
        assert escape(str(kind.description)) in shown
    assert "&quot;api_version&quot;: &quot;2026-11-01&quot;" in shown
    assert "notification_group.alert" not in shown
