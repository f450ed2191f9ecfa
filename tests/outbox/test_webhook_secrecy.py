"""What is shown of a webhook's URL and headers, and what happens to them when it goes to another host."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse

from core.text import shown_url
from outbox.models import Delivery, WebhookEndpoint
from outbox.services.webhooks import change_endpoint
from tests.conftest import ApiClient
from tests.outbox.hooks import endpoint_at
from tests.outbox.kit import NOW

pytestmark = pytest.mark.django_db
URL, SHOWN = "https://hooks.slack.com/services/T0001/B0002/key-in-path?x=key-in-query", "https://hooks.slack.com/***"
HEADERS = {"X-Key": "header-secret", "X-Other": "other-secret"}


def slack(**more: Any) -> WebhookEndpoint:
    return endpoint_at(URL, "test.*", headers=HEADERS, contact="ops@example.org", description="Slack", **more)


def reread() -> WebhookEndpoint:
    return WebhookEndpoint.objects.get()


def told() -> list[tuple[str, Any]]:
    """Whom a move was told, and what it was."""
    rows = Delivery.objects.filter(event__kind="webhook.moved").select_related("event")
    return [(row.address, row.event.payload) for row in rows]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, SHOWN),
        ("https://x.de", "https://x.de/"),
        ("https://x.de/", "https://x.de/"),
        ("https://x.de:8443/a", "https://x.de:8443/***"),
        ("https://x.de/?sig=1", "https://x.de/***"),
        ("https://x.de/#sig", "https://x.de/***"),
        ("https://user:password@x.de/", "https://x.de/"),
        ("http://[2001:db8::1]:80/a", "http://[2001:db8::1]:80/***"),
    ],
)
def test_url_is_shown_up_to_its_host(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_nothing_is_found_by_what_is_not_shown(viewer: Client, api: ApiClient) -> None:
    slack()
    for words, number in (
        ("slack.com", 1),
        ("key-in-path", 0),
        ("key-in-query", 0),
        ("url:slack", 1),
        ("url:T0001", 0),
    ):
        page = viewer.get(reverse("outbox:webhooks"), {"q": words}).context["page"]
        assert page.total == number, words
        assert len(api.get(f"/webhooks?q={words}").json()["items"]) == number, words


def test_what_is_given_back_as_it_is_shown_stays(administrator: Client, api: ApiClient) -> None:
    endpoint = slack()
    form = {"url": SHOWN, "topics": ["test.*"], "description": "New", "condition": "", "contact": "ops@example.org"}
    kept = form | {"headers": "X-Key: ***\nX-Other: changed"}
    assert administrator.post(reverse("outbox:webhook_edit", args=[endpoint.pk]), kept).status_code == 302
    assert (reread().url, reread().headers) == (URL, {"X-Key": "header-secret", "X-Other": "changed"})
    changes = {"url": SHOWN, "headers": {"X-Other": "***"}}
    assert api.patch(f"/webhooks/{endpoint.pk}", changes).json()["header_names"] == ["X-Other"]
    assert (reread().url, reread().headers) == (URL, {"X-Other": "changed"})
    assert told() == []


def test_another_path_of_the_same_host_keeps_the_headers_and_is_told_to_nobody() -> None:
    change_endpoint(endpoint=slack(), changes={"url": "https://HOOKS.slack.com:443/services/new"}, now=NOW)
    assert (reread().url, reread().headers) == ("https://hooks.slack.com/services/new", HEADERS)
    assert told() == []


@pytest.mark.parametrize("url", ["https://elsewhere.example/in", "https://hooks.slack.com:8443/in"])
def test_another_host_gets_none_of_the_headers_and_the_contact_is_told(url: str) -> None:
    """Whoever may change an endpoint could else have its secrets sent to a host of their own."""
    change_endpoint(endpoint=slack(), changes={"url": url, "contact": "other@example.org"}, now=NOW)
    assert (reread().url, reread().headers) == (url, {})
    ((address, payload),) = told()
    assert address == "ops@example.org"
    assert (payload["before"], payload["endpoint_url"]) == (SHOWN, shown_url(url))
    assert payload["dropped"] == ["X-Key", "X-Other"]


def test_headers_that_are_typed_anew_go_to_the_new_host_and_kept_ones_do_not(administrator: Client) -> None:
    endpoint = slack()
    form = {"url": "https://elsewhere.example/in", "topics": ["test.*"], "description": "", "condition": ""}
    typed = form | {"headers": "X-Key: ***\nX-Other: typed", "contact": ""}
    administrator.post(reverse("outbox:webhook_edit", args=[endpoint.pk]), typed)
    assert reread().headers == {"X-Other": "typed"}
    assert [payload["dropped"] for _address, payload in told()] == [["X-Key"]]


def test_a_host_that_changes_without_headers_is_told_too() -> None:
    endpoint = endpoint_at(URL, "test.*", contact="ops@example.org")
    change_endpoint(endpoint=endpoint, changes={"url": "https://elsewhere.example/in"}, now=NOW)
    assert [(address, payload["dropped"]) for address, payload in told()] == [("ops@example.org", [])]


def test_audit_log_says_that_it_changed_and_not_what() -> None:
    change_endpoint(endpoint=slack(), changes={"url": "https://elsewhere.example/path-2"}, now=NOW)
    (change,) = LogEntry.objects.get_for_object(reread()).filter(action=LogEntry.Action.UPDATE)
    assert change.changes_dict["url"] == [SHOWN, "https://elsewhere.example/***"]
    assert change.changes_dict["headers"] == ["***", "***"]


def test_a_place_for_a_kept_value_that_there_is_not_is_no_header(api: ApiClient) -> None:
    made = api.post("/webhooks", {"url": URL, "topics": ["*"], "headers": {"X-New": "***"}})
    assert made.status_code == 422
    assert "/headers" in [error["pointer"] for error in made.json()["errors"]]
