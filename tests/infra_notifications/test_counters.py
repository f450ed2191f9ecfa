"""Ids that begin anew, and connections without a name, lose neither a beginning nor an end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, Incident, StationConnection
from infra_notifications.rules.connections import Connections
from tests.clock import iso
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import NOW, at, open_cases, station

pytestmark = pytest.mark.django_db
CONNECTIONS, SIGNALS = "/charging/connections", "/charging/signals"
LONG = "7f0c2c4e-8f0e-4b0e-9f57-0d9b5c7a8a11"


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def link(connected: bool, **more: Any) -> dict[str, Any]:
    return {"station": "CP-1", "connected": connected, **more}


def case(point: ChargePoint, state: str, **more: Any) -> dict[str, Any]:
    return {"charge_point": point.evse_id, "case": "SENSORS", "state": state, **more}


def send(api: ApiClient, path: str, items: list[dict[str, Any]], *, is_one_batch: bool) -> list[dict[str, Any]]:
    return [api.post(path, batch).json() for batch in ([items] if is_one_batch else [[item] for item in items])]


ONE_BY_ONE = pytest.mark.parametrize("is_one_batch", [False, True])


@ONE_BY_ONE
def test_a_counter_of_connections_that_begins_anew_loses_no_outage(
    api: ApiClient, point: ChargePoint, is_one_batch: bool
) -> None:
    items = [link(False, id="1"), link(True, id=2), link(False, id="1")]
    answers = send(api, CONNECTIONS, items, is_one_batch=is_one_batch)
    assert sum(answer["accepted"] for answer in answers) == 3
    assert "was sent before" in answers[-1]["warnings"][-1]["warning"]
    assert open_cases(point) == ["UNAVAILABLE"]
    assert api.post(CONNECTIONS, items[-1]).json()["duplicates"] == 1


@ONE_BY_ONE
@pytest.mark.parametrize(("states", "cases"), [(("raised", "cleared"), ["SENSORS"]), (("cleared", "raised"), [])])
def test_a_counter_of_signals_that_begins_anew_loses_nothing(
    api: ApiClient, point: ChargePoint, is_one_batch: bool, states: tuple[str, str], cases: list[str]
) -> None:
    items = [case(point, states[0], id="1"), case(point, states[1], id="2"), case(point, states[0], id="1")]
    answers = send(api, SIGNALS, items, is_one_batch=is_one_batch)
    assert sum(answer["accepted"] for answer in answers) == 3
    assert open_cases(point) == cases
    assert api.post(SIGNALS, items[-1]).json()["duplicates"] == 1


@pytest.mark.parametrize("more", [{"id": LONG}, {"id": "1", "at": iso(NOW)}])
def test_a_report_that_is_known_by_its_moment_or_its_id_is_a_duplicate(
    api: ApiClient, point: ChargePoint, more: dict[str, Any]
) -> None:
    send(api, CONNECTIONS, [link(False, **more), link(True, id="other")], is_one_batch=False)
    assert api.post(CONNECTIONS, link(False, **more)).json()["duplicates"] == 1
    assert open_cases(point) == []


@pytest.mark.parametrize(
    "more", [{"id": LONG}, {"id": "1", "received_at": iso(NOW)}, {"id": 1, "occurred_at": iso(NOW)}]
)
def test_a_signal_that_is_known_by_its_moment_or_its_id_is_a_duplicate(
    api: ApiClient, point: ChargePoint, more: dict[str, Any]
) -> None:
    send(api, SIGNALS, [case(point, "raised", **more), case(point, "cleared", id="other")], is_one_batch=False)
    assert api.post(SIGNALS, case(point, "raised", **more)).json()["duplicates"] == 1
    assert Incident.objects.count() == 1


def test_a_batch_that_is_sent_again_changes_nothing(api: ApiClient, point: ChargePoint) -> None:
    for path, items in (
        (CONNECTIONS, [link(False, id="1"), link(True, id="2")]),
        (SIGNALS, [case(point, "raised", id="1"), case(point, "cleared", id="2")]),
    ):
        assert [api.post(path, items).json()[what] for what in ("accepted", "duplicates")] == [2, 2]
        assert open_cases(point) == []


# ---- connections without a name -------------------------------------------------------------------------------------


@ONE_BY_ONE
@pytest.mark.parametrize(
    ("opened", "closed"),
    [({"connection": "s2"}, {}), ({}, {"connection": "s1"}), ({"connection": "s2"}, {"connection": "s2"}), ({}, {})],
)
def test_a_close_ends_what_it_can_only_mean(
    api: ApiClient, point: ChargePoint, opened: dict[str, str], closed: dict[str, str], is_one_batch: bool
) -> None:
    send(api, CONNECTIONS, [link(True, **opened), link(False, **closed)], is_one_batch=is_one_batch)
    assert open_cases(point) == ["UNAVAILABLE"]
    assert not StationConnection.objects.get().connected
    api.post(CONNECTIONS, link(True, **opened | {"connection": "s3"} if opened else {}))
    assert open_cases(point) == []


@ONE_BY_ONE
def test_a_station_that_connects_anew_is_connected(api: ApiClient, point: ChargePoint, is_one_batch: bool) -> None:
    send(api, CONNECTIONS, [link(True), link(False), link(True, connection="s2")], is_one_batch=is_one_batch)
    assert open_cases(point) == []


def test_a_close_of_another_connection_changes_nothing_and_says_so(api: ApiClient, point: ChargePoint) -> None:
    api.post(CONNECTIONS, link(True, connection="s2"))
    answer = api.post(CONNECTIONS, link(False, connection="s1")).json()
    assert answer["accepted"] == 1
    assert "`connection` 's1' was not opened" in answer["warnings"][0]["warning"]
    assert open_cases(point) == []


REPORTS = st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=200)
@given(REPORTS, st.data())
def test_whatever_the_order_and_the_names_all_come_to_the_same(
    reports: list[tuple[str, bool]], data: st.DataObject
) -> None:
    heard = [(name, at(second), connected) for second, (name, connected) in enumerate(reports)]
    found = []
    for order in (heard, data.draw(st.permutations(heard))):
        links = Connections()
        for name, moment, connected in order:
            links.hear(name, moment, connected=connected)
        found.append(links.is_connected)
    assert found[0] == found[1]
    if not reports[-1][0]:  # what is said last of the station as a whole holds
        assert found[0] == reports[-1][1]
