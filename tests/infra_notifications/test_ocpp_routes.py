"""Routes of the OCPP proxy: what may be one, by API and in the console, and stations that are moved to another CSMS."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.text import identity_key
from infra_notifications.models import MovedStation, OcppRoute, StationConnection, UnknownChargePoint
from infra_notifications.rules.upstreams import parse_upstream
from outbox.transports.webhook.targets import Forbidden, NotPublic
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.factories.infra_notifications import ChargePointFactory

pytestmark = pytest.mark.django_db
ROUTES = "/charging/ocpp-routes"


def route(slug: str = "berlin", upstream: str = "wss://csms.example/ocpp", **values: Any) -> OcppRoute:
    return OcppRoute.objects.create(slug=slug, upstream=upstream, **values)


def errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


def test_the_secrets_of_an_upstream_are_for_those_who_may_change_it(
    api: ApiClient, viewer: Client, administrator: Client
) -> None:
    first, second = route(upstream="wss://csms.example/t0ken"), route("two", "wss://other.example/t0ken")
    MovedStation.objects.create(route=first, station="CP-1", station_key="CP-1", target=second, moved_at=timezone.now())
    _key, reads = make_key("charging:read")
    for path in (ROUTES, f"{ROUTES}/berlin"):
        answer = Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {reads}"})
        assert ("t0ken" in answer.content.decode(), "csms.example" in answer.content.decode()) == (False, True)
        assert "t0ken" in api.get(path).content.decode()
    for name, args in (("ocpp_routes", []), ("ocpp_route", [first.pk]), ("ocpp_route_moved", [first.pk])):
        page = reverse(f"infra_notifications:{name}", args=args)
        assert "t0ken" in administrator.get(page).content.decode()
        seen = viewer.get(page).content.decode()
        assert ("t0ken" in seen, "***" in seen) == (False, True)
    for words, count in (("csms:t0ken", 0), ("t0ken", 0), ("csms:csms.example", 1), ("other.example", 1)):
        found = viewer.get(reverse("infra_notifications:ocpp_routes"), {"q": words})
        assert found.content.decode().count("wss://") == count, words


# ---- what an upstream may be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("wss://csms.example/ocpp", "wss://csms.example/ocpp"),
        (" WSS://CSMS.example:443/ocpp/ ", "wss://csms.example/ocpp"),
        ("ws://csms.example:8180/steve/websocket/CentralSystemService/", None),
        ("wss://csms.example", "wss://csms.example"),
        ("wss://csms.example/tenant%2F1/ocpp", "wss://csms.example/tenant%2F1/ocpp"),
        ("wss://8.8.8.8:9999/x", "wss://8.8.8.8:9999/x"),
    ],
)
def test_an_upstream_is_stored_without_what_says_nothing(typed: str, stored: str | None) -> None:
    assert parse_upstream(typed, []) == (stored or typed.rstrip("/"))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "csms.example/ocpp",
        "https://csms.example/ocpp",
        "ftp://csms.example",
        "wss://",
        "wss:///ocpp",
        "wss://user:secret@csms.example/ocpp",
        "wss://csms.example:443/%zz",
        "wss://csms.example/100%",
        "wss://csms.example/ocpp?key=1",
        "wss://csms.example/ocpp#x",
        "wss://csms.example:0/ocpp",
        "wss://csms.example:99999/ocpp",
        "wss://csms example/ocpp",
        "wss://csms.example/o\ncpp",
        "wss://0x7f.1/ocpp",
        "wss://2130706433/ocpp",
        "wss://" + "a" * 2_001,
    ],
)
def test_what_is_no_address_of_a_csms_is_refused_in_words(typed: str) -> None:
    with pytest.raises(Forbidden) as refused:
        parse_upstream(typed, [])
    assert str(refused.value).endswith(".")
    assert "https://" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "10.1.2.3", "[::1]:80", "192.168.0.4", "169.254.169.254", "csms"])
def test_a_private_network_has_to_be_named(host: str) -> None:
    with pytest.raises(NotPublic):
        parse_upstream(f"ws://{host}/ocpp", [])
    everywhere = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    assert parse_upstream(f"ws://{host}/ocpp", everywhere).startswith("ws://")


def test_the_proxy_itself_is_no_csms(api: ApiClient, settings: Any) -> None:
    settings.OCPP_PUBLIC_URL = "wss://ocpp.example"
    found = errors(api.post(ROUTES, {"slug": "a", "upstream": "wss://OCPP.example:443/berlin"}))
    assert found == {"/upstream": "This is the proxy’s own address: stations would be passed on in a circle."}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9000", 422),
        ("127.0.0.2:9000", 422),
        ("[::1]:9000", 422),
        ("[::ffff:127.0.0.1]:9000", 422),
        ("0.0.0.0:9000", 422),
        ("localhost:9001", 201),
        ("10.1.2.3:9000", 201),
    ],
)
def test_no_other_name_of_the_proxy_is_a_csms(api: ApiClient, settings: Any, host: str, status: int) -> None:
    settings.OCPP_PUBLIC_URL, settings.OCPP_HOST, settings.OCPP_PORT = "wss://ocpp.example", "127.0.0.1", 9000
    settings.OCPP_UPSTREAM_NETWORKS = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    answer = api.post(ROUTES, {"slug": "a", "upstream": f"ws://{host}/berlin"})
    assert answer.status_code == status, answer.content
    if status == 422:
        assert "circle" in errors(answer)["/upstream"]


# ---- by API -------------------------------------------------------------------------------------------------------


def test_a_route_is_made_read_changed_and_deleted(api: ApiClient, settings: Any) -> None:
    settings.OCPP_PUBLIC_URL = "wss://ocpp.example"
    answer = api.post(ROUTES, {"slug": "berlin", "upstream": "wss://csms.example/ocpp/"})
    made = answer.json()
    assert answer.status_code == 201
    assert made["url"] == "wss://ocpp.example/berlin"
    assert (made["slug"], made["upstream"]) == ("berlin", "wss://csms.example/ocpp")
    assert (made["register_unknown"], made["enabled"], made["evse_pattern"]) == (False, True, "")
    assert api.get(f"{ROUTES}/berlin").json() == made
    assert [item["slug"] for item in api.get(f"{ROUTES}?q=csms:example").json()["items"]] == ["berlin"]

    changed = api.patch(f"{ROUTES}/berlin", {"upstream": "wss://new.example/x", "enabled": False}).json()
    assert (changed["upstream"], changed["enabled"]) == ("wss://new.example/x", False)
    assert api.delete(f"{ROUTES}/berlin").status_code == 204
    assert api.get(f"{ROUTES}/berlin").status_code == 404


def test_a_private_upstream_is_refused_with_what_to_do(api: ApiClient, settings: Any) -> None:
    body = {"slug": "inside", "upstream": "ws://10.1.2.3:8180/steve"}
    found = errors(api.post(ROUTES, body))
    assert found["/upstream"] == (
        "10.1.2.3 is not a public address (private). An administrator allows private networks by"
        " OCPP_UPSTREAM_NETWORKS."
    )
    settings.OCPP_UPSTREAM_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]
    assert api.post(ROUTES, body).status_code == 201


@pytest.mark.parametrize("slug", ["", " ", "a/b", "ä", "-a", "a--b", "a b", "a" * 41, "healthz", "metrics", "a.b"])
def test_a_slug_is_a_piece_of_an_address(slug: str, api: ApiClient) -> None:
    assert list(errors(api.post(ROUTES, {"slug": slug, "upstream": "wss://csms.example"}))) == ["/slug"]


def test_all_that_is_wrong_is_named_together(api: ApiClient) -> None:
    body = {"slug": "a b", "upstream": "http://x", "evse_pattern": "DE*{conector}"}
    assert set(errors(api.post(ROUTES, body))) == {"/slug", "/upstream", "/evse_pattern"}
    assert errors(api.post(ROUTES, {"slug": "a"})).keys() == {"/upstream"}


def test_a_slug_is_taken_whatever_its_case(api: ApiClient) -> None:
    route("berlin")
    answer = api.post(ROUTES, {"slug": "Berlin", "upstream": "wss://csms.example"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/slug")
    assert api.get(f"{ROUTES}/BERLIN").json()["slug"] == "berlin"


def test_a_slug_stays_because_stations_are_set_to_it(api: ApiClient) -> None:
    route("berlin")
    assert list(errors(api.patch(f"{ROUTES}/berlin", {"slug": "other"}))) == ["/slug"]
    assert api.patch(f"{ROUTES}/berlin", {"slug": "berlin", "enabled": False}).json()["enabled"] is False


# ---- moving -------------------------------------------------------------------------------------------------------


def test_stations_are_moved_and_moved_back(api: ApiClient) -> None:
    berlin, other = route("berlin"), route("other", "wss://other.example")
    ChargePointFactory(station="cp-1", connector=1)
    connected("CP-2", berlin)
    moved = api.post(f"{ROUTES}/berlin/move", {"stations": ["CP-1", " cp-2\u200b "], "target": "other"}).json()
    assert moved == {"moved": ["CP-1", "cp-2"], "unknown": []}
    assert set(MovedStation.objects.values_list("station_key", "target__slug")) == {
        ("CP-1", "other"),
        ("CP-2", "other"),
    }
    assert api.post(f"{ROUTES}/berlin/move", {"stations": ["CP-1"], "target": "other"}).json()["moved"] == []
    assert api.delete(f"{ROUTES}/other").status_code == 409
    assert api.post(f"{ROUTES}/berlin/move", {"stations": ["cp-1"], "target": "berlin"}).json()["moved"] == ["cp-1"]
    assert [move.station for move in berlin.moved_away.all()] == ["cp-2"]
    assert other.moved_here.count() == 1


def test_no_station_is_moved_to_a_route_that_is_switched_off_nor_left_on_one(api: ApiClient) -> None:
    route("berlin")
    route("other", enabled=False)
    ChargePointFactory(station="CP-1", connector=1)
    body = {"stations": ["CP-1"], "target": "other"}
    refused = api.post(f"{ROUTES}/berlin/move", body)
    assert (refused.status_code, "switched off" in refused.json()["detail"]) == (409, True)
    assert api.patch(f"{ROUTES}/other", {"enabled": True}).status_code == 200
    assert api.post(f"{ROUTES}/berlin/move", body).json()["moved"] == ["CP-1"]
    refused = api.patch(f"{ROUTES}/other", {"enabled": False})
    assert (refused.status_code, "move it back first" in refused.json()["detail"]) == (409, True)
    assert api.patch(f"{ROUTES}/berlin", {"enabled": False}).status_code == 200


def test_a_null_that_means_nothing_is_refused(api: ApiClient) -> None:
    route("berlin")
    assert list(errors(api.patch(f"{ROUTES}/berlin", {"upstream": None, "enabled": None}))) == ["/upstream", "/enabled"]


def test_a_station_of_which_nobody_has_heard_is_named_and_not_moved(api: ApiClient) -> None:
    berlin, _other = route("berlin"), route("other", "wss://other.example")
    now = timezone.now()
    UnknownChargePoint.objects.create(station="CP-1", first_seen=now, last_seen=now)
    body = {"stations": ["CP-1", "TYPO-1", "typo-1"], "target": "other"}
    assert api.post(f"{ROUTES}/berlin/move", body).json() == {"moved": ["CP-1"], "unknown": ["typo-1"]}
    alone = api.post(f"{ROUTES}/berlin/move", {"stations": ["TYPO-1"], "target": "other"})
    assert (alone.status_code, "TYPO-1" in alone.json()["detail"]) == (404, True)
    assert [move.station for move in berlin.moved_away.all()] == ["CP-1"]


@pytest.mark.parametrize("station", ["", " ", "\u200b", "x" * 256])
def test_what_is_no_identity_is_not_moved(station: str, api: ApiClient) -> None:
    route("berlin")
    route("other")
    answer = api.post(f"{ROUTES}/berlin/move", {"stations": ["CP-1", station], "target": "other"})
    assert list(errors(answer)) == ["/stations"]
    assert not MovedStation.objects.exists()


def test_a_deleted_route_takes_its_own_moves_along(api: ApiClient) -> None:
    berlin, other = route("berlin"), route("other")
    MovedStation.objects.create(
        route=berlin, station="CP-1", station_key="CP-1", target=other, moved_at=berlin.created_at
    )
    assert api.delete(f"{ROUTES}/berlin").status_code == 204
    assert not MovedStation.objects.exists()


# ---- pages --------------------------------------------------------------------------------------------------------


def page(name: str, *args: object) -> str:
    return reverse(f"infra_notifications:ocpp_route{name}", args=args)


def test_a_route_is_created_in_the_console(administrator: Client) -> None:
    answer = administrator.post(page("_new"), {"slug": "Berlin", "upstream": "wss://csms.example/", "enabled": "on"})
    made = OcppRoute.objects.get()
    assert answer["Location"] == page("", made.pk)
    shown = administrator.get(page("", made.pk)).content.decode()
    assert "wss://csms.example" in shown
    assert "/berlin" in shown


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(administrator: Client) -> None:
    answer = administrator.post(page("_new"), {"slug": "berlin", "upstream": "https://csms.example/typed"})
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "begins with wss:// or ws://" in shown
    assert "https://csms.example/typed" in shown


def test_another_csms_says_that_stations_connect_again(administrator: Client) -> None:
    found = route("berlin")
    body = {"upstream": "wss://new.example", "enabled": "on"}
    shown = administrator.post(page("_edit", found.pk), body, follow=True).content.decode()
    assert "asked to connect again" in shown
    found.refresh_from_db()
    assert (found.slug, found.upstream) == ("berlin", "wss://new.example")


def test_stations_are_moved_in_the_console_and_back_in_bulk(administrator: Client) -> None:
    berlin, other = route("berlin"), route("other", "wss://other.example")
    ChargePointFactory(station="cp-1", connector=1)
    connected("CP-2", berlin)
    body = {"stations": "CP-1\nCP-2\nCP-3", "target": other.pk}
    refused = administrator.post(page("_move", berlin.pk), body)
    assert (refused.status_code, "CP-3" in refused.content.decode(), berlin.moved_away.count()) == (422, True, 0)
    body["stations"] = "CP-1\nCP-2"
    shown = administrator.post(page("_move", berlin.pk), body, follow=True).content.decode()
    assert "CP-1" in shown
    assert "CP-2" in shown
    first = berlin.moved_away.first()
    assert first is not None
    body = {"do": "bulk", "action": "routes.move_back", "row": [first.pk], "confirmed": "1", "number": 1}
    administrator.post(page("_moved", berlin.pk), body)
    assert [move.station for move in berlin.moved_away.all()] == ["CP-2"]


def connected(station: str, by: OcppRoute, **values: Any) -> StationConnection:
    now = timezone.now()
    shown = {"connected": True, "since": now, "last_seen": now, "protocol": "ocpp2.0.1", "round_trip_ms": 41.7}
    return StationConnection.objects.create(
        station=station, key=identity_key(station), route=by.slug, **(shown | values)
    )


def test_who_is_connected_is_shown_with_version_and_round_trip(administrator: Client, api: ApiClient) -> None:
    berlin, other = route("berlin"), route("other", "wss://other.example")
    point = ChargePointFactory(station="cp-1", connector=1)
    connected("CP-1", berlin, messages=1234)
    connected("CP-2", berlin, connected=False, close_code=1006)
    connected("CP-3", other)
    shown = administrator.get(page("_stations", berlin.pk)).content.decode()
    assert reverse("infra_notifications:charge_point", args=[point.pk]) in shown
    for text in ("CP-1", "ocpp2.0.1", "1,234", "41.7 ms", "CP-2", "1006", "not registered"):
        assert text in shown
    assert "CP-3" not in shown
    assert "1 of 2 connected" in administrator.get(page("", berlin.pk)).content.decode()
    assert [item["connected"] for item in api.get(ROUTES).json()["items"]] == [1, 1]
    searched = administrator.get(page("_stations", berlin.pk), {"q": "connected:no"}).content.decode()
    assert "CP-2" in searched
    assert "CP-1" not in searched


def test_stations_that_are_selected_are_moved_and_shown_where_to(administrator: Client) -> None:
    berlin, other = route("berlin"), route("other", "wss://o.example")
    rows = [connected("CP-1", berlin), connected("CP-2", berlin), connected("CP-3", berlin)]

    def move(target: OcppRoute, *chosen: StationConnection) -> None:
        body = {"do": "bulk", "action": "routes.move", "row": [row.pk for row in chosen], "bulk-target": target.pk}
        administrator.post(page("_stations", berlin.pk), body | {"confirmed": "1", "number": len(chosen)})

    def ways() -> dict[str, str]:
        answer: Any = administrator.get(page("_stations", berlin.pk), {"as": "csv"})
        lines = b"".join(answer.streaming_content).decode().splitlines()[1:]
        return {line.split()[0]: line.split(",")[-1] for line in lines}

    move(other, *rows[:2])
    assert ways() == {"CP-1": "other", "CP-2": "other", "CP-3": ""}
    move(berlin, rows[0], rows[2])
    assert ways() == {"CP-1": "", "CP-2": "other", "CP-3": ""}


def test_a_route_is_deleted_by_its_name(administrator: Client) -> None:
    found = route("berlin")
    assert "not the route" in administrator.post(page("_delete", found.pk), {"typed": "x"}).content.decode()
    administrator.post(page("_delete", found.pk), {"typed": "Berlin"})
    assert not OcppRoute.objects.exists()
