"""Banners: available from the commit, read, dismissed, resolved, expired; each change conditional, each once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outbox import tasks
from outbox.choices import BannerState, Channel, DeliveryState, Reason
from outbox.contract import Recipient
from outbox.models import Address, Banner, Delivery
from outbox.selectors import banners_of, oldest_due
from outbox.services import banners, publish
from tests.conftest import ApiClient
from tests.outbox.kit import NOW, a_note, in_threads, published, taken

DRIVER = "driver:12"
LATER = NOW + timedelta(minutes=5)


def shown(audience: str = DRIVER, *, expires_at: datetime | None = None, **more: Any) -> Banner:
    """One banner, published like everything else."""
    recipient = Recipient(audience, Channel.BANNER, expires_at=expires_at)
    (delivery,) = published(a_note(**{"recipients": (recipient,), **more}))
    return Banner.objects.get(pk=delivery.pk)


def read_again(banner: Banner) -> Banner:
    return Banner.objects.get(pk=banner.pk)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    found: dict[str, Any] = response.json()
    return found


# ---- becoming available -------------------------------------------------------------------------------------------


def test_banner_is_delivered_when_it_is_available(db: None) -> None:
    banner = shown(expires_at=LATER, subject="vehicle:7")
    delivery = Delivery.objects.get(pk=banner.pk)
    assert (delivery.state, delivery.settled_at, delivery.next_attempt_at) == (DeliveryState.DELIVERED, NOW, None)
    assert (banner.audience, banner.kind, banner.subject) == (DRIVER, "test.note", "vehicle:7")
    assert (banner.state, banner.shown_at, banner.expires_at, banner.read_at) == ("open", NOW, LATER, None)
    assert oldest_due(LATER) is None
    assert taken() == []


def test_mail_and_banner_of_one_event_go_their_own_ways(db: None) -> None:
    recipients = (Recipient("a@example.org"), Recipient(DRIVER, Channel.BANNER), Recipient("driver:13", Channel.BANNER))
    published(a_note(recipients=recipients))
    states = dict(Delivery.objects.values_list("address", "state"))
    assert states == {"a@example.org": "pending", DRIVER: "delivered", "driver:13": "delivered"}
    assert set(Banner.objects.values_list("audience", flat=True)) == {DRIVER, "driver:13"}


def test_each_banner_keeps_its_own_time(db: None) -> None:
    first = Recipient("driver:1", Channel.BANNER, expires_at=LATER)
    second = Recipient("driver:2", Channel.BANNER)
    published(a_note(recipients=(first, second)), a_note(recipients=(second, first)))
    assert set(Banner.objects.values_list("audience", "expires_at")) == {("driver:1", LATER), ("driver:2", None)}
    assert Banner.objects.count() == 4


def test_blocked_audience_is_shown_nothing_and_the_delivery_says_why(db: None) -> None:
    Address.objects.create(channel=Channel.BANNER, address="Driver:12", blocked_reason=Reason.UNSUBSCRIBED)
    published(a_note(recipients=(Recipient(DRIVER, Channel.BANNER),)))
    assert not Banner.objects.exists()
    assert list(Delivery.objects.values_list("state", "reason")) == [("suppressed", "unsubscribed")]


def test_banner_of_a_transaction_that_fails_was_never_there(db: None) -> None:
    with transaction.atomic():
        publish(events=[a_note(recipients=(Recipient(DRIVER, Channel.BANNER),))], now=NOW)
        transaction.set_rollback(True)
    assert not Banner.objects.exists()


def test_publishing_many_banners_costs_a_fixed_number_of_queries(db: None) -> None:
    events = [a_note(recipients=(Recipient(f"driver:{n}", Channel.BANNER),)) for n in range(200)]
    with CaptureQueriesContext(connection) as many:
        published(*events)
    with CaptureQueriesContext(connection) as one:
        published(a_note(recipients=(Recipient(DRIVER, Channel.BANNER),)))
    assert len(many) == len(one)
    assert Banner.objects.count() == 201


# ---- what becomes of it -------------------------------------------------------------------------------------------


def test_reading_is_noted_once_and_does_not_end_it(db: None) -> None:
    banner = shown()
    assert banners.mark_read(audience=DRIVER, ids=[banner.pk], now=LATER) == 1
    assert banners.mark_read(audience=DRIVER, ids=[banner.pk], now=LATER + timedelta(1)) == 0
    after = read_again(banner)
    assert (after.state, after.read_at) == (BannerState.OPEN, LATER)


def test_dismissing_ends_it_once_and_counts_as_read(db: None) -> None:
    banner = shown()
    assert banners.dismiss(audience=DRIVER, ids=[banner.pk], now=LATER) == 1
    assert banners.dismiss(audience=DRIVER, ids=[banner.pk], now=LATER + timedelta(1)) == 0
    after = read_again(banner)
    assert (after.state, after.read_at, after.ended_at) == (BannerState.DISMISSED, LATER, LATER)


def test_dismissing_keeps_when_it_was_read(db: None) -> None:
    banner = shown()
    banners.mark_read(audience=DRIVER, ids=[banner.pk], now=NOW)
    banners.dismiss(audience=DRIVER, ids=[banner.pk], now=LATER)
    assert read_again(banner).read_at == NOW


@pytest.mark.parametrize("change", [banners.mark_read, banners.dismiss])
def test_nobody_changes_the_banners_of_another(db: None, change: Callable[..., int]) -> None:
    banner = shown()
    assert change(audience="driver:13", ids=[banner.pk], now=LATER) == 0
    assert read_again(banner).state == BannerState.OPEN


def test_resolving_ends_all_that_told_of_it(db: None) -> None:
    told = [shown(subject="vehicle:7"), shown("driver:13", subject="vehicle:7")]
    other = [shown(subject="vehicle:8"), shown(subject="vehicle:7", kind="test.silent")]
    assert banners.resolve(subject="vehicle:7", kinds=["test.note"], now=LATER) == 2
    assert {read_again(one).state for one in told} == {BannerState.RESOLVED}
    assert {read_again(one).state for one in other} == {BannerState.OPEN}


def test_resolving_may_be_for_one_audience(db: None) -> None:
    mine, theirs = shown(subject="vehicle:7"), shown("driver:13", subject="vehicle:7")
    assert banners.resolve(subject="vehicle:7", kinds=["test.note"], now=LATER, audience=DRIVER) == 1
    assert (read_again(mine).state, read_again(theirs).state) == ("resolved", "open")


def test_time_ends_it_when_it_has_come(db: None) -> None:
    banner, other = shown(expires_at=LATER), shown()
    assert banners.expire(now=LATER - timedelta(seconds=1)) == 0
    assert banners.expire(now=LATER) == 1
    assert (read_again(banner).state, read_again(banner).ended_at) == (BannerState.EXPIRED, LATER)
    assert read_again(other).state == BannerState.OPEN


def test_what_was_dismissed_neither_expires_nor_is_resolved(db: None) -> None:
    banner = shown(expires_at=LATER, subject="vehicle:7")
    banners.dismiss(audience=DRIVER, ids=[banner.pk], now=NOW)
    assert banners.expire(now=LATER) == 0
    assert banners.resolve(subject="vehicle:7", kinds=["test.note"], now=LATER) == 0
    assert read_again(banner).state == BannerState.DISMISSED


def test_of_two_ends_at_once_one_counts(committed: None) -> None:
    banner = shown(expires_at=LATER, subject="vehicle:7")
    ends = in_threads(
        lambda: banners.dismiss(audience=DRIVER, ids=[banner.pk], now=LATER),
        lambda: banners.expire(now=LATER),
        lambda: banners.resolve(subject="vehicle:7", kinds=["test.note"], now=LATER),
    )
    assert sum(ends) == 1


def test_sweep_expires_what_is_due(committed: None) -> None:
    banner = shown(expires_at=LATER)
    tasks.sweep()
    assert read_again(banner).state == BannerState.EXPIRED


def test_expiry_is_found_by_its_index(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_banner (delivery_id, audience, kind, subject, state, shown_at, expires_at)"
            " SELECT n, 'driver:' || n, 'k', 's', CASE WHEN n > 20 THEN 'expired' ELSE 'open' END, now(), now()"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE outbox_banner")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM outbox_banner"
            " WHERE state = 'open' AND expires_at IS NOT NULL AND expires_at <= now()"
        )
        assert "outbox_banner_expiry" in "".join(row[0] for row in cursor.fetchall())
    assert banners.expire(now=timezone.now()) == 20


# ---- reading ------------------------------------------------------------------------------------------------------


def test_app_reads_what_is_open_newest_first(db: None) -> None:
    first, second, gone = shown(), shown(), shown()
    banners.dismiss(audience=DRIVER, ids=[gone.pk], now=NOW)
    shown("driver:13")
    assert list(banners_of(DRIVER, now=NOW, states=[BannerState.OPEN])) == [second, first]
    assert list(banners_of(DRIVER, now=NOW)) == [gone, second, first]


def test_what_is_over_by_time_is_not_open_although_the_sweep_has_not_come_yet(db: None) -> None:
    banner = shown(expires_at=LATER)
    assert list(banners_of(DRIVER, now=NOW, states=[BannerState.OPEN])) == [banner]
    assert list(banners_of(DRIVER, now=LATER, states=[BannerState.OPEN])) == []
    assert list(banners_of(DRIVER, now=LATER, states=[BannerState.EXPIRED])) == [banner]


def test_api_gives_the_banners_with_their_events(api: ApiClient) -> None:
    banner = shown(subject="vehicle:7")
    (item,) = api.get(f"/banners?audience={DRIVER}").json()["items"]
    assert (item["id"], item["audience"], item["state"], item["read"]) == (banner.pk, DRIVER, "open", False)
    assert (item["event"]["type"], item["event"]["subject"]) == ("test.note", "vehicle:7")
    assert item["event"]["data"]["title"] == "A fuse tripped"


def test_api_notes_reading_and_dismissal(api: ApiClient) -> None:
    banner = shown()
    assert api.post(f"/banners/{banner.pk}/read").json()["read"] is True
    assert api.post(f"/banners/{banner.pk}/dismiss").json()["state"] == "dismissed"
    assert api.post(f"/banners/{banner.pk}/dismiss").json()["state"] == "dismissed"
    assert api.get(f"/banners?audience={DRIVER}").json()["items"] == []
    assert len(api.get(f"/banners?audience={DRIVER}&state=dismissed,open").json()["items"]) == 1
    assert len(api.get(f"/banners?audience={DRIVER}&state=").json()["items"]) == 1


def test_api_says_when_it_is_too_late_to_dismiss(api: ApiClient) -> None:
    banner = shown(subject="vehicle:7")
    banners.resolve(subject="vehicle:7", kinds=["test.note"], now=NOW)
    assert "resolved already" in problem(api.post(f"/banners/{banner.pk}/dismiss"), 409)["detail"]


def test_api_refuses_what_it_cannot_read(api: ApiClient) -> None:
    assert "open, dismissed" in problem(api.get(f"/banners?audience={DRIVER}&state=shut"), 422)["detail"]
    problem(api.get("/banners"), 422)
    problem(api.post("/banners/999999/read"), 404)
    assert api.get("/banners?audience=%00").json()["items"] == []


def test_page_of_the_delivery_tells_of_its_banner(viewer: Client) -> None:
    banner = shown(expires_at=LATER)
    page = viewer.get(f"/outbox/deliveries/{banner.pk}/").text
    assert "Shown" in page
    assert "Send once more" not in page
