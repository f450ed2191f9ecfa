"""Pruning the outbox: an event goes with all that came of it, and not before all of that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from core.api import encode_cursor
from core.registry import Registry
from core.retention import Key, Retention, Step, prune_old
from outbox.choices import BannerState, Channel, DeliveryState
from outbox.contract import Recipient
from outbox.models import Attempt, Banner, Delivery, Event, HealthAlert
from outbox.selectors import log_pruned_to
from outbox.services import pruning
from outbox.services.pruning import prune_events, register_retention_hold
from outbox.services.publishing import number_events
from tests.conftest import ApiClient
from tests.outbox.kit import NOW, a_delivery, a_note, days, fine, in_threads, published, settled, taken
from tests.waiting import PATIENCE_S

BEFORE = NOW + days(90)


def old_and_new(*addresses: str) -> Event:
    """An old event whose deliveries have ended, and a young one behind it."""
    published(a_note(*addresses, dedup_key="old"))
    settled(fine())
    published(a_note(dedup_key="young"), now=BEFORE + days(1))
    number_events()
    return Event.objects.get(dedup_key="old")


def keys() -> set[str]:
    return set(Event.objects.values_list("dedup_key", flat=True))


def test_old_event_goes_with_its_deliveries_and_attempts(db: None) -> None:
    old_and_new("a@example.org", "b@example.org")
    assert (Delivery.objects.count(), Attempt.objects.count()) == (2, 2)
    assert prune_events(BEFORE, 0).deleted == 1
    assert keys() == {"young"}
    assert (Delivery.objects.count(), Attempt.objects.count()) == (0, 0)


@pytest.mark.parametrize("state", ["pending", "retrying", "sending"])
def test_event_whose_delivery_is_under_way_stays_whole(db: None, state: str) -> None:
    old_and_new("a@example.org", "b@example.org")
    Delivery.objects.filter(address="b@example.org").update(state=state)
    assert prune_events(BEFORE, 0).deleted == 0
    assert (Delivery.objects.count(), Attempt.objects.count()) == (2, 2)


@pytest.mark.parametrize("state", ["delivered", "failed", "cancelled", "suppressed"])
def test_whatever_has_ended_goes(db: None, state: str) -> None:
    old_and_new("a@example.org")
    Delivery.objects.update(state=state)
    assert prune_events(BEFORE, 0).deleted == 1


def test_banner_that_is_shown_keeps_its_event_until_it_ends(db: None) -> None:
    published(a_note(dedup_key="old", recipients=(Recipient("driver:1", Channel.BANNER),)))
    published(a_note(), now=BEFORE)
    number_events()
    assert prune_events(BEFORE, 0).deleted == 0
    Banner.objects.update(state=BannerState.DISMISSED)
    assert prune_events(BEFORE, 0).deleted == 1
    assert not Banner.objects.exists()
    assert not Delivery.objects.exists()


def test_what_an_app_still_needs_stays(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    old = old_and_new("a@example.org")
    asked: list[int] = []

    def hold(ids: Sequence[int]) -> set[int]:
        asked.extend(ids)
        return {old.pk}

    monkeypatch.setattr(pruning, "holds", Registry("hold"))
    register_retention_hold("test", hold)
    assert prune_events(BEFORE, 0).deleted == 0
    assert asked == [old.pk]
    assert Attempt.objects.count() == 1


def test_newest_of_the_log_stays_so_that_places_are_never_given_twice(db: None) -> None:
    published(a_note(dedup_key="a"), a_note(dedup_key="b"))
    number_events()
    assert prune_events(BEFORE, 0).deleted == 1
    assert keys() == {"b"}
    published(a_note(dedup_key="c"))
    number_events()
    assert dict(Event.objects.values_list("dedup_key", "position")) == {"b": 2, "c": 3}


def test_event_without_a_place_in_the_log_stays(db: None) -> None:
    published(a_note(dedup_key="a"), a_note(dedup_key="b"))
    assert prune_events(BEFORE, 0).deleted == 0


def test_steps_are_small_and_pass_over_what_stays(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 3)
    published(*[a_note(f"a{n}@example.org") for n in range(8)])
    settled(fine(), *taken()[3:])
    published(a_note(), now=BEFORE)
    number_events()
    after: Key | None = 0
    deleted = []
    while after is not None:
        step = prune_events(BEFORE, after)
        deleted.append(step.deleted)
        after = step.after
    assert deleted == [0, 3, 2, 0]
    assert Event.objects.count() == 4


def test_what_a_person_retries_meanwhile_is_not_deleted(transactional_db: None) -> None:
    from django.db import transaction

    from outbox.services.deliveries import retry_delivery

    delivery = a_delivery("a@example.org", state=DeliveryState.FAILED)
    published(a_note(), now=BEFORE)
    number_events()
    with transaction.atomic():
        assert retry_delivery(delivery=delivery, now=BEFORE)
        # The pruning waits for the row, and sees what became of it.
        import threading

        found: list[int] = []
        other = threading.Thread(target=lambda: found.extend(in_threads(lambda: prune_events(BEFORE, 0).deleted)))
        other.start()
    other.join(PATIENCE_S)
    assert found == [0]
    assert Delivery.objects.get().state == DeliveryState.RETRYING


def test_two_runs_at_once_are_one(transactional_db: None) -> None:
    inside: list[dict[str, int]] = []

    def prune(_before: datetime, _after: int) -> Step:
        inside.extend(in_threads(lambda: prune_old(now=NOW)))
        return Step(3, None)

    kept = [Retention("a", "RETENTION_DAYS", prune)]
    assert prune_old(now=NOW, kept=kept) == {"a": 3}
    assert inside == [{}]
    assert prune_old(now=NOW, kept=kept) == {"a": 3}  # the lock was given back


# ---- readers of the log -------------------------------------------------------------------------------------------


def test_reader_who_missed_something_is_told_so(api: ApiClient) -> None:
    published(*[a_note() for _ in range(6)])
    cursor = api.get("/events?limit=2").json()["next"]
    prune_events(BEFORE, 0)
    assert log_pruned_to() == 5
    answer = api.get(f"/events?after={cursor}")
    assert (answer.status_code, "start again without it" in answer.json()["detail"]) == (410, True)


def test_reader_who_was_quick_enough_misses_nothing(api: ApiClient) -> None:
    published(*[a_note() for _ in range(6)])
    cursor = api.get("/events?limit=5").json()["next"]
    prune_events(BEFORE, 0)
    assert [item["sequence"] for item in api.get(f"/events?after={cursor}").json()["items"]] == [6]


def test_reader_who_begins_anew_reads_what_is_left_page_by_page(api: ApiClient) -> None:
    deliveries = published(*[a_note("a@example.org") for _ in range(6)])
    Delivery.objects.filter(pk__gt=deliveries[1].pk).update(state="delivered")
    number_events()
    prune_events(BEFORE, 0)
    seen, after = [], ""
    while page := api.get(f"/events?limit=1&after={after}").json()["items"]:
        seen += [item["sequence"] for item in page]
        after = encode_cursor([seen[-1], log_pruned_to()])
    assert seen == [1, 2, 6]


def test_reader_of_a_rare_kind_is_not_told_that_others_went(api: ApiClient) -> None:
    published(*[a_note() for _ in range(3)])
    cursor = api.get("/events?kind=test.silent").json()["next"]
    prune_events(BEFORE, 0)
    assert api.get(f"/events?kind=test.silent&after={cursor}").status_code == 200
    published(a_note(kind="test.silent"))
    assert len(api.get(f"/events?kind=test.silent&after={cursor}").json()["items"]) == 1


# ---- troubles -----------------------------------------------------------------------------------------------------


def test_troubles_go_when_they_were_over_long_ago(db: None) -> None:
    HealthAlert.objects.create(name="worker", text="x", began_at=NOW, ended_at=NOW)
    HealthAlert.objects.create(name="worker", text="x", began_at=NOW, ended_at=BEFORE + timedelta(1))
    HealthAlert.objects.create(name="beat", text="x", began_at=NOW)
    assert prune_old(now=BEFORE + days(90))["troubles"] == 1
    assert HealthAlert.objects.count() == 2
