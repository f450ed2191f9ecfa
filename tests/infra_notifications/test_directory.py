"""What a process remembers of charge points is what the database would say, whoever changed them and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import cache
from core.text import identity_key
from infra_notifications.models import ChargePoint, DirectoryChange
from infra_notifications.services import directory
from infra_notifications.services.directory import Directory, Point
from tests.factories.infra_notifications import ChargePointFactory

NAMES = ["A", "b", "Ç-1", ""]
IDS = [f"DE*X*E{n}" for n in range(5)]


def _rows(**where: Any) -> Any:
    return ChargePoint.objects.filter(**where)


def _rolled_back(change: Callable[[], Any]) -> None:
    with transaction.atomic():
        change()
        look()
        transaction.set_rollback(True)


CHANGES: list[Callable[[str, str], Any]] = [
    lambda evse, name: (
        _rows(evse_id=evse).exists()
        or ChargePointFactory.create(evse_id=evse, station=name, connector=1 if name else None)
    ),
    lambda evse, _: _rows(evse_id=evse).delete(),
    lambda evse, name: _rows(evse_id=evse).update(station=name),
    lambda evse, _: _rows(evse_id=evse).update(connector=2),
    lambda evse, name: _rows(evse_id=evse).update(vendor=f"Maker {name}"),
    lambda _, name: _rows(station=name).update(expected_interval_s=len(name) or None),
    lambda evse, _: _rolled_back(lambda: _rows(evse_id=evse).update(station="Z", vendor="Nobody's")),
    lambda evse, _: _rolled_back(_rows(evse_id=evse).delete),
]


def known(evse_ids: set[str], stations: set[str]) -> tuple[dict[str, Point], dict[str, set[Point]]]:
    found = Directory(evse_ids, stations)
    return found.by_evse, {key: set(points) for key, points in found.by_station.items()}


def look() -> Any:
    keys = {identity_key(each) for each in IDS[:3]}, {identity_key(each) for each in NAMES if each}
    return known(keys[0], set()), known(set(), keys[1]), known(*keys)


@pytest.mark.django_db
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(IDS), st.sampled_from(NAMES)), max_size=12))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_changes_is_seen_at_once(changes: list[Any]) -> None:
    with transaction.atomic():
        for change, evse, name in changes:
            change(evse, name)
            remembered = look()
            cache.clear()
            assert remembered == look()
        assert DirectoryChange.objects.count() <= 1
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_what_changes_nothing_that_is_asked_leaves_what_is_remembered() -> None:
    ChargePointFactory.create(evse_id="DE*X*E1", station="A")
    look()
    before = set(DirectoryChange.objects.values_list("pk", flat=True))
    _rows(evse_id="DE*X*E1").update(name="Elsewhere", vendor=_rows().get().vendor)
    _rows(evse_id="DE*NOBODY").update(vendor="x")
    assert set(DirectoryChange.objects.values_list("pk", flat=True)) == before


@pytest.mark.usefixtures("committed")
def test_another_process_is_heard_when_it_commits_and_waits_for_nobody() -> None:
    ChargePointFactory.create(evse_id="DE*X*E1", station="A", connector=1)
    move = "UPDATE infra_notifications_chargepoint SET station = %s WHERE evse_id = %s"
    parameters = connection.get_connection_params()
    own = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    ChargePointFactory.create(evse_id="DE*X*E2", station="B", connector=1)
    with psycopg.connect(**own) as one, psycopg.connect(**own) as two:
        assert set(known(set(), {"A", "B"})[1]) == {"A", "B"}
        one.execute(move, ["C", "DE*X*E1"])
        two.execute(move, ["D", "DE*X*E2"])
        assert set(known(set(), {"A", "B", "C", "D"})[1]) == {"A", "B"}
        two.commit()
        assert set(known(set(), {"A", "B", "C", "D"})[1]) == {"A", "D"}
        one.rollback()
        assert set(known(set(), {"A", "B", "C", "D"})[1]) == {"A", "D"}
        one.execute(move, ["C", "DE*X*E1"])
        one.commit()
        assert set(known(set(), {"A", "B", "C", "D"})[1]) == {"C", "D"}


@pytest.mark.django_db
def test_no_more_is_remembered_than_fits(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[..., Any]
) -> None:
    monkeypatch.setattr(directory, "MOST", 3)
    for number, evse in enumerate(IDS):
        ChargePointFactory.create(evse_id=evse, station=f"S{number}")
    for number in range(4):
        known(set(), {f"S{number}"})
    with django_assert_num_queries(2):
        assert set(known(set(), {"S0"})[1]) == {"S0"}
    with django_assert_num_queries(1):
        assert set(known(set(), {"S0"})[1]) == {"S0"}
