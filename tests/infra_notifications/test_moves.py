"""Incidents of a charge point that gets another station or connector: they end, or go on where the station is now."""

import pytest
from django.contrib.admin import site
from django.forms import modelform_factory
from django.test import Client, RequestFactory
from django.urls import reverse

from infra_notifications.admin import ChargePointAdmin
from infra_notifications.models import ChargePoint, ChargePointState, Incident
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, fault, fine, message, open_cases, say, signal, take, take_neutral
from tests.infra_notifications.pages import text_of

pytestmark = pytest.mark.django_db


def a_point(station: str, connector: int | None = 1) -> ChargePoint:
    made: ChargePoint = ChargePointFactory(station=station, connector=connector)
    return made


def written(*rows: tuple[ChargePoint, str | None, int | None], second: float = 60) -> None:
    given = [ChargePointInput(evse_id=point.evse_id, station=name, connector=number) for point, name, number in rows]
    upsert_charge_points(rows=given, now=at(second))


@pytest.mark.parametrize("place", [("CP-2", 1), ("CP-1", 2)])
def test_incident_of_a_former_place_ends_and_says_why(operator: Client, place: tuple[str, int]) -> None:
    point, *_others = a_point("CP-1"), a_point("CP-1", 3), a_point("CP-2", 3)
    say(point, fault("GroundFailure"))
    written((point, *place))
    assert open_cases(point) == []
    assert ChargePointState.objects.get(charge_point=point).status == ""
    incident = Incident.objects.get()
    assert incident.close_reason == "moved"
    page = text_of(operator.get(reverse("infra_notifications:incident", args=[incident.pk])))
    assert "The charge point got another station or connector" in page


@pytest.mark.parametrize("place", [("cp-1 ", 1), ("CP-1", None), (None, 1)])
def test_what_is_the_same_place_or_none_ends_nothing(place: tuple[str | None, int | None]) -> None:
    point = a_point("CP-1")
    say(point, fault("GroundFailure"))
    written((point, *place))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_place_that_is_named_for_the_first_time_ends_nothing() -> None:
    point = a_point("", None)
    say(point, fault("GroundFailure"))
    written((point, "CP-1", 1))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_incidents_go_with_stations_that_were_mixed_up() -> None:
    first, second = a_point("CP-1"), a_point("CP-2")
    say(first, fault("GroundFailure"))
    say(second, fault("OtherError", info="Door open"), now=at(1))
    written((first, "CP-2", 1), (second, "CP-1", 1))
    assert (open_cases(first), open_cases(second)) == (["SENSORS"], ["FUSE_TRIPPED"])
    moved = Incident.objects.get(charge_point=second, closed_at=None)
    assert moved.opened_at == at(0), "it is the same fault"
    say(second, fine(), now=at(120))
    assert open_cases(second) == []


def test_faults_stay_with_a_station_that_gets_another_name() -> None:
    points = [a_point("CP-1", 1), a_point("CP-1", 2)]
    say(points[0], fault("GroundFailure"))
    written((points[0], "CP-01", 1), (points[1], "CP-01", 2))
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]
    assert ChargePointState.objects.get(charge_point=points[0]).status == "Faulted"
    take(message("", fine(), charge_point=None, station="CP-01"), now=at(120))
    assert open_cases(points[0]) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("connectors", [(1, 2, 3), (1, 2, None)])
def test_faults_stay_with_a_station_whose_charge_points_are_renamed_one_by_one(
    order: tuple[int, ...], connectors: tuple[int | None, ...]
) -> None:
    points = [a_point("CP-1", connector) for connector in connectors]
    for point in points:
        say(point, fault("GroundFailure"))
    for turn in order:
        written((points[turn], "CP-01", connectors[turn]))
        assert [open_cases(point) for point in points] == [["FUSE_TRIPPED"]] * 3
    assert not Incident.objects.exclude(closed_at=None)


def test_faults_do_not_go_with_a_charge_point_to_a_station_that_has_its_connectors() -> None:
    points = [a_point("CP-1", 1), a_point("CP-1", 2), a_point("CP-2", 2)]
    say(points[0], fault("GroundFailure"))
    written((points[0], "CP-2", 1))
    assert open_cases(points[0]) == []


def test_what_another_system_told_stays() -> None:
    point = a_point("CP-1")
    take_neutral(signal(point, "raised", case="SENSORS"))
    written((point, "CP-2", 1))
    assert open_cases(point) == ["SENSORS"]


def test_station_changed_in_the_admin(rf: RequestFactory) -> None:
    point, *_others = a_point("CP-1"), a_point("CP-1", 2), a_point("CP-9", 2)
    say(point, fault("GroundFailure"))
    point.station = "CP-9"
    form = modelform_factory(ChargePoint, fields=["station"])()
    ChargePointAdmin(ChargePoint, site).save_model(rf.post("/"), point, form, change=True)
    assert Incident.objects.get().close_reason == "moved"
