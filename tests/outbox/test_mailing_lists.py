"""Leaving a mailing list: a page for people, one POST for mail programs (RFC 8058); signed for one address."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core import signing
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from infra_notifications.models import NotificationGroup
from outbox.choices import DeliveryState, Reason
from outbox.models import Delivery
from outbox.services.mailing_lists.leaving import list_of, read_token, unsubscribe_url
from outbox.transports.base import Work
from outbox.transports.email.transport import EmailTransport
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.outbox.kit import a_claim, a_note, published

ADDRESS = "Ops@example.org"


@pytest.fixture
def group(db: None) -> NotificationGroup:
    found: NotificationGroup = NotificationGroupFactory(name="Köln <Süd>", emails=[ADDRESS, "night@example.org"])
    return found


@pytest.fixture
def browser() -> Client:
    """Somebody's browser or mail program: no session, no CSRF cookie."""
    return Client(enforce_csrf_checks=True)


def path_of(group: NotificationGroup, address: str = ADDRESS) -> str:
    return unsubscribe_url(group.list_key, address).removeprefix("http://testserver")


def one_click(browser: Client, path: str) -> Any:
    """What a mail program sends (RFC 8058 § 3.2)."""
    return browser.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")


def addresses(group: NotificationGroup) -> set[str]:
    return set(group.addresses.values_list("address", flat=True))


# ---- the token ----------------------------------------------------------------------------------------------------


@given(key=st.text(max_size=80), address=st.text(max_size=320))
def test_token_names_the_list_and_the_address(key: str, address: str) -> None:
    assert read_token(unsubscribe_url(key, address).split("/")[-2]) == (key, address)


@given(token=st.text(max_size=200))
def test_what_we_did_not_sign_is_no_token(token: str) -> None:
    assert read_token(token) is None


def test_token_of_another_purpose_or_key_is_none(settings: Settings) -> None:
    assert read_token(signing.dumps(["notification_group:1", ADDRESS])) is None
    assert read_token(signing.dumps(["notification_group:1", ADDRESS], salt="console.sign_in")) is None
    ours = unsubscribe_url("notification_group:1", ADDRESS).split("/")[-2]
    settings.SECRET_KEY = "x" * 50
    assert read_token(ours) is None


def test_link_fits_into_a_header_line_however_long_the_address_is() -> None:
    local = "".join(chr(0x400 + n * 7 % 200) for n in range(30))
    transport = EmailTransport()
    held = a_claim(f"{local}@{'x' * 60}.{'y' * 60}.{'z' * 60}.example", list_key="k" * 80)
    (work,) = transport.prepare([held], 0)
    assert isinstance(work, Work)
    assert max(len(line) for line in work.item.content.split(b"\r\n")) <= 998


def test_only_registered_lists_can_be_left() -> None:
    assert list_of("notification_group:7") is not None
    assert list_of("no_such_list:7") is None


# ---- the page -----------------------------------------------------------------------------------------------------


def test_page_names_the_list_and_the_address_and_changes_nothing(browser: Client, group: NotificationGroup) -> None:
    page = browser.get(path_of(group))
    assert page.status_code == 200
    assert "Köln &lt;Süd&gt;" in page.text
    assert ADDRESS in page.text
    assert 'method="post"' in page.text
    assert addresses(group) == {ADDRESS, "night@example.org"}


def test_button_takes_the_address_off_the_list(browser: Client, group: NotificationGroup) -> None:
    page = browser.post(path_of(group))
    assert (page.status_code, 'role="status"' in page.text) == (200, True)
    assert addresses(group) == {"night@example.org"}


def test_one_click_of_a_mail_program_takes_the_address_off_the_list(browser: Client, group: NotificationGroup) -> None:
    assert one_click(browser, path_of(group)).status_code == 200
    assert addresses(group) == {"night@example.org"}


def test_leaving_twice_is_no_error(browser: Client, group: NotificationGroup) -> None:
    answers = [one_click(browser, path_of(group)).status_code for _ in range(2)]
    assert answers == [200, 200]


def test_address_is_taken_off_however_it_is_written(browser: Client, group: NotificationGroup) -> None:
    one_click(browser, path_of(group, ADDRESS.upper()))
    assert addresses(group) == {"night@example.org"}


def test_other_lists_keep_the_address(browser: Client, group: NotificationGroup) -> None:
    other = NotificationGroupFactory(emails=[ADDRESS])
    one_click(browser, path_of(group))
    assert addresses(other) == {ADDRESS}


def test_leaving_is_audited_with_the_address(browser: Client, group: NotificationGroup) -> None:
    before = LogEntry.objects.count()
    one_click(browser, path_of(group))
    entry = LogEntry.objects.get_for_object(group).latest("timestamp")
    assert LogEntry.objects.count() == before + 1
    assert entry.changes == {"addresses": [ADDRESS, "unsubscribed by its owner"]}
    assert entry.actor is None


def test_what_still_waits_for_the_address_on_this_list_is_cancelled(browser: Client, group: NotificationGroup) -> None:
    states = (DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.SENDING, DeliveryState.DELIVERED)
    published(*[a_note("OPS@example.org", list_key=group.list_key, dedup_key=state) for state in states])
    published(a_note("night@example.org", list_key=group.list_key), a_note(ADDRESS, list_key="another:1"))
    for state in states:
        Delivery.objects.filter(event__dedup_key=state).update(state=state)
    one_click(browser, path_of(group))
    left = Delivery.objects.filter(reason=Reason.UNSUBSCRIBED)
    assert {row.event.dedup_key for row in left} == {"pending", "retrying"}
    assert {row.state for row in left} == {DeliveryState.CANCELLED}
    assert all(row.settled_at and row.next_attempt_at is None for row in left)
    assert Delivery.objects.filter(state=DeliveryState.PENDING).count() == 2


def test_page_of_a_deleted_group_says_that_it_sends_nothing(browser: Client, group: NotificationGroup) -> None:
    path = path_of(group)
    group.delete()
    page = browser.get(path)
    assert page.status_code == 200
    assert "no longer exists" in page.text
    assert "<form" not in page.text
    assert one_click(browser, path).status_code == 200


@pytest.mark.parametrize("token", ["x", "a:b:c", ".eJw:1:2", "%00", "%F0%9F%94%8C", "x" * 2_000])
def test_forged_link_leads_nowhere(db: None, browser: Client, token: str) -> None:
    for answer in (browser.get(f"/outbox/unsubscribe/{token}/"), one_click(browser, f"/outbox/unsubscribe/{token}/")):
        assert answer.status_code == 404


def test_link_that_was_changed_leads_nowhere(browser: Client, group: NotificationGroup) -> None:
    path = path_of(group)
    assert one_click(browser, path[:-3] + ("aa/" if path[-3:] != "aa/" else "bb/")).status_code == 404
    assert addresses(group) == {ADDRESS, "night@example.org"}


def test_link_of_a_list_that_no_app_has_any_more_leads_nowhere(db: None, browser: Client) -> None:
    path = unsubscribe_url("gone:1", ADDRESS).removeprefix("http://testserver")
    assert browser.get(path).status_code == 404
