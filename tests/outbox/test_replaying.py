"""Replay: one, a range, what has not arrived; under the ids that they had."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from auditlog.models import LogEntry

from core.refusal import Refused
from outbox.choices import DeliveryState, Reason
from outbox.models import Delivery, WebhookEndpoint
from outbox.services import replaying
from outbox.services.replaying import replay_delivery, replay_endpoint
from outbox.services.webhooks import change_endpoint, pause_endpoint, resume_endpoint, send_test
from tests.outbox.hooks import SILENT, TRIP, endpoint_at, fresh, happened
from tests.outbox.kit import NOW, Note, days

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in"
LATER = NOW + timedelta(hours=1)


def one_of_each(endpoint: WebhookEndpoint) -> dict[str, Delivery]:
    """A delivery in every state that a webhook's can have: mails alone come back."""
    states = [state for state in DeliveryState if state != DeliveryState.BOUNCED]
    found = {}
    for state, delivery in zip(states, happened(len(states), now=NOW), strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(state=state, attempts=7, reason="exhausted", settled_at=NOW)
        found[str(state)] = delivery
    return found


def replayed(endpoint: WebhookEndpoint, **more: object) -> int:
    values: dict[str, object] = {"since": NOW - days(1), "until": None, "only_failed": False, "now": LATER}
    return replay_endpoint(endpoint=endpoint, **values | more)  # type: ignore[arg-type]


def again(deliveries: dict[str, Delivery]) -> set[str]:
    """The states whose delivery is due now, with its schedule begun anew."""
    due = {"state": DeliveryState.RETRYING, "attempts": 0, "next_attempt_at": LATER, "reason": "", "settled_at": None}
    return {name for name, one in deliveries.items() if due.items() <= vars(fresh(one)).items()}


# ---- a range ------------------------------------------------------------------------------------------------------


def test_only_failed_is_what_has_not_arrived() -> None:
    endpoint = endpoint_at(URL)
    deliveries = one_of_each(endpoint)
    assert replayed(endpoint, only_failed=True) == 4
    assert again(deliveries) == {"failed", "suppressed", "cancelled", "retrying"}


def test_whole_range_sends_what_was_delivered_too_and_leaves_what_is_under_way() -> None:
    endpoint = endpoint_at(URL)
    deliveries = one_of_each(endpoint)
    assert replayed(endpoint) == 5
    assert again(deliveries) == {"failed", "suppressed", "cancelled", "retrying", "delivered"}


def test_range_begins_with_since_and_ends_before_until() -> None:
    endpoint = endpoint_at(URL)
    moments = [NOW + timedelta(minutes=n) for n in range(5)]
    deliveries = [happened(now=moment)[0] for moment in moments]
    Delivery.objects.update(state=DeliveryState.FAILED)
    assert replayed(endpoint, since=moments[1], until=moments[3]) == 2
    assert [fresh(one).state for one in deliveries] == ["failed", "retrying", "retrying", "failed", "failed"]


def test_other_endpoints_mails_and_tests_are_left_alone() -> None:
    endpoint, other = endpoint_at(URL), endpoint_at(URL)
    send_test(endpoint=endpoint, sent_by="anna", now=NOW)
    happened(now=NOW)
    Delivery.objects.update(state=DeliveryState.FAILED)
    assert replayed(endpoint) == 1
    states = Counter(Delivery.objects.values_list("list_key", "state"))
    assert states == {(endpoint.key, "failed"): 1, (endpoint.key, "retrying"): 1, (other.key, "failed"): 1}


def test_events_from_before_the_endpoint_are_sent_where_they_fit() -> None:
    happened(now=NOW - timedelta(hours=2))
    happened(kind=TRIP, now=NOW)
    happened(payload=Note(words="bright"), now=NOW)
    happened(now=NOW)
    endpoint = endpoint_at(URL, SILENT, condition="words:dark", now=LATER)
    assert replayed(endpoint, since=NOW) == 1
    assert replayed(endpoint, since=NOW - days(1), only_failed=True) == 0 + 0
    assert replayed(endpoint, since=NOW - days(1)) == 1  # the older one; the other is under way
    assert set(Delivery.objects.values_list("event__kind", "list_key", "state")) == {(SILENT, endpoint.key, "pending")}


def test_what_was_held_back_is_sent_after_the_pause() -> None:
    endpoint = endpoint_at(URL)
    pause_endpoint(endpoint=endpoint, now=NOW)
    (held,) = happened(now=NOW)
    assert held.reason == Reason.PAUSED
    with pytest.raises(Refused, match="paused; resume"):
        replayed(endpoint)
    resume_endpoint(endpoint=endpoint, now=LATER)
    assert replayed(endpoint, only_failed=True) == 1
    assert again({"held": held}) == {"held"}


def test_many_events_without_delivery_go_step_by_step_and_too_many_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    happened(25, now=NOW)
    endpoint = endpoint_at(URL)
    monkeypatch.setattr(replaying, "STEP", 10)
    monkeypatch.setattr(replaying, "MOST_NEW", 24)
    with pytest.raises(Refused, match="shorter range"):
        replayed(endpoint)
    assert Delivery.objects.count() == 0
    monkeypatch.setattr(replaying, "MOST_NEW", 25)
    assert replayed(endpoint) == 25


@pytest.mark.parametrize(("since", "until"), [(NOW, NOW), (LATER, None), (NOW, NOW - days(1))])
def test_empty_range_is_refused(since: object, until: object) -> None:
    with pytest.raises(Refused, match="empty"):
        replayed(endpoint_at(URL), since=since, until=until)


def test_replay_is_audited() -> None:
    endpoint = endpoint_at(URL)
    one_of_each(endpoint)
    replayed(endpoint)
    newest = LogEntry.objects.get_for_object(endpoint).first()
    assert newest is not None
    assert newest.changes["replayed"][1].startswith("5: ")


# ---- one ----------------------------------------------------------------------------------------------------------


def test_one_is_sent_again_whatever_became_of_it_but_not_while_under_way() -> None:
    endpoint = endpoint_at(URL)
    deliveries = one_of_each(endpoint)
    answers = {state: replay_delivery(delivery=one, now=LATER) for state, one in deliveries.items()}
    assert {state for state, answer in answers.items() if not answer} == {"pending", "sending"}
    assert again(deliveries) == {"failed", "suppressed", "cancelled", "retrying", "delivered"}


def test_one_of_an_endpoint_that_takes_nothing_is_refused() -> None:
    endpoint = endpoint_at(URL)
    (delivery,) = happened(now=NOW)
    pause_endpoint(endpoint=endpoint, now=NOW)
    with pytest.raises(Refused, match="paused"):
        replay_delivery(delivery=delivery, now=LATER)
    WebhookEndpoint.objects.all().delete()
    with pytest.raises(Refused, match="deleted"):
        replay_delivery(delivery=delivery, now=LATER)


def test_narrowed_topics_do_not_take_back_what_was_meant_for_it() -> None:
    endpoint = endpoint_at(URL)
    (delivery,) = happened(now=NOW)
    Delivery.objects.update(state=DeliveryState.FAILED)
    change_endpoint(endpoint=endpoint, changes={"topics": [TRIP]}, now=NOW)
    assert replayed(endpoint) == 1
    assert fresh(delivery).state == DeliveryState.RETRYING
