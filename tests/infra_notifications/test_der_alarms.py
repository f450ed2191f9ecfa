"""OCPP 2.1's alarms of the grid open and end an incident, at every door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import Incident, Source
from tests.conftest import ApiClient
from tests.infra_notifications.doors import DOORS, Door
from tests.infra_notifications.helpers import NOW, open_cases, station

pytestmark = pytest.mark.django_db


def alarm(pk: str, **more: Any) -> list[Any]:
    body = {"controlType": "FreqDroop", "gridEventFault": "VoltageImbalance", "timestamp": NOW.isoformat()}
    return [2, pk, "NotifyDERAlarm", body | more]


@pytest.mark.parametrize("door", DOORS)
def test_an_alarm_is_open_until_its_station_says_that_it_has_ended(door: Door, api: ApiClient, tmp_path: Path) -> None:
    (point,) = station(points=1)
    door(api, tmp_path, "ocpp2.1", alarm("1", extraInfo="phase 2 is gone"))
    assert open_cases(point) == ["OTHER_FAULT"]
    assert "VoltageImbalance" in Incident.objects.get().said
    door(api, tmp_path, "ocpp2.1", alarm("2", alarmEnded=True))
    assert open_cases(point) == []
    assert sum(source.rejected + source.warnings for source in Source.objects.all()) == 0
