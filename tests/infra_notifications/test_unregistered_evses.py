"""What a known station says of an EVSE that is no charge point here is answered in a sentence, at every door."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra_notifications.models import ChargePoint, ChargePointMessage, Source, UnknownChargePoint
from infra_notifications.services.adoption import adopt_stations, whole_stations
from tests.conftest import ApiClient
from tests.infra_notifications.doors import DOORS, Door
from tests.infra_notifications.helpers import HOUR, NOW, event, events, message, open_cases, station, take, verdicts

pytestmark = pytest.mark.django_db
UNKNOWN = "Unknown station CP-1, connector 99. It is kept in the list of unknown charge points; adopt it there."
PARTLY = "Unknown station CP-1, connector 99. What was said of it is kept"
FRAME = [2, "1", "NotifyEvent", events(event("EVSE", "Problem", evse=99))]


@pytest.mark.parametrize("door", DOORS)
def test_what_is_about_an_unregistered_evse_alone_is_rejected(door: Door, api: ApiClient, tmp_path: Path) -> None:
    points = station()
    door(api, tmp_path, "ocpp2.0.1", FRAME)
    source = Source.objects.get()
    assert (source.rejected, [each["text"] for each in source.rejections]) == (1, [UNKNOWN])
    assert not ChargePointMessage.objects.filter(action="NotifyEvent").exists()
    kept = UnknownChargePoint.objects.get()
    assert (kept.station, kept.connector, kept.messages) == ("CP-1", 99, 1)
    # It proves that its station lives.
    assert all(point.state.last_seen for point in ChargePoint.objects.filter(pk__in=[each.pk for each in points]))


def test_what_is_partly_about_one_is_taken_with_a_warning_and_a_verdict() -> None:
    first, _second = station()
    said = [event("EVSE", "Problem", evse=evse) for evse in (99, 99, 1)]
    answer = take(message("", events(*said), station="CP-1", charge_point=None))
    assert (answer.accepted, [text[: len(PARTLY)] for _place, text in answer.warnings]) == (1, [PARTLY])
    assert open_cases(first) == ["OTHER_FAULT"]
    kept = UnknownChargePoint.objects.get()
    assert (kept.connector, kept.messages) == (99, 1)
    assert [each["component"]["evse"]["id"] for each in kept.sample["payload"]["eventData"]] == [99, 99]
    take(message("", events(event("EVSE", "Problem", "false"), said[0]), station="CP-1", charge_point=None))
    assert verdicts() == ["raised", "unmapped"]


def test_an_evse_that_is_a_text_is_the_same_at_every_door(api: ApiClient, tmp_path: Path) -> None:
    first, second = station()
    said = event("EVSE", "Problem") | {"component": {"name": "EVSE", "evse": "2"}, "variable": "Problem"}
    for place, door in enumerate(DOORS):
        door(api, tmp_path, "ocpp2.0.1", [2, f"{place}-1", "NotifyEvent", events(said)])
        assert (open_cases(first), open_cases(second)) == ([], ["OTHER_FAULT"]), door
        door(api, tmp_path, "ocpp2.0.1", [2, f"{place}-2", "NotifyEvent", events(said | {"actualValue": "false"})])
        assert open_cases(second) == [], door


def test_a_station_that_nobody_knows_is_made_by_the_evses_that_its_events_name() -> None:
    said = [
        event("EVSE", "Problem", evse=2),
        event("EVSE", "Problem", "false", evse=3),
        event("Board", "Alarm", evse=0),
    ]
    meter = {"evseId": 4, "meterValue": [{"timestamp": NOW.isoformat(), "sampledValue": [{"value": 1}]}]}
    take(
        message("", events(*said), station="NEW", charge_point=None),
        message("", meter, action="MeterValues", protocol="ocpp2.0.1", station="NEW", charge_point=None),
    )
    stations = whole_stations(UnknownChargePoint.objects.all())
    adopt_stations(stations=stations, pattern="{station}*{connector}", now=NOW + HOUR)
    assert list(ChargePoint.objects.order_by("connector").values_list("connector", flat=True)) == [2, 3, 4]
    assert [bool(open_cases(point)) for point in ChargePoint.objects.order_by("connector")] == [True, True, True]
    assert not UnknownChargePoint.objects.exists()
