"""EVSE ids that move from one EVSE to another, and what cannot be read beside a status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointState, Incident, MaintenanceWindow, OcpiParty, Source
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, connector, evse, location, said
from tests.infra_notifications.ocpi.helpers import places, pull

pytestmark = pytest.mark.django_db
ID = "BE*BEC*E2"
TEN, ELEVEN, NOON = (f"2026-11-01T{hour}:00:00Z" for hour in (10, 11, 12))


def put(cpo: Cpo, place: str, status: str, at: str, evse_id: str = ID) -> Any:
    loc, uid = place.split("/")
    return cpo.put(loc, location(loc, evse(uid, status, evse_id=evse_id, last_updated=at), last_updated=at))


def patch(cpo: Cpo, place: str, status: str, at: str) -> Any:
    return cpo.patch(place, {"status": status, "last_updated": at})


def shown(evse_id: str = ID) -> tuple[str, bool]:
    """The status that is shown, and whether an incident is open."""
    point = ChargePoint.objects.get(evse_id=evse_id)
    state = ChargePointState.objects.get(pk=point.pk)
    return state.status, Incident.objects.filter(charge_point=point, closed_at=None).exists()


@pytest.mark.parametrize("old", ["AVAILABLE", "REMOVED", "OUTOFORDER"])
def test_what_an_older_evse_of_the_same_id_says_counts_no_more(cpo: Cpo, party: OcpiParty, old: str) -> None:
    put(cpo, "L3/1", "AVAILABLE", TEN)
    put(cpo, "L4/9", "OUTOFORDER", ELEVEN)
    for status in ("AVAILABLE", old):
        patch(cpo, "L3/1", status, NOON)
        assert shown() == ("Faulted", True)
    warnings = str(Source.objects.get(pk=party.source_id).cautions)
    assert "EVSE id is that of the newer EVSE 9 of location L4" in warnings
    patch(cpo, "L4/9", "AVAILABLE", NOON)
    assert shown() == ("Available", False)


def test_an_older_record_that_is_found_later_takes_nothing(cpo: Cpo) -> None:
    put(cpo, "L3/1", "OUTOFORDER", ELEVEN)
    put(cpo, "L4/9", "AVAILABLE", TEN)
    assert shown() == ("Faulted", True)
    patch(cpo, "L4/9", "AVAILABLE", NOON)
    assert shown() == ("Available", False)


@pytest.mark.parametrize("way", ["removed", "renamed", "by night"])
def test_when_the_newer_gives_an_id_up_the_older_has_it_again(
    cpo: Cpo, party: OcpiParty, sender: Sender, way: str
) -> None:
    put(cpo, "L3/1", "AVAILABLE", TEN)
    put(cpo, "L4/9", "AVAILABLE", ELEVEN)
    patch(cpo, "L3/1", "OUTOFORDER", NOON)
    assert shown() == ("Available", False)
    if way == "removed":
        patch(cpo, "L4/9", "REMOVED", NOON)
    elif way == "renamed":
        put(cpo, "L4/9", "AVAILABLE", NOON, "BE*BEC*E7")
        assert shown("BE*BEC*E7") == ("Available", False)
    else:
        sender.locations = [location("L3", evse("1", "OUTOFORDER", evse_id=ID, last_updated=NOON))]
        pull(party)
    assert shown() == ("Faulted", True)
    patch(cpo, "L3/1", "AVAILABLE", "2026-11-01T13:00:00Z")
    assert shown() == ("Available", False)


def test_an_evse_that_gets_another_uid_is_no_removed_one(cpo: Cpo) -> None:
    put(cpo, "L3/1", "OUTOFORDER", TEN)
    put(cpo, "L3/2", "OUTOFORDER", ELEVEN)
    assert shown() == ("Faulted", True)


def test_an_id_that_no_evse_bears_any_more_is_as_removed(cpo: Cpo) -> None:
    put(cpo, "L3/1", "OUTOFORDER", TEN)
    cpo.put("L3/1", evse("1", "AVAILABLE", evse_id="BE*BEC*E9", last_updated=ELEVEN))
    assert shown() == ("Removed", False)
    assert shown("BE*BEC*E9") == ("Available", False)


@pytest.mark.parametrize("to", ["L4/9", "L3/1"])
def test_maintenance_goes_along_with_an_id_and_ends_with_it(cpo: Cpo, to: str) -> None:
    put(cpo, "L3/1", "INOPERATIVE", TEN)
    put(cpo, to, "INOPERATIVE", ELEVEN, ID if to == "L4/9" else "BE*BEC*E9")
    running = MaintenanceWindow.objects.filter(ends_at__year__gt=2030)
    point = ChargePoint.objects.get(evse_id=ID if to == "L4/9" else "BE*BEC*E9")
    assert list(running.values_list("targets__charge_point", flat=True)) == [point.pk]
    patch(cpo, to, "AVAILABLE", NOON)
    assert not running.exists()


# ---- what cannot be read beside a status ----------------------------------------------------------------------------


@pytest.mark.parametrize("connectors", [None, {}, connector(), "none", [None], [connector(), 7], 3])
@pytest.mark.parametrize("alone", [True, False])
def test_a_status_counts_whatever_the_connectors_are(cpo: Cpo, connectors: Any, alone: bool) -> None:
    put(cpo, "L3/1", "AVAILABLE", TEN)
    sent = evse("1", "OUTOFORDER", evse_id=ID, last_updated=ELEVEN, connectors=connectors)
    answer = cpo.put("L3/1", sent) if alone else cpo.put("L3", location("L3", sent, last_updated=ELEVEN))
    assert said(answer) == (200, 1000)
    assert shown() == ("Faulted", True)
    assert said(cpo.put("L3/1/1", connector(last_updated=NOON)))[1] == 1000
    assert said(cpo.patch("L3/1", {"connectors": None, "status": "AVAILABLE", "last_updated": NOON}))[1] == 1000


def test_a_uid_that_stands_twice_is_said(cpo: Cpo, party: OcpiParty) -> None:
    cpo.put("L3", location("L3", evse("1"), evse("1", "OUTOFORDER")))
    assert "stands twice" in str(Source.objects.get(pk=party.source_id).cautions)


def test_one_byte_that_is_no_utf_8_costs_no_location(cpo: Cpo) -> None:
    body = json.dumps(location("L1", evse("1"), name="Süd"), ensure_ascii=False).encode("latin-1")
    assert said(cpo.call("PUT", f"{cpo.LOCATIONS}/L1", body)) == (201, 1000)


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_a_list_that_ends_before_its_first_page_said_removes_nothing(
    sender: Sender, party: OcpiParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.locations = places(4)
    pull(party)
    usual = sender.respond

    def shrinking(path: str, headers: dict[str, str]) -> Any:
        status, more, body = usual(path, headers)
        if "offset=2" in path:
            return 200, {"X-Total-Count": "0"}, sender._envelope([])
        return status, more, body

    monkeypatch.setattr(sender, "respond", shrinking)
    assert pull(party).pull_result["removed"] == 0
    assert party.pull_result["rejected"] == 1


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:9", "127.0.0.2:{port}"])
def test_a_link_to_another_server_gets_no_token(
    sender: Sender, party: OcpiParty, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    sender.locations = places(2)
    pull(party)
    usual, port = sender.respond, sender.url.rpartition(":")[2]
    other = f"http://{host.format(port=port)}/ocpi/cpo/2.2.1/locations?offset=9"

    def leading_away(path: str, headers: dict[str, str]) -> Any:
        status, more, body = usual(path, headers)
        return status, more | {"Link": f'<{other}>; rel="next"'}, body

    monkeypatch.setattr(sender, "respond", leading_away)
    sender.requests.clear()
    assert "another server" in pull(party).pull_error
    assert len(sender.requests) == 1


@pytest.mark.parametrize("alone", [True, False])
def test_a_push_that_leaves_the_evse_id_out_is_of_the_same_charge_point(cpo: Cpo, alone: bool) -> None:
    put(cpo, "L3/1", "AVAILABLE", TEN)
    told = {name: value for name, value in evse("1", "OUTOFORDER", last_updated=ELEVEN).items() if name != "evse_id"}
    body = told if alone else location("L3", told, last_updated=ELEVEN)
    assert said(cpo.put("L3/1" if alone else "L3", body)) == (200, 1000)
    assert (shown(), ChargePoint.objects.count()) == (("Faulted", True), 1)
    answer = cpo.patch("L3/1", {"evse_id": None, "status": "AVAILABLE", "last_updated": NOON})
    assert (shown(), ChargePoint.objects.count()) == (("Available", False), 1)
    assert f"keeps its `evse_id` {ID} until another one is named" in answer.json()["status_message"]
    cpo.patch("L3/1", {"evse_id": f"{ID}9", "last_updated": NOON})
    assert shown(f"{ID}9")[0] == "Available"
