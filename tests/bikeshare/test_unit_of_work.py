"""The unit of work: what was changed meanwhile is not overwritten, and then nothing of it is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from bikeshare.models import Station
from bikeshare.services import unit_of_work
from core.refusal import Refused
from tests.bikeshare.kit import NOW, told
from tests.factories.bikeshare import StationFactory

pytestmark = pytest.mark.django_db


def rename(stations: list[Any], *, after_reading: str = "") -> None:
    """Gives stations a new name; meanwhile somebody else changes one of them."""
    with unit_of_work.ResourceUnitOfWork.begin(NOW) as work:
        for station in stations:
            work.change(station, name=f"{station.name} 2")
        Station.everything.filter(pk=after_reading).update(version=F("version") + 1)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_what_was_changed_meanwhile_is_not_overwritten(count: int) -> None:
    stations = [StationFactory(name="Quai") for _number in range(count)]
    with pytest.raises(Refused) as error:
        rename(stations, after_reading=stations[-1].pk)
    assert error.value.code == "changed_meanwhile"
    assert set(Station.objects.values_list("name", flat=True)) == {"Quai"}
    assert told() == []


@pytest.mark.parametrize("count", [1, 2, 7])
def test_what_was_deleted_meanwhile_is_not_changed(count: int) -> None:
    stations = [StationFactory(name="Quai") for _number in range(count)]
    Station.everything.filter(pk=stations[0].pk).update(deleted_at=NOW)
    with pytest.raises(Refused):
        rename(stations)
    assert told() == []


def test_many_rows_are_written_a_few_hundred_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_of_work, "UPDATED_AT_ONCE", 3)
    stations = [StationFactory(name="Quai") for _number in range(7)]
    with CaptureQueriesContext(connection) as captured:
        rename(stations)
    assert sum(query["sql"].startswith('UPDATE "bikeshare_station"') for query in captured) == 5
    assert set(Station.objects.values_list("name", "version")) == {("Quai 2", 2)}
    assert len(told("station.updated")) == 7
