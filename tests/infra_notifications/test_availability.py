"""For how long a charge point could be used, day by day."""

from __future__ import annotations

import csv
import io
import math
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.choices import NotificationState
from infra_notifications.event_kinds import GROUP_TEST
from infra_notifications.models import (
    ChargePoint,
    ChargePointState,
    MaintenanceTarget,
    MaintenanceWindow,
    NotificationDecision,
    StatusPeriod,
)
from infra_notifications.rules.availability import (
    DAYS,
    Day,
    History,
    Period,
    Span,
    by_day,
    last_days,
    measure,
    whole_minute,
)
from infra_notifications.services.availability import histories_of
from infra_notifications.views.cells import percent
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import kind_of
from outbox.models import Delivery
from outbox.services import publish
from tests.factories.console import make_key
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory
from tests.infra_notifications.helpers import at, fault, fine, say, station
from tests.infra_notifications.pages import url

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=400)
HOUR = timedelta(hours=1)


def days(*outages: Any, now: datetime = NOON, known_since: datetime = LONG_AGO, zone: Any = UTC) -> list[Day]:
    return by_day(History(known_since, list(outages)), now, zone)


def down_hours(*outages: Any, **more: Any) -> list[float]:
    """The last three days."""
    return [day.period.down_s / 3600 for day in days(*outages, **more)[-3:]]


def test_there_are_thirty_days_the_last_one_up_to_now() -> None:
    found = days()
    assert (len(found), found[-1].date, found[0].date) == (DAYS, NOON.date(), NOON.date() - timedelta(days=29))
    assert [day.period.known_s / 3600 for day in found] == [24] * 29 + [12]
    assert {day.period.share for day in found} == {1.0}


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
    assert [day.period.known_s / 3600 for day in found[-3:]] == [0, 18, 12]
    assert (found[-3].period.share, found[-2].period.share) == (None, 0.0)
    assert last_days(History(NOON), NOON).share is None
    assert last_days(History(), NOON) == Period(0, 0)
    assert last_days(History(NOON - HOUR), NOON).share == 1


def test_maintenance_is_neither_up_nor_down() -> None:
    down: list[Span] = [(NOON - 5 * HOUR, NOON - 3 * HOUR)]
    rest: list[Span] = [(NOON - 4 * HOUR, NOON - 2 * HOUR)]
    found = measure(History(LONG_AGO, down, rest), NOON - 10 * HOUR, NOON)
    assert (found.known_s, found.down_s, found.maintenance_s) == (36_000, 3_600, 7_200)
    assert (found.percent, found.maintenance_percent) == (87.5, 20.0)
    whole = measure(History(LONG_AGO, down, [(LONG_AGO, None)]), NOON - 10 * HOUR, NOON)
    assert (whole.share, whole.percent, whole.maintenance_percent) == (None, None, 100.0)


def test_days_are_those_of_the_zone_with_their_own_lengths() -> None:
    autumn = datetime(2026, 10, 26, 12, tzinfo=UTC)  # the clock was set back on the 25th
    found = days(
        (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)), now=autumn, zone=BERLIN
    )
    assert [(day.period.known_s / 3600, day.period.down_s / 3600) for day in found[-3:]] == [(24, 0), (25, 25), (13, 0)]
    spring = days(now=datetime(2027, 3, 29, 12, tzinfo=UTC), zone=BERLIN)
    assert spring[-2].period.known_s / 3600 == 23


spans = st.tuples(st.integers(0, 60 * 24 * 40), st.integers(0, 60 * 24 * 40)).map(
    lambda pair: (NOON - timedelta(minutes=max(pair)), NOON - timedelta(minutes=min(pair)))
)


@given(outages=st.lists(spans, max_size=6))
def test_every_day_adds_up(outages: list[tuple[datetime, datetime]]) -> None:
    found = days(*outages)
    assert all(0 <= day.period.down_s <= day.period.known_s for day in found)
    minutes = bytearray(12 * 60 + 60 * 24 * 29)  # of the thirty days, the last one up to noon
    for begin, end in outages:
        ago = [min(len(minutes), int((NOON - moment).total_seconds()) // 60) for moment in (end, begin)]
        minutes[slice(*ago)] = b"\1" * (ago[1] - ago[0])
    assert round(sum(day.period.down_s for day in found) / 60) == sum(minutes)


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100.00 %"), (0.99996, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %"), (None, "–")]
)
def test_shares_are_rounded_down(share: float | None, text: str) -> None:
    assert percent(None if share is None else Period(1e6, (1 - share) * 1e6).percent) == text


# ---- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def point(db: None) -> ChargePoint:
    made: ChargePoint = ChargePointFactory(evse_id="A")
    ChargePointState.objects.filter(charge_point=made).update(last_seen=timezone.now() - timedelta(days=100))
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
    found = History(now - timedelta(days=99), [(now - timedelta(days=5), now - timedelta(days=2))])
    assert f"<strong>{percent(last_days(found, now).percent)}</strong>" in page
    assert "chart-danger" in page


def test_sensors_are_no_outage(viewer: Client, point: ChargePoint) -> None:
    IncidentFactory(charge_point=point, case="SENSORS", opened_at=timezone.now() - timedelta(days=5))
    assert "<strong>100.00 %</strong>" in page_of(viewer, point)


def test_page_lists_what_was_sent_about_it(operator: Client, point: ChargePoint) -> None:
    assert "Nothing was sent about this charge point yet." in page_of(operator, point)
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
    page = page_of(operator, point)
    assert f'href="/outbox/deliveries/{delivery.pk}/"' in page
    assert "anna@example.org" in page
    assert "other@example.org" not in page


# ---- the same number everywhere -----------------------------------------------------------------------------------


def numbers_of(point: ChargePoint, viewer: Client, api: Client, key: str) -> set[str]:
    """The availability of a charge point as its page, the list, the file and the API say it, made alike."""
    page = page_of(viewer, point).partition('id="availability"')[2].partition("<strong>")[2].partition("</strong>")[0]
    listed = viewer.get("/infrastructure/charge-points/", {"q": f"id:{point.evse_id}"}).content.decode()
    (listed,) = (table for table in listed.split("<table") if "<th" in table and point.evse_id in table)
    heads, cells = (
        [
            " ".join(re.sub(r"<[^>]*>", " ", cell).split())
            for cell in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", listed, re.DOTALL)
        ]
        for tag in ("th", "td")
    )
    cell = cells[next(n for n, head in enumerate(heads) if "Availability" in head)]
    data = b"".join(viewer.get(url("charge_points_csv")).streaming_content)  # type: ignore[attr-defined]
    rows = {row["evse_id"]: row for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))}
    headers = {"authorization": f"Bearer {key}"}
    one = api.get(f"/api/v1/charging/charge-points/{point.evse_id}", headers=headers).json()
    every = api.get("/api/v1/charging/charge-points", headers=headers).json()["items"]
    (among,) = (item for item in every if item["evse_id"] == point.evse_id)
    texts = (one["availability_percent"], among["availability_percent"], rows[point.evse_id]["availability_percent"])
    return {
        page,
        re.sub(r" % .*", " %", cell),
        *("–" if text in (None, "") else f"{float(text):.2f} %" for text in texts),
    }


def oracle(known: int, down: list[list[int]], rest: list[list[int]]) -> str:
    """Minute by minute, counted back from the last whole one."""
    up = out = 0
    for ago in range(min(known, DAYS * 24 * 60)):
        if any(last <= ago < first for first, last in rest):
            continue
        if any(last <= ago < first for first, last in down):
            out += 1
        else:
            up += 1
    return f"{math.floor(up * 10_000 / (up + out) + 1e-6) / 100:.2f} %" if up + out else "–"


def test_page_list_file_and_api_say_the_same_and_what_a_plain_count_says(viewer: Client, client: Client) -> None:
    key, chance = make_key("charging:read")[1], random.Random(14)
    for number in range(12):
        now = whole_minute(timezone.now())

        def ago(minutes: int, now: datetime = now) -> datetime:
            return now - timedelta(minutes=minutes)

        known = chance.choice((3, 90, 2_000, 60_000))
        made = ChargePointFactory(evse_id=f"P-{number}", state={"last_seen": ago(known)})
        down = sorted(sorted(chance.sample(range(known), 2), reverse=True) for _ in range(chance.randint(0, 3)))
        rest = [sorted(chance.sample(range(known), 2), reverse=True) for _ in range(chance.randint(0, 2))]
        for begin, end in down:
            if chance.random() < 0.5:
                StatusPeriod.objects.create(
                    charge_point=made, status="Faulted", began_at=ago(begin), ended_at=ago(end) if end else None
                )
            else:
                IncidentFactory(charge_point=made, opened_at=ago(begin), closed_at=ago(end), close_reason="cleared")
        for begin, end in rest:
            window = MaintenanceWindow.objects.create(reason="x", starts_at=ago(begin), ends_at=ago(end), author="x")
            MaintenanceTarget.objects.create(window=window, charge_point=made)
        expected = oracle(known, down, rest)
        with time_machine.travel(now + timedelta(seconds=chance.randint(0, 59)), tick=False):
            assert numbers_of(made, viewer, client, key) == {expected}


def test_point_that_was_never_seen_has_no_number(viewer: Client, client: Client) -> None:
    key = make_key("charging:read")[1]
    assert numbers_of(ChargePointFactory(evse_id="NEVER"), viewer, client, key) == {"–"}


@pytest.mark.django_db
def test_status_that_is_reported_makes_the_history() -> None:
    (made,) = station("CP-1", 1, expected_interval_s=30 * 86_400)
    say(made, fine(), now=at(0))
    for second, status in ((3_600, "Faulted"), (7_200, "Charging"), (9_000, "Unavailable"), (9_060, "Available")):
        code = "OverCurrentFailure" if status == "Faulted" else "NoError"
        say(made, fault(code, status=status), now=at(second))
    periods = list(StatusPeriod.objects.order_by("id").values_list("status", "began_at", "ended_at"))
    assert periods == [("Faulted", at(3_600), at(7_200)), ("Unavailable", at(9_000), at(9_060))]
    found = last_days(histories_of([made.pk], at(36_000))[made.pk], at(36_000))
    assert (found.known_s, found.down_s) == (36_000, 3_660)
