"""Both sides of each limit, both ends of each window, and what belongs to another list or endpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import pytest

from core.refusal import Refused
from outbox.choices import DecisionState, DeliveryState, Reason, Verdict
from outbox.contract import Outcome
from outbox.models import Delivery, Event, TopicDecision, TopicList, WebhookEndpoint, WebhookSecret
from outbox.rules import deciding, retrying
from outbox.services.endpoint_health import DISABLE_AFTER, WARN_AFTER, check_endpoints
from outbox.services.mailing_lists.leaving import list_of
from outbox.services.pruning import prune_events
from outbox.services.publishing import number_events
from outbox.services.settling import CLOCK_SLACK, mend_times, reclaim_lost
from outbox.services.topic_lists.lists import delete_list, update_list
from outbox.services.webhooks import (
    MAX_DESCRIPTION,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    OVERLAP,
    change_endpoint,
    current_secrets,
    delete_endpoint,
    pause_endpoint,
    rotate_secret,
)
from outbox.transports.webhook.targets import MAX_URL
from tests.outbox.hooks import endpoint_at, happened
from tests.outbox.kit import NOW, a_delivery, a_note, published, taken
from tests.outbox.topic_kit import a_list, happening, happens

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
URL, OTHER = "https://hooks.example.com/in", "https://other.example.com/in"
AWAY = Outcome(Verdict.POSTPONED, Reason.CONNECTION)


def allowed(is_allowed: bool) -> AbstractContextManager[Any]:
    return nullcontext() if is_allowed else pytest.raises(Refused)


# ---- ends of windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "signing"), [(OVERLAP - TICK, 2), (OVERLAP, 1), (OVERLAP + TICK, 1)])
def test_an_old_secret_signs_until_its_day_is_over(after: timedelta, signing: int) -> None:
    endpoint = endpoint_at(URL, now=NOW)
    rotate_secret(endpoint=endpoint, now=NOW)
    assert len(current_secrets([endpoint.pk], NOW + after)[endpoint.pk]) == signing


@pytest.mark.parametrize(
    ("after", "found", "state"),
    [
        (WARN_AFTER - TICK, 0, "enabled"),
        (WARN_AFTER, 1, "enabled"),
        (DISABLE_AFTER - TICK, 1, "enabled"),
        (DISABLE_AFTER, 1, "disabled"),
    ],
)
def test_an_endpoint_is_warned_of_and_disabled_from_its_day_on(after: timedelta, found: int, state: str) -> None:
    endpoint_at(URL, now=NOW)
    WebhookEndpoint.objects.update(failing_since=NOW)
    assert check_endpoints(now=NOW + after) == found
    assert WebhookEndpoint.objects.get().state == state


@pytest.mark.parametrize(("age", "state"), [(retrying.MAX_AGE, "retrying"), (retrying.MAX_AGE + TICK, "failed")])
def test_what_a_server_puts_off_is_tried_for_seven_days_and_no_longer(age: timedelta, state: str) -> None:
    settlement = retrying.settle(AWAY, counted_attempts=1, created_at=NOW - age, now=NOW, chance=0)
    assert settlement.state == state


@pytest.mark.parametrize(("step", "is_left"), [(0, True), (1, False)])
def test_an_attempt_for_each_pause_and_then_no_more(step: int, is_left: bool) -> None:
    pause = retrying.retry_pause(len(retrying.RETRY_PAUSES_S) + step, 0)
    assert pause == (retrying.RETRY_PAUSES_S[-1] if is_left else None)


@pytest.mark.parametrize(("asked", "waits"), [(86_399, 86_399), (86_400, 86_400), (86_401, 86_400), (1, 5)])
def test_a_receiver_may_ask_for_a_pause_of_a_day_at_most(asked: int, waits: int) -> None:
    busy = Outcome(Verdict.RETRY, Reason.REJECTED, retry_after_s=asked)
    settlement = retrying.settle(busy, counted_attempts=1, created_at=NOW, now=NOW, chance=0)
    assert settlement.next_attempt_at == NOW + timedelta(seconds=waits)


@pytest.mark.parametrize(
    ("until", "is_gathering"),
    [
        (timedelta(0), False),
        (TICK, True),
        (timedelta(seconds=60) + deciding.CLOCK_SLACK, True),
        # A clock that was set back since: no window can end so late.
        (timedelta(seconds=60) + deciding.CLOCK_SLACK + TICK, False),
    ],
)
def test_a_list_gathers_until_the_end_of_its_window(until: timedelta, is_gathering: bool) -> None:
    assert (deciding.window_end(NOW + until, 60, NOW) is not None) == is_gathering


@pytest.mark.parametrize(("after", "lost"), [(timedelta(seconds=120), 0), (timedelta(seconds=120) + TICK, 1)])
def test_a_lease_holds_until_its_end(after: timedelta, lost: int) -> None:
    a_delivery()
    assert taken(lease_s=120)
    assert reclaim_lost(now=NOW + after) == lost


@pytest.mark.parametrize(("ahead", "touched"), [(CLOCK_SLACK, 0), (CLOCK_SLACK + TICK, 1)])
def test_what_was_written_by_a_clock_ahead_is_due_now(ahead: timedelta, touched: int) -> None:
    a_delivery(now=NOW + ahead)
    Delivery.objects.update(next_attempt_at=NOW + ahead)
    assert mend_times(now=NOW, lease_s=120) == touched


@pytest.mark.parametrize(("age", "gone"), [(timedelta(0), 0), (TICK, 1)])
def test_an_event_is_kept_for_all_of_its_days(age: timedelta, gone: int) -> None:
    published(a_note(dedup_key="old"), now=NOW - age)
    published(a_note(dedup_key="young"), now=NOW)
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    number_events()
    assert prune_events(NOW, 0).deleted == gone
    assert Event.objects.count() == 2 - gone


# ---- upper limits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "is_allowed"),
    [
        ({"name": "x" * 100}, True),
        ({"name": "x" * 101}, False),
        ({"gather_s": 0}, True),
        ({"gather_s": -1}, False),
        ({"gather_s": 86_400}, True),
        ({"gather_s": 86_401}, False),
        ({"emails": [f"a{n}@example.org" for n in range(200)]}, True),
        ({"emails": [f"a{n}@example.org" for n in range(201)]}, False),
        # The same address twice is one.
        ({"emails": [f"a{n % 200}@example.org" for n in range(300)]}, True),
    ],
)
def test_a_list_has_limits(settings: dict[str, Any], is_allowed: bool) -> None:
    with allowed(is_allowed):
        a_list(**settings)
    assert TopicList.objects.exists() == is_allowed
    other = TopicList.objects.first() or a_list()
    emails = settings.pop("emails", None)
    with allowed(is_allowed):
        update_list(topic_list=other, settings=settings, emails=emails, now=NOW)


@pytest.mark.parametrize(
    ("details", "is_allowed"),
    [
        ({"description": "x" * MAX_DESCRIPTION}, True),
        ({"description": "x" * (MAX_DESCRIPTION + 1)}, False),
        ({"headers": {f"X-{n}": "1" for n in range(MAX_HEADERS)}}, True),
        ({"headers": {f"X-{n}": "1" for n in range(MAX_HEADERS + 1)}}, False),
        ({"headers": {"X-A": "1" * (MAX_HEADER_BYTES - 3)}}, True),
        ({"headers": {"X-A": "1" * (MAX_HEADER_BYTES - 2)}}, False),
        ({"url": f"{URL}?{'x' * (MAX_URL - len(URL) - 1)}"}, True),
        ({"url": f"{URL}?{'x' * (MAX_URL - len(URL))}"}, False),
    ],
)
def test_an_endpoint_has_limits(details: dict[str, Any], is_allowed: bool) -> None:
    with allowed(is_allowed):
        endpoint_at(details.get("url", URL), **{name: value for name, value in details.items() if name != "url"})
    assert WebhookEndpoint.objects.exists() == is_allowed
    endpoint = WebhookEndpoint.objects.first() or endpoint_at(URL)
    with allowed(is_allowed):
        change_endpoint(endpoint=endpoint, changes=details, now=NOW)


# ---- what belongs to another ----------------------------------------------------------------------------------------


def _waiting(endpoint: WebhookEndpoint) -> set[str]:
    return set(Delivery.objects.filter(list_key=endpoint.key).values_list("state", flat=True))


@pytest.mark.parametrize(
    ("end", "becomes"),
    [
        (lambda endpoint: pause_endpoint(endpoint=endpoint, now=NOW), {"suppressed"}),
        (lambda endpoint: delete_endpoint(endpoint=endpoint, now=NOW), {"cancelled"}),
    ],
)
def test_the_end_of_one_endpoint_is_none_of_another(end: Callable[[WebhookEndpoint], Any], becomes: set[str]) -> None:
    mine, theirs = endpoint_at(URL, now=NOW), endpoint_at(OTHER, now=NOW)
    happened(now=NOW)
    key = WebhookEndpoint.objects.get(pk=mine.pk)
    end(mine)
    assert _waiting(key) == becomes
    assert _waiting(theirs) == {"pending"}


def test_a_new_secret_of_one_endpoint_is_none_of_another() -> None:
    mine, theirs = endpoint_at(URL, now=NOW), endpoint_at(OTHER, now=NOW)
    rotate_secret(endpoint=mine, now=NOW)
    assert WebhookSecret.objects.filter(endpoint=theirs).count() == 1
    assert len(current_secrets([mine.pk], NOW)[mine.pk]) == 2
    assert current_secrets([theirs.pk], NOW + 2 * OVERLAP)[theirs.pk] == [theirs.secret]  # type: ignore[attr-defined]


def test_who_leaves_one_list_stays_in_another() -> None:
    mine, theirs = a_list(), a_list()
    registered = list_of(mine.list_key)
    assert registered is not None
    assert registered.leave(mine.list_key, "OPS@example.org")
    assert not mine.addresses.exists()
    assert theirs.addresses.count() == 1
    assert not registered.leave(mine.list_key, "ops@example.org")


def test_a_list_that_is_deleted_takes_nothing_of_another_along() -> None:
    mine, theirs = a_list(gather_s=3_600), a_list(gather_s=3_600)
    happens(happening())
    delete_list(topic_list=mine, now=NOW)
    assert TopicDecision.objects.filter(topic_list=theirs, state=DecisionState.WAITING).count() == 1
