"""What was kept of a station that nobody knew is applied however its charge point comes to have station and connector:
by insert or update, API, file, the Django admin, adoption, or a way that tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.models import ChargePoint, ChargePointState, Incident, UnknownChargePoint
from infra_notifications.services.adoption import adopt_stations, stations_of
from infra_notifications.services.charge_points import ChargePointInput, settle_known, upsert_charge_points
from infra_notifications.services.imports import check_file, write_import
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import (
    HOUR,
    MINUTE,
    NOW,
    event,
    events,
    fault,
    fine,
    message,
    open_cases,
    signal,
    sweep,
    take,
    take_neutral,
)
from tests.infra_notifications.pages import rows_of, text_of, url

pytestmark = pytest.mark.django_db
EVSE_ID = "DE*XYZ*E1*1"


def says(payload: dict[str, Any], station: str = "X-1", **more: Any) -> None:
    action = "NotifyEvent" if "eventData" in payload else "StatusNotification"
    protocol = "ocpp2.0.1" if "eventData" in payload else "ocpp1.6"
    take(OcppMessage(station=station, action=action, protocol=protocol, payload=payload), **more)


def place(api: ApiClient, admin: Client, station: str = "X-1", connector: int | None = 1) -> None:
    upsert_charge_points(rows=[ChargePointInput(evse_id=EVSE_ID, station=station, connector=connector)], now=NOW + HOUR)


def put(api: ApiClient, admin: Client) -> None:
    api.put("/charging/charge-points", [{"evse_id": EVSE_ID, "station": "x-1", "connector": 1}])


def put_otherwise_spelt(api: ApiClient, admin: Client) -> None:
    api.put("/charging/charge-points", [{"evse_id": "DEXYZE11", "station": " X-1 ", "connector": 1}])


def put_twice(api: ApiClient, admin: Client) -> None:
    api.put("/charging/charge-points", [{"evse_id": EVSE_ID, "station": "X-1"}])
    api.put("/charging/charge-points", [{"evse_id": EVSE_ID, "connector": 1}])


def file(api: ApiClient, admin: Client) -> None:
    check = check_file(f"evse_id;station;connector\n{EVSE_ID};X-1;1\n".encode())
    write_import(check=check, now=NOW + HOUR)


def edit(api: ApiClient, admin: Client) -> None:
    point = ChargePoint.objects.get()
    none_of_them = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    sent = {"evse_id": point.evse_id, "station": "X-1", "connector": "1"} | none_of_them
    answer = admin.post(f"/admin/infra_notifications/chargepoint/{point.pk}/change/", sent)
    assert answer.status_code == 302, text_of(answer)


def adoption(api: ApiClient, admin: Client) -> None:
    answer = api.post("/charging/unknown", {"stations": ["X-1"], "evse_ids": {"X-1/1": EVSE_ID}}).json()
    assert answer == {"adopted": 1, "charge_points": [EVSE_ID], "refused": []}


def adoption_otherwise_spelt(api: ApiClient, admin: Client) -> None:
    answer = api.post("/charging/unknown", {"stations": ["X-1"], "evse_ids": {"X-1/1": "dexyze11"}}).json()
    assert answer["charge_points"] == [EVSE_ID]


def page(api: ApiClient, admin: Client) -> None:
    said = text_of(
        admin.post(url("unknown_adopt", UnknownChargePoint.objects.get().pk), {"evse_id": EVSE_ID}, follow=True)
    )
    assert f"{EVSE_ID} is a charge point now." in said


def behind_our_back(api: ApiClient, admin: Client) -> None:
    ChargePoint.objects.update(station="X-1", connector=1, updated_at=NOW + HOUR)
    sweep(NOW + HOUR)


WAYS = (
    place,
    put,
    put_otherwise_spelt,
    put_twice,
    file,
    edit,
    adoption,
    adoption_otherwise_spelt,
    page,
    behind_our_back,
)


@pytest.mark.parametrize(
    "before",
    [{"station": "", "connector": None}, {"station": "", "connector": 7}, {"station": "", "connector": 1}],
    ids=["no place", "another connector", "its connector"],
)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_kept_fault_is_applied_when_a_charge_point_gets_its_station(
    way: Callable[[ApiClient, Client], None], before: dict[str, Any], api: ApiClient, administrator: Client
) -> None:
    point = ChargePointFactory(evse_id=EVSE_ID, **before)
    says(fault("GroundFailure"))
    way(api, administrator)
    point.refresh_from_db()
    assert (point.station.upper(), point.connector) == ("X-1", 1)
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert point.state.status == "Faulted"
    assert not UnknownChargePoint.objects.exists()
    assert (ChargePoint.objects.count(), ChargePointState.objects.count()) == (1, 1)


@pytest.mark.parametrize("way", [place, put, put_twice, file, edit, behind_our_back], ids=lambda way: way.__name__)
@pytest.mark.parametrize("before", [("X-0", 1), ("X-1", 2), ("X-0", None)], ids=str)
def test_kept_fault_is_applied_when_station_or_connector_is_corrected(
    way: Callable[[ApiClient, Client], None], before: tuple[str, int], api: ApiClient, administrator: Client
) -> None:
    point = ChargePointFactory(evse_id=EVSE_ID, station=before[0], connector=before[1])
    says(fault("GroundFailure"))
    way(api, administrator)
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert not UnknownChargePoint.objects.exists()


def test_charge_point_that_is_added_in_the_django_admin_gets_what_was_kept(administrator: Client) -> None:
    says(fault("GroundFailure"))
    none_of_them = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    sent = {"evse_id": EVSE_ID, "station": "X-1", "connector": "1"} | none_of_them
    administrator.post("/admin/infra_notifications/chargepoint/add/", sent)
    assert open_cases(ChargePoint.objects.get()) == ["FUSE_TRIPPED"]
    assert not UnknownChargePoint.objects.exists()


@pytest.mark.parametrize(
    "payload",
    [
        fault("OtherError", vendorErrorCode="TiltDetected"),
        fault(connectorId=0),
        events(event("RCD", "Tripped")),
        events(event("ChargingStation", "Problem", evse=0)),
    ],
)
def test_all_that_was_kept_of_the_place_is_applied(payload: dict[str, Any]) -> None:
    point = ChargePointFactory(evse_id=EVSE_ID, station="")
    says(payload)
    take_neutral(signal_of("X-1", 1, "SENSORS"))
    place_now()
    assert len(open_cases(point)) >= 1
    assert not UnknownChargePoint.objects.exists()


def signal_of(station: str, connector: int | None, case: str = "FUSE_TRIPPED", **more: Any) -> SignalMessage:
    return SignalMessage(station=station, connector=connector, case=case, state="raised", **more)


def place_now() -> None:
    upsert_charge_points(rows=[ChargePointInput(evse_id=EVSE_ID, station="X-1", connector=1)], now=NOW + HOUR)


def test_what_was_said_of_other_connectors_stays_unknown() -> None:
    ChargePointFactory(evse_id=EVSE_ID, station="")
    says(fault(connectorId=1))
    says(fault(connectorId=2))
    place_now()
    assert list(UnknownChargePoint.objects.values_list("connector", flat=True)) == [2]
    sweep(NOW + 2 * HOUR)
    assert list(UnknownChargePoint.objects.values_list("connector", flat=True)) == [2]
    assert Incident.objects.filter(case="FUSE_TRIPPED").count() == 1


def test_what_was_kept_ends_nothing_and_opens_nothing_that_was_said_later() -> None:
    mended = ChargePointFactory(evse_id=EVSE_ID, station="")
    says(fault())
    take(message(mended, fine()), now=NOW + MINUTE)
    place_now()
    mended.refresh_from_db()
    assert (open_cases(mended), mended.state.status) == ([], "Available")


def test_change_of_another_field_repeats_nothing() -> None:
    point = ChargePointFactory(evse_id=EVSE_ID, station="")
    says(fault())
    place_now()
    upsert_charge_points(rows=[ChargePointInput(evse_id=EVSE_ID, name="Deck")], now=NOW + HOUR + MINUTE)
    sweep(NOW + 2 * HOUR)
    assert Incident.objects.filter(charge_point=point, case="FUSE_TRIPPED").count() == 1


def test_sweep_applies_to_the_only_charge_point_of_a_station_and_ends() -> None:
    point = ChargePointFactory(evse_id=EVSE_ID, station="")
    says(fault(connectorId=4))
    ChargePoint.objects.update(station="X-1", connector=None, updated_at=NOW)
    assert (settle_known(now=NOW + MINUTE), settle_known(now=NOW + MINUTE)) == (1, 0)
    assert open_cases(point) == ["FUSE_TRIPPED"]


# ---- adoption -------------------------------------------------------------------------------------------------------


def test_adoption_makes_no_second_charge_point_of_one_place(api: ApiClient) -> None:
    says(fault())
    ChargePointFactory(evse_id=EVSE_ID, station="X-1", connector=1)
    answer = api.post("/charging/unknown", {"stations": ["X-1"]}).json()
    assert answer["refused"] == [{"station": "X-1", "error": f"{EVSE_ID} has this station and connector already."}]
    assert ChargePoint.objects.count() == 1


def test_id_of_a_charge_point_with_another_station_is_refused_still() -> None:
    ChargePointFactory(evse_id=EVSE_ID, station="X-9")
    says(fault())
    (station,) = stations_of(UnknownChargePoint.objects.all())
    done = adopt_stations(stations=[station], evse_ids={station.points[0].pk: EVSE_ID}, now=NOW)
    assert "already" in done.refused["X-1"]
    assert ChargePoint.objects.get().station == "X-9"


def test_two_connectors_do_not_get_one_waiting_charge_point() -> None:
    ChargePointFactory(evse_id="DE*X-1", station="")
    for connector in (1, 2):
        says(fault(connectorId=connector))
    done = adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), pattern="DE*{station}", now=NOW)
    assert "same EVSE id" in done.refused["X-1"]
    assert ChargePoint.objects.get().station == ""


def test_pattern_gives_waiting_charge_points_their_stations_and_makes_the_others() -> None:
    waiting = ChargePointFactory(evse_id="DE*X-1*1", station="", connector=None)
    for connector in (1, 2):
        says(fault(connectorId=connector))
    pattern = "DE*{station}*{connector}"
    done = adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), pattern=pattern, now=NOW + MINUTE)
    assert done.evse_ids == ["DE*X-1*1", "DE*X-1*2"]
    assert open_cases(waiting) == ["FUSE_TRIPPED"]
    assert ChargePoint.objects.count() == 2


# ---- what is shown of them ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connector", [1, None])
@pytest.mark.parametrize(("detail", "shown"), [(None, "Fuse tripped"), ("  ", "Fuse tripped"), ("F1 out", "F1 out")])
def test_fault_of_a_signal_is_shown_whatever_it_says(
    detail: str | None, shown: str, connector: int | None, api: ApiClient, viewer: Client
) -> None:
    take_neutral(signal_of("X-1", connector, detail=detail))
    (station,) = api.get("/charging/unknown").json()["items"]
    assert (station["fault"], station["charge_points"][0]["fault"]) == (shown, shown)
    assert shown in rows_of(viewer.get(url("unknown")))[0]


def test_cleared_signal_shows_no_fault(api: ApiClient) -> None:
    take_neutral(signal("DE*NEW*1", "raised"))
    take_neutral(signal("DE*NEW*1", "cleared"), now=NOW + MINUTE)
    assert api.get("/charging/unknown").json()["items"][0]["fault"] is None
