"""Failing endpoints: who fails since when, whom that is told, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from auditlog.models import LogEntry

from outbox.choices import Channel, DeliveryState, EndpointState, Reason, Verdict
from outbox.contract import Outcome, Result, delivered, failed, held_back, retry
from outbox.models import Delivery, WebhookEndpoint
from outbox.services.endpoint_health import DISABLE_AFTER, WARN_AFTER, check_endpoints, disable_endpoint
from outbox.services.fair_claims import FairClaim
from outbox.services.settling import settle
from outbox.services.webhooks import send_test
from tests.clock import iso
from tests.factories.console import UserFactory
from tests.outbox.hooks import endpoint_at, fresh, happened
from tests.outbox.kit import NOW, days

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in"
HOUR = timedelta(hours=1)
BAD, GOOD = retry(Reason.TEMPORARY, 503, "no"), delivered(200, "ok")


def tried(outcome: Outcome, now: datetime = NOW) -> None:
    """An event happens and every endpoint's delivery of it ends this way."""
    happened(now=now)
    took = FairClaim("webhook").take(limit=100, first=9, allowances={}, lease_s=60, now=now)
    assert took
    settle(results=[Result(one, outcome, now, 0.1) for one in took], now=now)


def mails(kind: str) -> list[str]:
    return sorted(Delivery.objects.filter(channel=Channel.EMAIL, event__kind=kind).values_list("address", flat=True))


def reread(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


# ---- since when ---------------------------------------------------------------------------------------------------


def test_first_failure_starts_the_clock_and_one_success_stops_it() -> None:
    endpoint = endpoint_at(URL)
    tried(BAD)
    tried(BAD, NOW + HOUR)
    assert reread(endpoint).failing_since == NOW
    WebhookEndpoint.objects.update(warned_at=NOW)
    tried(GOOD, NOW + 2 * HOUR)
    assert (reread(endpoint).failing_since, reread(endpoint).warned_at) == (None, None)


def test_final_rejection_counts_as_failing_too() -> None:
    endpoint = endpoint_at(URL)
    tried(failed(Reason.REJECTED, 404))
    assert reread(endpoint).failing_since == NOW


@pytest.mark.parametrize(
    "outcome",
    [held_back(Reason.PAUSED), Outcome(Verdict.RELEASED, Reason.NONE), failed(Reason.DELETED)],
)
def test_what_is_not_the_receivers_doing_counts_nothing(outcome: Outcome) -> None:
    endpoint = endpoint_at(URL)
    tried(outcome)
    assert reread(endpoint).failing_since is None


def test_failed_test_counts_nothing_and_a_good_one_clears() -> None:
    endpoint = endpoint_at(URL)
    for outcome, since in ((BAD, None), (GOOD, None)):
        send_test(endpoint=endpoint, sent_by="anna", now=NOW)
        took = FairClaim("webhook").take(limit=9, first=9, allowances={}, lease_s=60, now=NOW)
        settle(results=[Result(one, outcome, NOW, 0.1) for one in took], now=NOW)
        assert reread(endpoint).failing_since == since
        WebhookEndpoint.objects.update(failing_since=NOW)


def test_success_among_failures_of_one_batch_wins() -> None:
    endpoint = endpoint_at(URL)
    happened(3, now=NOW)
    took = FairClaim("webhook").take(limit=9, first=9, allowances={}, lease_s=60, now=NOW)
    settle(results=[Result(one, o, NOW, 0.1) for one, o in zip(took, (BAD, GOOD, BAD), strict=True)], now=NOW)
    assert reread(endpoint).failing_since is None


# ---- told and disabled --------------------------------------------------------------------------------------------


def test_contact_is_told_once_after_a_day_and_once_at_the_end() -> None:
    endpoint = endpoint_at(URL, contact="ops@example.org", description="Warehouse")
    tried(BAD)
    assert check_endpoints(now=NOW + WARN_AFTER - HOUR) == 0
    assert check_endpoints(now=NOW + WARN_AFTER) == 1
    assert check_endpoints(now=NOW + WARN_AFTER + HOUR) == 0
    assert mails("webhook.failing") == ["ops@example.org"]
    assert reread(endpoint).state == EndpointState.ENABLED
    assert check_endpoints(now=NOW + DISABLE_AFTER - HOUR) == 0
    assert check_endpoints(now=NOW + DISABLE_AFTER) == 1
    assert check_endpoints(now=NOW + DISABLE_AFTER + HOUR) == 0
    assert mails("webhook.disabled") == ["ops@example.org"]
    found = reread(endpoint)
    assert (found.state, found.reason, found.held_since) == (
        EndpointState.DISABLED,
        Reason.FAILING,
        NOW + DISABLE_AFTER,
    )


def test_days_are_those_of_the_contract() -> None:
    assert (days(1), days(5)) == (WARN_AFTER, DISABLE_AFTER)


def test_mail_says_what_the_receiver_said_last() -> None:
    endpoint_at(f"{URL}?sig=topsecret", contact="ops@example.org")
    tried(BAD)
    check_endpoints(now=NOW + WARN_AFTER)
    payload = Delivery.objects.get(channel=Channel.EMAIL).event.payload
    assert payload["endpoint_url"] == "https://hooks.example.com/***"
    assert payload["last_answer"].startswith("503 · ")
    assert payload["failing_since"] == iso(NOW)
    assert payload["url"].endswith(f"/outbox/webhooks/{payload['endpoint_id']}/")


def test_success_after_the_warning_lets_it_be_warned_of_again() -> None:
    endpoint_at(URL, contact="ops@example.org")
    tried(BAD)
    check_endpoints(now=NOW + days(1))
    tried(GOOD, NOW + days(2))
    tried(BAD, NOW + days(3))
    assert check_endpoints(now=NOW + days(4)) == 1
    assert len(mails("webhook.failing")) == 2


def test_owner_is_told_where_there_is_no_contact_and_else_the_administrators() -> None:
    UserFactory(roles=["administrator"], email="root@example.org")
    UserFactory(roles=["administrator"], email="")
    UserFactory(roles=["administrator"], email="away@example.org", is_active=False)
    UserFactory(roles=["operator"], email="op@example.org")
    owned = endpoint_at(URL, owner=UserFactory(email="anna@example.org"))
    orphan = endpoint_at(URL)
    for endpoint, to in ((owned, ["anna@example.org"]), (orphan, ["root@example.org"])):
        Delivery.objects.all().delete()
        disable_endpoint(endpoint=endpoint, reason=Reason.GONE, now=NOW)
        assert mails("webhook.disabled") == to


def test_disabling_holds_back_what_waits_and_is_audited_once() -> None:
    endpoint = endpoint_at(URL)
    other = endpoint_at(URL)
    happened(now=NOW)
    assert disable_endpoint(endpoint=endpoint, reason=Reason.GONE, now=NOW)
    assert not disable_endpoint(endpoint=endpoint, reason=Reason.GONE, now=NOW)
    states = dict(Delivery.objects.filter(channel=Channel.WEBHOOK).values_list("list_key", "state"))
    assert states == {endpoint.key: DeliveryState.SUPPRESSED, other.key: DeliveryState.PENDING}
    assert LogEntry.objects.get_for_object(endpoint).filter(action=LogEntry.Action.UPDATE).count() == 1


def test_test_event_under_way_survives_the_end_of_its_endpoint() -> None:
    endpoint = endpoint_at(URL)
    sent = send_test(endpoint=endpoint, sent_by="anna", now=NOW)
    disable_endpoint(endpoint=endpoint, reason=Reason.FAILING, now=NOW)
    assert fresh(sent).state == DeliveryState.PENDING


def test_paused_endpoint_is_neither_warned_of_nor_disabled() -> None:
    endpoint = endpoint_at(URL)
    WebhookEndpoint.objects.update(failing_since=NOW, state="paused")
    assert check_endpoints(now=NOW + days(9)) == 0
    assert reread(endpoint).state == EndpointState.PAUSED
