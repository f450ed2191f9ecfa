"""How many statements a batch or a page takes: a fixed number, however many messages or rows there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from infra_notifications.models import (
    ChargePoint,
    GroupMembership,
    NotificationGroup,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.models.groups import draft_key
from infra_notifications.services import mapping
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from infra_notifications.services.mapping import rule_book
from tests.conftest import ApiClient
from tests.factories.infra_notifications import IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    NOW,
    alerts,
    event,
    events,
    fault,
    fine,
    heartbeat,
    message,
    recoveries,
    signal,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db
_ASIDE = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET LOCAL")
SIZES = (1, 100, 1_000)


@pytest.fixture(autouse=True)
def _rules_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is: asking whether the rules changed is not counted among a batch's statements."""
    monkeypatch.setattr(mapping.rule_versions, "age_s", 3_600)


def statements(work: Callable[[], Any]) -> int:
    """How many statements a piece of work takes, without those that begin and end transactions, read the rules or set
    something together with the next."""
    rule_book()
    with CaptureQueriesContext(connection) as captured:
        work()
    return len([one for one in captured.captured_queries if not one["sql"].startswith(_ASIDE)])


def many(count: int, groups: int = 0, **more: Any) -> list[ChargePoint]:
    """Charge points, two per station, all of them in each of some groups."""
    rows = [
        ChargePointInput(evse_id=f"DE*Q*E{n:04d}", station=f"Q-{n // 2}", connector=n % 2 + 1, **more)
        for n in range(count)
    ]
    upsert_charge_points(rows=rows, now=NOW)
    points = list(ChargePoint.objects.order_by("evse_id"))
    for _ in range(groups):
        group = NotificationGroupFactory()
        GroupMembership.objects.bulk_create(GroupMembership(group=group, charge_point=point) for point in points)
    return points


# ---- batches --------------------------------------------------------------------------------------------------------

# One of each asks which version of the charge points the transaction sees.
BATCHES: dict[str, tuple[int, Callable[[ChargePoint], Any]]] = {
    "signs of life": (7, lambda point: heartbeat(point.station)),
    "statuses": (7, lambda point: message(point, fine())),
    "statuses with ids": (8, lambda point: message(point, fine(), id=point.evse_id)),
    "boots": (9, lambda point: message(point, {"firmwareVersion": "2"}, action="BootNotification")),
    "unmapped": (8, lambda point: message(point, events(event(f"Odd {point.pk}", "Active")))),
    "faults that no rule knows": (15, lambda point: message(point, fault("OtherError", vendorErrorCode=point.evse_id))),
    # Who is it, what it said, the share of its source (of those that are new), and what the source brought.
    "unknown": (5, lambda point: message(f"X{point.pk}", fine())),
    "clears for nothing": (7, lambda point: message(point, events(event("RCD", "Tripped", "false")))),
}


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("name", BATCHES)
def test_statements_of_a_batch_do_not_grow_with_it(name: str, count: int) -> None:
    ceiling, make = BATCHES[name]
    batch = [make(point) for point in many(count)]
    assert statements(lambda: take(*batch)) <= ceiling


@pytest.mark.parametrize("count", SIZES)
def test_unknown_senders_that_are_on_the_list_already_are_not_held_to_a_share_again(count: int) -> None:
    batch = [message(f"X{number}", fine()) for number in range(count)]
    take(*batch)
    assert statements(lambda: take(*batch)) <= 4


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("groups", [0, 1, 3])
def test_statements_of_a_batch_with_incidents_do_not_grow_with_it(groups: int, count: int) -> None:
    points = many(count, groups)
    raising, clearing = ([message(point, said) for point in points] for said in (fault(), fine()))
    assert statements(lambda: take(*raising)) <= 26
    assert statements(lambda: take(*raising)) <= 10
    assert statements(lambda: take(*clearing, now=NOW + HOUR)) <= 26
    assert (len(alerts()), len(recoveries())) == (groups, groups)


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_a_batch_of_signals_do_not_grow_with_it(count: int) -> None:
    points = many(count, 1)
    # One of them remembers the raises, for clears that are received late.
    assert statements(lambda: take_neutral(*(signal(point, "raised") for point in points))) <= 26


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_a_sweep_do_not_grow_with_the_silence(count: int) -> None:
    points = many(count, 1)
    NotificationGroup.objects.update(hold_off_s={"UNAVAILABLE": 0})
    take(*(heartbeat(point.station) for point in points))
    take(heartbeat("X-1"), now=NOW + 2 * HOUR)  # its source still speaks
    # One of them looks for senders that became known, one whether somebody listens, one whether sources are silent.
    assert statements(lambda: sweep(NOW + 2 * HOUR)) <= 42
    assert alerts()[0].payload["total"] == count


@pytest.mark.parametrize("count", SIZES)
def test_statements_of_an_upsert_do_not_grow_with_it(count: int) -> None:
    rows = [ChargePointInput(evse_id=f"DE*Q*{n}", name="x", expected_interval_s=60) for n in range(count)]
    # Lock, update, insert, silences that are due; for new ones what is open of stations, and what unknown ones said.
    assert statements(lambda: upsert_charge_points(rows=rows, now=NOW)) == 6
    assert statements(lambda: upsert_charge_points(rows=rows, now=NOW)) == 4


# ---- pages and lists ------------------------------------------------------------------------------------------------


def fill(count: int) -> None:
    """So many rows of everything that a list shows."""
    now = timezone.now()
    points = many(count, 1)
    for number, point in enumerate(points):
        IncidentFactory(charge_point=point)
        NotificationGroupFactory(members=[point])
        UnknownChargePoint.objects.create(station=f"U{number}", first_seen=now, last_seen=now)
        UnmappedReport.objects.create(signature=f"s{number}", first_seen=now, last_seen=now)
    take(*(message(point, fault("OtherError", info="tilted")) for point in points), now=now)


PAGES = ("groups", "charge_points", "incidents", "rules", "unknown", "unmapped", "charge_points_csv")
TABS = ("group", "group_edit", "group_members", "group_incidents", "group_deliveries", "group_delete")


def _visit(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 200
    b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]


def test_statements_of_a_page_do_not_grow_with_its_rows(operator: Client) -> None:
    counts = []
    for rows in (2, 30):
        fill(rows)
        counts.append({page: _statements_of(operator, page) for page in (*PAGES, *TABS, "wizard_charge_points")})
        _empty()
    assert counts[0] == counts[1]
    # The members' page adds to its list how available each was, and to its head whether the group notifies nobody.
    assert counts[1].pop("group_members") <= 18
    assert max(counts[1].values()) <= 17, counts[1]


def _statements_of(client: Client, page: str) -> int:
    url = reverse(f"infra_notifications:{page}", args=_arguments(client, page))
    _visit(client, url)
    return statements(lambda: _visit(client, url))


def _arguments(client: Client, page: str) -> list[int | str]:
    if page == "wizard_charge_points":
        return [draft_key()]
    return [NotificationGroup.objects.order_by("pk")[0].pk] if page in TABS else []


def _empty() -> None:
    for model in (NotificationGroup, ChargePoint, UnknownChargePoint, UnmappedReport):
        model.objects.all().delete()


@pytest.mark.parametrize("path", ["groups", "charge-points", "incidents"])
def test_statements_of_an_api_list_do_not_grow_with_its_rows(api: ApiClient, path: str) -> None:
    counts = []
    for rows in (2, 30):
        fill(rows)
        assert len(api.get(f"/charging/{path}").json()["items"]) >= rows
        counts.append(statements(lambda: api.get(f"/charging/{path}")))
        _empty()
    assert counts[0] == counts[1] <= 4
