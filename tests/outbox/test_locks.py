"""Two that change the same thing: the second waits for the first and decides by what that has left behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from core.refusal import Refused
from outbox.models import Attempt, Delivery, WebhookSecret
from outbox.services.deliveries import resend_mail, retry_delivery
from outbox.services.pruning import prune_events
from outbox.services.publishing import number_events
from outbox.services.settling import reclaim_lost
from outbox.services.topic_lists.lists import delete_list, send_test, update_list
from outbox.services.webhooks import pause_endpoint, resume_endpoint, rotate_secret
from tests.outbox.hooks import endpoint_at
from tests.outbox.kit import NOW, a_delivery, a_note, days, published, taken
from tests.outbox.topic_kit import a_list, at, happening, happens, tell
from tests.racing import overtaken, passed_by

pytestmark = pytest.mark.usefixtures("committed")


def test_mail_that_two_people_have_sent_again_goes_out_twice_with_ids_of_its_own() -> None:
    delivery = a_delivery(state="delivered")
    again = partial(resend_mail, delivery=delivery, now=NOW)
    assert overtaken(again, again).copy == 2
    assert sorted(Delivery.objects.values_list("copy", flat=True)) == [0, 1, 2]


def test_secret_that_two_people_rotate_has_one_successor_after_the_other() -> None:
    endpoint = endpoint_at("https://hooks.example.com/in", now=NOW)
    rotate = partial(rotate_secret, endpoint=endpoint, now=NOW)
    newest = overtaken(rotate, rotate)
    assert WebhookSecret.objects.get(expires_at=None).secret == newest
    assert WebhookSecret.objects.count() == 3


@pytest.mark.parametrize("switch", [pause_endpoint, resume_endpoint])
def test_endpoint_that_two_people_switch_is_switched_by_the_first(switch: Callable[..., bool]) -> None:
    endpoint = endpoint_at("https://hooks.example.com/in", now=NOW)
    if switch is resume_endpoint:
        pause_endpoint(endpoint=endpoint, now=NOW)
    turn = [partial(switch, endpoint=read_again(endpoint), now=NOW) for _person in range(2)]
    assert overtaken(*turn) is False


def test_test_mail_of_a_list_that_is_being_deleted_is_not_sent() -> None:
    topic_list = a_list()
    sending = partial(send_test, topic_list=topic_list, sent_by="anna", now=NOW)
    answer = overtaken(partial(delete_list, topic_list=read_again(topic_list), now=NOW), sending)
    assert isinstance(answer, Refused)
    assert not Delivery.objects.exists()


def test_list_that_gathers_for_less_time_shortens_the_window_that_a_round_is_opening() -> None:
    topic_list = a_list(gather_s=3_600)
    happens(happening())
    shorter = partial(update_list, topic_list=topic_list, settings={"gather_s": 60}, now=at(2))
    overtaken(partial(tell, 1), shorter)
    assert read_again(topic_list).gathering_until == at(61)


def test_delivery_that_is_sent_again_meanwhile_is_not_pruned() -> None:
    delivery = a_delivery(state="failed")
    published(a_note(dedup_key="young"), now=NOW + days(91))
    number_events()
    again = partial(retry_delivery, delivery=delivery, now=NOW + days(91))
    assert overtaken(again, partial(prune_events, NOW + days(90), 0)).deleted == 0
    assert read_again(delivery).state == "retrying"


def test_delivery_that_another_sweep_gives_back_is_passed_by_without_waiting() -> None:
    a_delivery()
    assert taken(lease_s=1)
    giving_back = partial(reclaim_lost, now=at(60))
    assert passed_by(giving_back, giving_back) == 0
    assert Attempt.objects.count() == 1


def read_again(row: Any) -> Any:
    """The same row, read once more."""
    return type(row).objects.get(pk=row.pk)
