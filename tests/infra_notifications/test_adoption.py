"""Unknown stations: what they said is kept within bounds, and applied when they are adopted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.refusal import Refused
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, Incident, Source, UnknownChargePoint
from infra_notifications.services.adoption import adopt_stations, check_pattern, heads, stations_of, whole_stations
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    MINUTE,
    NOW,
    alerts,
    event,
    events,
    fault,
    fine,
    heartbeat,
    listed,
    only_incident,
    open_cases,
    signal,
    sweep,
    take,
    take_neutral,
)
from tests.infra_notifications.pages import rows_of, text_of, url

pytestmark = pytest.mark.django_db
BOOT = {"chargePointVendor": "ABB", "chargePointModel": "Terra AC", "firmwareVersion": "1.8"}


def says(name: str, payload: Any, *, now: datetime = NOW, action: str = "StatusNotification", **more: Any) -> None:
    """A message of a station that nobody knows."""
    protocol = "ocpp2.0.1" if "eventData" in payload else "ocpp1.6"
    take(OcppMessage(station=name, action=action, protocol=protocol, payload=payload, **more), now=now)


def boots(name: str, now: datetime = NOW) -> None:
    says(name, BOOT, action="BootNotification", now=now)


def everyone() -> Any:
    return stations_of(UnknownChargePoint.objects.all())


def adopted(now: datetime = NOW + HOUR, **more: Any) -> list[ChargePoint]:
    done = adopt_stations(stations=everyone(), now=now, **more)
    assert done.refused == {}
    return list(ChargePoint.objects.order_by("evse_id"))


# ---- what is applied ------------------------------------------------------------------------------------------------


def test_station_that_boots_and_faults_is_adopted_with_all_of_it() -> None:
    boots("CP-1")
    says("CP-1", fault("GroundFailure"), now=NOW + MINUTE)
    says("CP-1", fine(connectorId=2), now=NOW + 2 * MINUTE)
    first, second = adopted()
    assert [(point.evse_id, point.station, point.connector) for point in (first, second)] == [
        ("CP-1*1", "CP-1", 1),
        ("CP-1*2", "CP-1", 2),
    ]
    assert {(point.vendor, point.model, point.firmware) for point in (first, second)} == {("ABB", "Terra AC", "1.8")}
    assert (first.state.status, second.state.status) == ("Faulted", "Available")
    assert {point.state.last_seen for point in (first, second)} == {NOW + 2 * MINUTE}
    incident = only_incident(charge_point=first, closed_at=None)
    assert incident.opened_at == NOW + MINUTE
    assert open_cases(second) == []
    assert not UnknownChargePoint.objects.exists()


def test_fault_that_was_over_before_is_history_and_told_to_nobody() -> None:
    says("CP-1", fault())
    says("CP-1", fine(), now=NOW + MINUTE)
    (point,) = adopted()
    assert (open_cases(point), point.state.status) == ([], "Available")
    incident = only_incident()
    assert (incident.opened_at, incident.closed_at) == (NOW, NOW + MINUTE)
    NotificationGroupFactory(members=[point])
    take(heartbeat("CP-1"), now=NOW + HOUR)
    sweep(NOW + HOUR)
    assert alerts() == []


def test_event_of_ocpp_2_is_kept_until_it_is_cleared() -> None:
    says("CP-1", events(event("RCD", "Tripped")), action="NotifyEvent")
    says("CP-2", events(event("RCD", "Tripped")), action="NotifyEvent")
    says("CP-2", events(event("RCD", "Tripped", "false")), action="NotifyEvent", now=NOW + MINUTE)
    first, second = adopted()
    assert (len(open_cases(first)), open_cases(second)) == (1, [])


def test_signal_is_kept_and_applied() -> None:
    take_neutral(signal("DE*NEW*1", "raised", detail="door open"), signal("DE*NEW*2", "raised"))
    take_neutral(signal("DE*NEW*2", "cleared"), now=NOW + MINUTE)
    first, second = adopted()
    assert (open_cases(first), open_cases(second)) == (["FUSE_TRIPPED"], [])
    assert only_incident(charge_point=first).said == "door open"


def test_fault_at_adoption_is_told_to_the_group_that_the_charge_point_joins() -> None:
    says("CP-1", fault())
    upsert_charge_points(rows=[ChargePointInput(evse_id="DE*CSV*1", station="cp-1", connector=1)], now=NOW + MINUTE)
    point = ChargePoint.objects.get()
    assert len(open_cases(point)) == 1
    NotificationGroupFactory(members=[point])
    say_again = OcppMessage(station="CP-1", action="StatusNotification", payload=fault())
    take(say_again, now=NOW + 2 * MINUTE)
    assert Incident.objects.count() == 1


def test_csv_and_api_adopt_what_matches_by_station_and_connector() -> None:
    boots("CP-1")
    says("CP-1", fault())
    says("CP-1", fault(connectorId=2))
    upsert_charge_points(rows=[ChargePointInput(evse_id="DE*CSV*1", station="CP-1", connector=1)], now=NOW + HOUR)
    point = ChargePoint.objects.get()
    assert (point.vendor, len(open_cases(point))) == ("ABB", 1)
    assert list(UnknownChargePoint.objects.values_list("connector", flat=True)) == [2]


def test_group_is_told_when_the_point_is_in_it_as_its_messages_are_applied() -> None:
    says("CP-1", fault())
    (point,) = adopted()
    NotificationGroupFactory(members=[point])
    take(OcppMessage(station="CP-1", action="StatusNotification", payload=fine()), now=NOW + 2 * HOUR)
    take(OcppMessage(station="CP-1", action="StatusNotification", payload=fault()), now=NOW + 3 * HOUR)
    sweep(NOW + 3 * HOUR)
    assert listed(alerts()[-1]) == ["CP-1*1"]


# ---- bounds ---------------------------------------------------------------------------------------------------------


def test_flood_of_made_up_identities_does_not_grow_the_table(settings: Any) -> None:
    settings.CHARGING_UNKNOWN_MAX = 20
    says("REAL", fault())
    for number in range(5):
        take(*(heartbeat(f"X-{number}-{n}") for n in range(30)), now=NOW + (number + 1) * MINUTE)
    assert UnknownChargePoint.objects.count() == 20
    assert UnknownChargePoint.objects.filter(station="REAL").exists()
    assert Source.objects.get().dropped == 131
    assert set(UnknownChargePoint.objects.exclude(station="REAL").values_list("last_seen", flat=True)) == {
        NOW + 5 * MINUTE
    }


def test_flood_of_one_source_leaves_those_of_others(settings: Any) -> None:
    settings.CHARGING_UNKNOWN_MAX = 5
    take(heartbeat("MINE"), key=2)
    take(*(heartbeat(f"X-{n}") for n in range(30)), now=NOW + MINUTE)
    assert UnknownChargePoint.objects.filter(station="MINE").exists()
    assert UnknownChargePoint.objects.count() == 6


def test_long_message_is_not_kept_whole() -> None:
    says("CP-1", fault(info="x" * 100_000))
    kept = UnknownChargePoint.objects.get()
    assert len(str(kept.sample)) + len(str(kept.said)) < 3_000
    (point,) = adopted()
    assert only_incident(charge_point=point).said.startswith("Faulted · OverCurrentFailure")


@pytest.mark.parametrize(
    "odd", [{"vendorErrorCode": ["E"] * 9_000}, {"customData": {f"k{n}": "x" * 20 for n in range(2_000)}}]
)
def test_a_fault_in_a_long_message_is_heard_after_adoption(odd: dict[str, Any]) -> None:
    says("CP-1", fault() | odd)
    assert open_cases(*adopted()) == ["FUSE_TRIPPED"]


def test_what_was_not_kept_for_lack_of_room_is_no_more_counted_after_adoption(
    settings: Any, administrator: Client
) -> None:
    settings.CHARGING_UNKNOWN_MAX = 3
    take(*(heartbeat(f"X-{n}") for n in range(9)))
    assert "And 6 more that are not kept." in text_of(administrator.get(url("unknown")))
    adopted()
    take(heartbeat("Y"), now=NOW + 2 * HOUR)
    assert "not kept" not in text_of(administrator.get(url("unknown")))


# ---- EVSE ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "evse_ids"),
    [
        ("", ["CP-1*1", "CP-1*2"]),
        ("DE*ABC*E{station}*{connector}", ["DE*ABC*ECP-1*1", "DE*ABC*ECP-1*2"]),
        ("{station}.{connector}", ["CP-1.1", "CP-1.2"]),
    ],
)
def test_evse_ids_follow_the_pattern(pattern: str, evse_ids: list[str]) -> None:
    says("CP-1", fine(connectorId=0))
    for connector in (1, 2):
        says("CP-1", fine(connectorId=connector))
    assert [point.evse_id for point in adopted(pattern=pattern)] == evse_ids


def test_sender_that_names_its_evse_id_keeps_it() -> None:
    take(OcppMessage(charge_point="DE*OWN*7", action="Heartbeat", payload={}))
    assert [point.evse_id for point in adopted()] == ["DE*OWN*7"]


@pytest.mark.parametrize("pattern", ["{connector}", "fixed", "{station}*{plug}", "{{station}}", "{station}}"])
def test_pattern_that_cannot_be_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(Refused, match="station"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "says_why"),
    [
        ("{station} {connector}", "holds a blank"),
        ("{station},{connector}", "a comma"),
        ("{station}*{connector}" + "x" * 46, "at most 48 characters"),
        ("{station}" * 20, "at most 48 characters"),
    ],
)
def test_a_pattern_of_which_every_id_would_be_refused_is(api: ApiClient, pattern: str, says_why: str) -> None:
    with pytest.raises(Refused, match=says_why):
        check_pattern(pattern)
    route = {"slug": "one", "upstream": "wss://csms.example/ocpp", "evse_pattern": pattern}
    answer = api.post("/charging/ocpp-routes", route)
    assert (answer.status_code, says_why in answer.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("pattern", "says_why"),
    [
        ("{station}", "same EVSE id"),
        ("{station}*{connector}" + "x" * 43, "at most 48 characters"),
        ("taken-{station}-{connector}", "already"),
    ],
)
def test_evse_id_that_cannot_be_is_named_and_nothing_of_its_station_is_adopted(pattern: str, says_why: str) -> None:
    ChargePointFactory(evse_id="TAKEN-CP-1-2")
    for connector in (1, 2):
        says("CP-1", fine(connectorId=connector))
    done = adopt_stations(stations=everyone(), pattern=pattern, now=NOW)
    assert says_why in done.refused["CP-1"]
    assert (done.evse_ids, ChargePoint.objects.count(), UnknownChargePoint.objects.count()) == ([], 1, 2)


def test_one_station_that_cannot_be_keeps_no_other_back() -> None:
    ChargePointFactory(evse_id="CP-1*1")
    says("CP-1", fine())
    says("CP-2", fine())
    done = adopt_stations(stations=everyone(), now=NOW)
    assert (done.evse_ids, list(done.refused)) == (["CP-2*1"], ["CP-1"])


# ---- pages and API --------------------------------------------------------------------------------------------------


def unknown_station(name: str = "CP-1") -> None:
    now = timezone.now()
    boots(name, now)
    for connector in (1, 2):
        says(name, fault(connectorId=connector), now=now)


def test_list_groups_by_station_with_model_and_last_fault(viewer: Client) -> None:
    unknown_station()
    (row,) = rows_of(viewer.get(url("unknown")))
    for word in ("CP-1", "1, 2", "ABB", "Terra AC", "OverCurrentFailure"):
        assert word in row
    assert len(rows_of(viewer.get(url("unknown") + "?q=vendor:abb"))) == 1
    file = b"".join(viewer.get(url("unknown") + "?as=csv").streaming_content)  # type: ignore[attr-defined]
    assert "OverCurrentFailure" in file.decode()


def test_station_is_adopted_on_its_page_under_ids_that_a_person_types(administrator: Client) -> None:
    unknown_station()
    (head,) = heads()
    page = administrator.get(url("unknown_adopt", head.pk))
    assert "CP-1*1" in page.content.decode()
    (station,) = whole_stations([head])
    second = station.points[1]
    sent = {"evse_id": "DE*A*1", f"evse_id_{second.pk}": "DE*A*2"}
    assert "DE*A*1, DE*A*2" in text_of(administrator.post(url("unknown_adopt", head.pk), sent, follow=True))
    assert ChargePoint.objects.count() == 2


def test_all_that_match_are_adopted_after_a_yes_to_their_number(administrator: Client) -> None:
    for name in ("CP-1", "CP-2", "X-1"):
        unknown_station(name)
    ChargePointFactory(evse_id="DE*CP-2*1")
    chosen = {"do": "bulk", "action": "unknown.adopt", "all": "1"}
    target = url("unknown") + "?q=station:CP"
    asked = text_of(administrator.post(target, chosen))
    assert "Adopt 2 unknown stations with all their connectors?" in asked
    sent = chosen | {"confirmed": "1", "number": "2", "bulk-pattern": "DE*{station}*{connector}"}
    said = text_of(administrator.post(target, sent, follow=True))
    assert "1 station adopted. CP-2: There is a charge point of this EVSE id already. (DE*CP-2*1)" in said
    assert set(ChargePoint.objects.values_list("evse_id", flat=True)) == {"DE*CP-1*1", "DE*CP-1*2", "DE*CP-2*1"}


def test_what_was_dropped_is_said_above_the_list(viewer: Client, settings: Any) -> None:
    settings.CHARGING_UNKNOWN_MAX = 5
    take(*(heartbeat(f"X-{n}") for n in range(30)))
    assert Source.objects.get().dropped == 25
    assert "And 25 more that are not kept." in text_of(viewer.get(url("unknown")))


def test_api_lists_and_adopts(api: ApiClient) -> None:
    unknown_station()
    unknown_station("CP-2")
    (first, _second) = api.get("/charging/unknown").json()["items"]
    assert (first["station"], first["vendor"], first["model"]) == ("CP-1", "ABB", "Terra AC")
    assert [point["proposed_evse_id"] for point in first["charge_points"]] == ["CP-1*1", "CP-1*2"]
    assert "OverCurrentFailure" in first["charge_points"][0]["status"]
    answer = api.post("/charging/unknown", {"stations": ["cp-1", "NO"], "evse_ids": {"CP-1/2": "DE*TWO"}}).json()
    assert answer["charge_points"] == ["CP-1*1", "DE*TWO"]
    assert [refusal["station"] for refusal in answer["refused"]] == ["NO"]
    assert api.post("/charging/unknown", {"q": "station:CP-2"}).json()["adopted"] == 2
    assert api.get("/charging/unknown").json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"stations": ["X"], "q": "x"},
        {"stations": ["X"], "pattern": "fixed"},
        {"q": "odd:1"},
        {"q": ""},
        {"q": "  "},
        {"all": False},
        {"all": True, "q": "x"},
        {"all": True, "evse_ids": {"NO/1": "DE*1"}},
        {"odd": True},
    ],
)
def test_api_refuses_what_it_cannot_read(api: ApiClient, body: dict[str, Any]) -> None:
    assert api.post("/charging/unknown", body).status_code == 422
    assert ChargePoint.objects.count() == 0


def test_api_adopts_all_when_that_is_said(api: ApiClient) -> None:
    unknown_station()
    unknown_station("CP-2")
    assert api.post("/charging/unknown", {"q": " "}).status_code == 422
    assert api.post("/charging/unknown", {"all": True}).json()["adopted"] == 4


def test_api_names_evse_ids_without_case_and_refuses_those_of_nobody(api: ApiClient) -> None:
    unknown_station()
    for key in ("CP-1/3", "CP-1", "cp-1*1"):
        answer = api.post("/charging/unknown", {"stations": ["CP-1"], "evse_ids": {key: "DE*X"}})
        assert (answer.status_code, key in answer.content.decode()) == (422, True)
    answer = api.post("/charging/unknown", {"stations": ["CP-1"], "evse_ids": {" cp-1 / 2": "DE*X"}})
    assert answer.json()["charge_points"] == ["CP-1*1", "DE*X"]


def test_page_and_api_show_the_same_last_fault(api: ApiClient, viewer: Client) -> None:
    says("CP-1", events(event("RCD", "Tripped")), action="NotifyEvent")
    says("CP-1", fault("OtherError", vendorErrorCode="TiltDetected"), now=NOW + MINUTE)
    says("CP-1", fine(connectorId=2), now=NOW + 2 * MINUTE)
    (station,) = api.get("/charging/unknown").json()["items"]
    assert "TiltDetected" in station["fault"]
    assert station["fault"] in rows_of(viewer.get(url("unknown")))[0]


def test_identity_that_is_too_long_is_named_and_cut_into_nobody_else() -> None:
    name = "X" * 48
    says(name, fine())
    intake = take(OcppMessage(station=name + "Y", action="StatusNotification", payload=fault()))
    ((_place, sentence),) = intake.rejected
    assert name in sentence
    assert "at most 48 characters" in sentence
    ((_place, sentence),) = take_neutral(signal(name + "Z", "raised")).rejected
    assert "at most 48 characters" in sentence
    (point,) = adopted(pattern="{station}")
    assert open_cases(point) == []


@pytest.mark.parametrize("evse_id", ["DE A", 'DE"A', "DE,A", "DE\nA"])
def test_what_adoption_refuses_as_an_evse_id_other_ways_refuse_too(api: ApiClient, evse_id: str) -> None:
    unknown_station()
    put = api.put("/charging/charge-points", [{"evse_id": evse_id}]).json()
    sentence = put["rejected"][0]["error"]
    assert "is no EVSE id" in sentence
    answer = api.post("/charging/unknown", {"stations": ["CP-1"], "evse_ids": {"CP-1/1": evse_id}}).json()
    assert answer["refused"] == [{"station": "CP-1", "error": sentence}]
    assert ChargePoint.objects.count() == 0
