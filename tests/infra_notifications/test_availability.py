"""For how long a charge point could be used, day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import NotificationState
from infra_notifications.event_kinds import GROUP_TEST
from infra_notifications.models import ChargePoint, NotificationDecision
from infra_notifications.rules.availability import DAYS, Day, availability, share_of
from infra_notifications.views.charge_points import percent
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import kind_of
from outbox.models import Delivery
from outbox.services import publish
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=400)
HOUR = timedelta(hours=1)


def days(*outages: Any, now: datetime = NOON, known_since: datetime = LONG_AGO, zone: Any = UTC) -> list[Day]:
    return availability(outages, known_since=known_since, now=now, zone=zone)


def down_hours(*outages: Any, **more: Any) -> list[float]:
    """The last three days."""
    return [day.down_s / 3600 for day in days(*outages, **more)[-3:]]


def test_there_are_thirty_days_the_last_one_up_to_now() -> None:
    found = days()
    assert (len(found), found[-1].date, found[0].date) == (DAYS, NOON.date(), NOON.date() - timedelta(days=29))
    assert [day.known_s / 3600 for day in found] == [24] * 29 + [12]
    assert {day.share for day in found} == {1.0}


@pytest.mark.parametrize(
    ("outages", "expected"),
    [
        ([(NOON - 3 * HOUR, NOON - HOUR)], [0, 0, 2]),
        ([(NOON - 3 * HOUR, None)], [0, 0, 3]),
        ([(NOON - 14 * HOUR, NOON - 11 * HOUR)], [0, 2, 1]),
        ([(NOON - 50 * HOUR, None)], [14, 24, 12]),
        ([(NOON - 4 * HOUR, NOON - 2 * HOUR), (NOON - 3 * HOUR, NOON - HOUR)], [0, 0, 3]),
        ([(NOON - 4 * HOUR, None), (NOON - 3 * HOUR, NOON - HOUR)], [0, 0, 4]),
        ([(NOON - 2 * HOUR, NOON - HOUR), (NOON - 5 * HOUR, NOON - 4 * HOUR)], [0, 0, 2]),
        ([(NOON - 2 * HOUR, NOON - 2 * HOUR)], [0, 0, 0]),
        ([(NOON - HOUR, NOON + 5 * HOUR)], [0, 0, 1]),
        ([(LONG_AGO - HOUR, LONG_AGO)], [0, 0, 0]),
    ],
)
def test_outages_count_once_and_on_their_days(outages: Any, expected: list[float]) -> None:
    assert down_hours(*outages) == expected


def test_what_was_before_it_was_known_counts_for_nothing() -> None:
    found = days((NOON - 40 * HOUR, None), known_since=NOON - 30 * HOUR)
    assert [day.known_s / 3600 for day in found[-3:]] == [0, 18, 12]
    assert (found[-3].share, found[-2].share, share_of(found)) == (None, 0.0, 0.0)
    assert share_of(days(known_since=NOON)) is None


def test_days_are_those_of_the_zone_with_their_own_lengths() -> None:
    autumn = datetime(2026, 10, 26, 12, tzinfo=UTC)  # the clock was set back on the 25th
    found = days(
        (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)), now=autumn, zone=BERLIN
    )
    assert [(day.known_s / 3600, day.down_s / 3600) for day in found[-3:]] == [(24, 0), (25, 25), (13, 0)]
    spring = days(now=datetime(2027, 3, 29, 12, tzinfo=UTC), zone=BERLIN)
    assert spring[-2].known_s / 3600 == 23


spans = st.tuples(st.integers(0, 60 * 24 * 40), st.integers(0, 60 * 24 * 40)).map(
    lambda pair: (NOON - timedelta(minutes=max(pair)), NOON - timedelta(minutes=min(pair)))
)


@given(outages=st.lists(spans, max_size=6))
def test_every_day_adds_up(outages: list[tuple[datetime, datetime]]) -> None:
    found = days(*outages)
    assert all(0 <= day.down_s <= day.known_s for day in found)
    minutes = bytearray(12 * 60 + 60 * 24 * 29)  # of the thirty days, the last one up to noon
    for begin, end in outages:
        ago = [min(len(minutes), int((NOON - moment).total_seconds()) // 60) for moment in (end, begin)]
        minutes[slice(*ago)] = b"\1" * (ago[1] - ago[0])
    assert round(sum(day.down_s for day in found) / 60) == sum(minutes)


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100.00 %"), (0.99996, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %"), (None, "–")]
)
def test_shares_are_rounded_down(share: float | None, text: str) -> None:
    assert percent(share) == text


# ---- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def point(db: None) -> ChargePoint:
    made = ChargePointFactory(evse_id="A")
    ChargePoint.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=100))
    return made


def page_of(client: Client, point: ChargePoint) -> str:
    return client.get(f"/infrastructure/charge-points/{point.pk}/").content.decode()


def sent_to(address: str, now: datetime) -> Delivery:
    kind = kind_of(GROUP_TEST)
    event = NewEvent(GROUP_TEST, "notification_group:1", kind.example, f"test:{address}", now, (Recipient(address),))
    with transaction.atomic():
        ids = publish(events=[event], now=now)
    return Delivery.objects.get(event_id__in=ids.values())


def test_page_shows_a_picture_a_share_and_a_table(viewer: Client, point: ChargePoint) -> None:
    now = timezone.now()
    ended = {"closed_at": now - timedelta(days=2), "close_reason": "life"}
    IncidentFactory(charge_point=point, case="UNAVAILABLE", opened_at=now - timedelta(days=5), **ended)
    page = page_of(viewer, point)
    assert page.count("<svg") > 0
    assert "Availability over 30 days" in page
    found = availability(
        [(now - timedelta(days=5), now - timedelta(days=2))],
        known_since=now - timedelta(days=99),
        now=now,
        zone=timezone.get_current_timezone(),
    )
    assert f"<strong>{percent(share_of(found))}</strong>" in page
    assert "chart-danger" in page


def test_sensors_are_no_outage(viewer: Client, point: ChargePoint) -> None:
    IncidentFactory(charge_point=point, case="SENSORS", opened_at=timezone.now() - timedelta(days=5))
    assert "<strong>100.00 %</strong>" in page_of(viewer, point)


def test_page_lists_what_was_sent_about_it(viewer: Client, point: ChargePoint) -> None:
    assert "Nothing was sent about this charge point yet." in page_of(viewer, point)
    now = timezone.now()
    incident = IncidentFactory(charge_point=point, opened_at=now - timedelta(hours=1))
    delivery = sent_to("anna@example.org", now)
    NotificationDecision.objects.create(
        incident=incident,
        group_name="West",
        kind="alert",
        state=NotificationState.SENT,
        decided_at=now,
        event_id=delivery.event_id,
    )
    sent_to("other@example.org", now)
    page = page_of(viewer, point)
    assert f'href="/outbox/deliveries/{delivery.pk}/"' in page
    assert "anna@example.org" in page
    assert "other@example.org" not in page
