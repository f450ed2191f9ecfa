"""Stations that connect and disconnect: what is raised and ended by it, in whatever order it is heard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.api import rfc3339
from core.ingest import Intake, Submission
from infra_notifications.choices import Connectivity, NotificationReason, SourceKind, SourceTrouble
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    Incident,
    OcppRoute,
    Source,
    StationConnection,
    UnknownChargePoint,
)
from infra_notifications.models.sources import source_id
from infra_notifications.rules.connections import LinkReport
from infra_notifications.services.connections import lose_process, take_connections
from outbox.models import Event
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    NOW,
    adopt_unknown,
    alerts,
    at,
    decisions,
    fault,
    heartbeat,
    kinds,
    listed,
    open_cases,
    station,
    sweep,
    take,
)

pytestmark = pytest.mark.django_db
PROXY = source_id(SourceKind.PROXY, 1)


def report(connected: bool, seconds: float, *, name: str = "CP-1", link: str | None = None, **more: Any) -> LinkReport:
    return LinkReport(station=name, connected=connected, at=iso(at(seconds)), connection=link, **more)


def tell(*reports: LinkReport, now: Any = None, key: int = PROXY) -> Intake:
    submission = Submission(key, list(enumerate(reports)))
    return take_connections(submissions=[submission], now=now or at(3_600))[0]


def states() -> list[tuple[str, bool]]:
    found = ChargePointState.objects.order_by("charge_point__evse_id")
    return [(state.connectivity, state.disconnected_at is not None) for state in found]


def test_a_closed_socket_is_unavailable_at_once_and_told_when_it_lasts() -> None:
    points = station()
    NotificationGroupFactory(members=points)
    take(heartbeat("CP-1"), now=NOW)
    tell(report(False, 30, reason="bye"), now=at(31))
    assert [open_cases(point) for point in points] == [["UNAVAILABLE"]] * 2
    assert states() == [(Connectivity.OFFLINE, True)] * 2
    incident = Incident.objects.first()
    assert incident is not None
    assert (incident.opened_at, incident.said) == (at(30), "Connection closed (bye)")
    sweep(at(30 + 899))
    assert kinds() == []
    sweep(at(30 + 901))
    assert kinds() == ["alert"]
    tell(report(True, 2_000), now=at(2_001))
    assert [open_cases(point) for point in points] == [[], []]
    assert states() == [(Connectivity.ONLINE, False)] * 2
    sweep(at(2_100))
    assert kinds() == ["alert", "recovery"]


def test_a_short_break_is_not_told() -> None:
    points = station()
    NotificationGroupFactory(members=points)
    tell(report(False, 0), report(True, 60), now=at(61))
    sweep(at(2_000))
    assert kinds() == []
    assert {reason for _kind, _state, reason in decisions()} <= {NotificationReason.RECOVERED_IN_TIME}


def test_any_message_after_the_close_ends_it_and_one_from_before_does_not() -> None:
    (point,) = station(points=1)
    tell(report(False, 100), now=at(101))
    take(heartbeat("CP-1", received_at=iso(at(50))), now=at(110))
    assert open_cases(point) == ["UNAVAILABLE"]
    assert states() == [(Connectivity.OFFLINE, True)]
    take(heartbeat("CP-1", received_at=iso(at(105))), now=at(111))
    assert open_cases(point) == []
    assert states() == [(Connectivity.ONLINE, False)]


def test_a_close_that_is_heard_after_a_later_message_raises_nothing() -> None:
    (point,) = station(points=1)
    take(heartbeat("CP-1"), now=at(500))
    tell(report(False, 50), now=at(501))
    assert open_cases(point) == []
    assert states() == [(Connectivity.ONLINE, False)]


def test_the_close_of_a_connection_that_was_replaced_raises_nothing() -> None:
    (point,) = station(points=1)
    tell(report(True, 0, link="a"), report(True, 10, link="b"), report(False, 60, link="a"), now=at(61))
    assert open_cases(point) == []
    assert StationConnection.objects.get().connected
    tell(report(False, 70, link="b"), now=at(71))
    assert open_cases(point) == ["UNAVAILABLE"]


def test_the_same_report_again_changes_nothing() -> None:
    (point,) = station(points=1)
    NotificationGroupFactory(members=[point])
    for _again in range(3):
        tell(report(False, 0, link="a"), now=at(1))
    sweep(at(1_000))
    assert kinds() == ["alert"]
    assert Incident.objects.count() == 1
    take(heartbeat("CP-1"), now=at(1_100))
    tell(report(False, 0, link="a"), now=at(1_101))
    assert open_cases(point) == []


def test_a_station_that_lost_its_connection_with_the_proxy_has_its_time(settings: Any) -> None:
    settings.OCPP_GRACE_S = 120
    (point,) = station(points=1)
    NotificationGroupFactory(members=[point])
    tell(report(True, 0, link="a", process="p1", opens=True), now=at(1))
    assert lose_process(process="p1", at=at(10), now=at(11)) == 1
    sweep(at(100))
    assert open_cases(point) == []
    sweep(at(131))
    assert open_cases(point) == ["UNAVAILABLE"]
    assert Incident.objects.get().opened_at == at(10)
    tell(report(True, 140, link="b", process="p2", opens=True), now=at(141))
    assert open_cases(point) == []


def test_the_time_of_lost_stations_begins_anew_when_the_whole_installation_was_away(settings: Any) -> None:
    settings.OCPP_GRACE_S = 120
    first, second = station(points=2)
    sweep(at(0))
    tell(report(True, 0, link="a", process="p1", opens=True), now=at(1))
    sweep(at(5))
    assert lose_process(process="p1", at=at(10), now=at(11)) == 1
    for moment in (2_000, 2_060, 2_110):
        sweep(at(moment))
        assert open_cases(first) == open_cases(second) == []
    sweep(at(2_130))
    assert open_cases(first) == ["UNAVAILABLE"]
    assert Incident.objects.filter(opened_at=at(10)).count() == 2


def test_a_station_that_connects_anew_within_its_time_was_never_unavailable(settings: Any) -> None:
    settings.OCPP_GRACE_S = 120
    station(points=1)
    tell(report(True, 0, link="a", process="p1", opens=True), now=at(1))
    tell(report(False, 10, link="a", lost=True), now=at(11))
    assert states() == [(Connectivity.ONLINE, False)]
    tell(report(True, 20, link="b", process="p2", opens=True), now=at(21))
    sweep(at(500))
    assert Incident.objects.count() == 0


def test_a_station_that_nobody_knows_is_kept_with_its_last_report_and_adopted_as_disconnected() -> None:
    intake = tell(report(True, 0, name="NEW-1"), report(False, 10, name="NEW-1"), now=at(11))
    assert [sentence for _place, sentence in intake.rejected] == [
        "Unknown station NEW-1. It is kept in the list of unknown charge points; adopt it there."
    ] * 2
    assert UnknownChargePoint.objects.get().station == "NEW-1"
    assert not StationConnection.objects.get().connected
    take(heartbeat("new-1", received_at=iso(at(5))), now=at(12))
    unknown = UnknownChargePoint.objects.order_by("connector").first()
    assert unknown is not None
    point = adopt_unknown(unknown=unknown, evse_id="DE*NEW*1", now=at(20))
    assert open_cases(point) == ["UNAVAILABLE"]


def test_reports_by_http(api: ApiClient) -> None:
    (point,) = station(points=1)
    answer = api.post(
        "/charging/connections",
        [
            {"station": "cp-1 ", "connected": True},
            {"station": "CP-1", "connected": False, "reason": "1006", "at": "yesterday"},
            {"station": "CP-2", "connected": False},
            {"station": "", "connected": False},
            {"station": "CP-1"},
        ],
    )
    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == 2
    assert [one["index"] for one in body["rejected"]] == [2, 3, 4]
    assert body["warnings"][0]["index"] == 1
    assert open_cases(point) == ["UNAVAILABLE"]
    assert list(ChargePointMessage.objects.order_by("id").values_list("action", flat=True)) == [
        "Connected",
        "Disconnected",
    ]
    found = api.get("/charging/stations/cp-1").json()
    assert (found["station"], found["connected"], found["close_reason"]) == ("CP-1", False, "1006")
    assert found["charge_points"] == [point.evse_id]
    assert api.get("/charging/stations/nobody").status_code == 404
    assert api.get(f"/charging/charge-points/{point.evse_id}").json()["connectivity"] == "offline"


def test_the_state_of_a_station_that_spoke_after_its_connection_closed(api: ApiClient) -> None:
    station(points=1)
    tell(report(False, 10), now=at(11))
    take(heartbeat("CP-1"), now=at(30))
    found = api.get("/charging/stations/CP-1").json()
    assert (found["connected"], found["last_seen"]) == (True, rfc3339(at(30)))


def test_a_repeated_id_is_a_duplicate(api: ApiClient) -> None:
    station(points=1)
    item = {"id": "x1", "station": "CP-1", "connected": False, "at": iso(NOW)}
    assert api.post("/charging/connections", item).json()["accepted"] == 1
    assert api.post("/charging/connections", item).json()["duplicates"] == 1


# ---- in any order ---------------------------------------------------------------------------------------------------

_STEPS = st.lists(
    st.tuples(st.sampled_from(("open", "close", "message")), st.sampled_from("abc")), min_size=1, max_size=7
)


def _story(steps: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """What can happen to a station: sockets open once and close once, messages come while one is open."""
    opened, closed, story = set[str](), set[str](), list[tuple[str, str, int]]()
    for moment, (what, link) in enumerate(steps, 1):
        if what == "open" and link not in opened:
            opened.add(link)
        elif what == "close" and link in opened - closed:
            closed.add(link)
        elif what != "message":
            continue
        story.append((what, link, moment * 10))
    return story


def _is_away(story: list[tuple[str, str, int]]) -> bool:
    """By the plain order of time: the newest socket closed, and nothing was heard since any closed."""
    opened = [(at_, link) for what, link, at_ in story if what == "open"]
    closed = {link: at_ for what, link, at_ in story if what == "close"}
    if not closed or max(opened)[1] not in closed:
        return False
    last = max(closed.values())
    return not any(at_ > last for what, _link, at_ in story if what in ("open", "message"))


@settings(max_examples=60)
@given(_STEPS, st.data())
def test_whatever_the_order_the_last_word_holds(db: None, steps: list[tuple[str, str]], data: st.DataObject) -> None:
    Incident.objects.all().delete()
    StationConnection.objects.all().delete()
    ChargePointMessage.objects.all().delete()
    ChargePoint.objects.all().delete()
    (point,) = station(points=1)
    story = _story(steps)
    for number, (what, link, moment) in enumerate(data.draw(st.permutations(story))):
        now = at(3_600 + number)
        if what == "message":
            take(heartbeat("CP-1", received_at=iso(at(moment))), now=now)
        else:
            tell(report(what == "open", moment, link=link), now=now)
    is_away = _is_away(story)
    assert open_cases(point) == ["UNAVAILABLE"] * is_away
    if story:
        state = ChargePointState.objects.get()
        assert (state.connectivity == Connectivity.OFFLINE, state.disconnected_at is not None) == (is_away, is_away)


def test_a_fault_beside_a_closed_connection_stays() -> None:
    (point,) = station(points=1)
    take(OcppMessage(action="StatusNotification", station="CP-1", payload=fault()), now=at(0))
    tell(report(False, 10), now=at(11))
    assert open_cases(point) == ["FUSE_TRIPPED", "UNAVAILABLE"]
    tell(report(True, 20), now=at(21))
    assert open_cases(point) == ["FUSE_TRIPPED"]


# ---- many at once ---------------------------------------------------------------------------------------------------


def many(count: int, *, hold_off_s: int = 0) -> list[ChargePoint]:
    """So many connected stations of one source, in a group that hears of each at once."""
    OcppRoute.objects.create(pk=1, slug="main", upstream="wss://csms.example")
    points = [station(f"M-{n}", points=1)[0] for n in range(count)]
    NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": hold_off_s})
    tell(*(report(True, 0, name=f"M-{n}", link=f"a{n}", opens=True) for n in range(count)), now=at(1))
    return points


def close_all(count: int, seconds: float, *, first: int = 0) -> None:
    spread = (report(False, seconds + n / 10, name=f"M-{n}", link=f"a{n}") for n in range(first, first + count))
    tell(*spread, now=at(seconds + 4))


def trouble() -> str:
    return Source.objects.get(pk=PROXY).trouble


def test_many_that_close_at_once_are_one_event_and_no_alarm_when_they_come_back() -> None:
    many(12)
    close_all(12, 100)
    for second in range(105, 160, 5):
        sweep(at(second))
    assert trouble() == SourceTrouble.CLOSED
    assert kinds() == []
    tell(*(report(True, 160, name=f"M-{n}", link=f"b{n}", opens=True) for n in range(12)), now=at(161))
    sweep(at(165))
    sweep(at(2_000))
    assert kinds() == []
    assert source_events() == ["source.disconnected", "source.recovered"]
    assert Incident.objects.filter(closed_at=None).count() == 0


def test_those_that_do_not_come_back_with_the_others_are_told() -> None:
    points = many(12)
    close_all(12, 100)
    sweep(at(105))
    tell(*(report(True, 160, name=f"M-{n}", link=f"b{n}", opens=True) for n in range(1, 12)), now=at(161))
    sweep(at(165))
    assert kinds() == []
    sweep(at(165 + 130))
    assert kinds() == ["alert"]
    assert listed(alerts()[0]) == [points[0].evse_id]


def test_when_none_comes_back_the_groups_are_told_of_all_in_the_end() -> None:
    many(12)
    close_all(12, 100)
    for second in range(105, 1_000, 60):
        sweep(at(second))
    assert kinds() == []
    sweep(at(100 + 905))
    sweep(at(100 + 910))
    assert kinds() == ["alert"]
    assert alerts()[0].payload["total"] == 12
    assert source_events() == ["source.disconnected"]


def test_strangers_that_close_are_no_event() -> None:
    many(2)
    tell(*(report(True, 10, name=f"scan-{n}", link=f"s{n}", opens=True) for n in range(40)), now=at(11))
    tell(*(report(False, 20, name=f"scan-{n}", link=f"s{n}") for n in range(40)), now=at(21))
    sweep(at(25))
    assert (trouble(), source_events()) == (SourceTrouble.NONE, [])


def test_a_restart_of_the_proxy_is_no_alarm_at_all(settings: Any) -> None:
    settings.OCPP_GRACE_S = 120
    many(12)
    StationConnection.objects.update(process="p1")
    assert lose_process(process="p1", at=at(100), now=at(101)) == 12
    for second in range(105, 200, 15):
        sweep(at(second))
    tell(*(report(True, 200, name=f"M-{n}", link=f"b{n}", opens=True) for n in range(12)), now=at(201))
    sweep(at(500))
    assert (kinds(), source_events(), Incident.objects.count()) == ([], [], 0)


def test_when_none_comes_back_after_a_restart_that_is_one_event(settings: Any) -> None:
    settings.OCPP_GRACE_S = 120
    many(12)
    StationConnection.objects.update(process="p1")
    lose_process(process="p1", at=at(100), now=at(101))
    for second in range(105, 400, 15):
        sweep(at(second))
    assert (kinds(), source_events()) == ([], ["source.disconnected"])
    sweep(at(100 + 905))
    assert kinds() == ["alert"]


def test_one_that_closes_alone_is_told_after_a_moment() -> None:
    points = many(12)
    close_all(1, 100)
    sweep(at(105))
    assert kinds() == []
    sweep(at(145))
    assert kinds() == ["alert"]
    assert listed(alerts()[0]) == [points[0].evse_id]
    assert trouble() == SourceTrouble.NONE


def test_some_that_close_one_after_another_are_no_event_of_their_source() -> None:
    many(12)
    for n in range(5):
        close_all(1, 100 + 40 * n, first=n)
        sweep(at(100 + 40 * n + 5))
    assert trouble() == SourceTrouble.NONE


def source_events() -> list[str]:
    return list(Event.objects.filter(kind__startswith="source.").order_by("id").values_list("kind", flat=True))


# ---- as others write it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "cases"),
    [
        ({"station": " cp-1\u200b", "connected": False}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": "false"}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": 0}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": False, "at": "2999-01-01T00:00:00Z"}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": False, "at": "1970-01-01T00:00:00Z"}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": False, "reason": "a\u0000b\n" + "x" * 9_000}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": False, "connection": "y" * 9_000}, ["UNAVAILABLE"]),
        ({"station": "CP-1", "connected": True}, []),
        ({"station": "CP-1", "connected": None}, []),
        ({"station": "CP-1"}, []),
        ({"connected": False}, []),
        ({"station": "x" * 9_000, "connected": False}, []),
    ],
)
def test_reports_in_other_spellings(api: ApiClient, item: dict[str, Any], cases: list[str]) -> None:
    (point,) = station(points=1)
    answer = api.post("/charging/connections", [item])
    assert answer.status_code == 202, answer.content
    assert open_cases(point) == cases
    body = answer.json()
    assert body["accepted"] + len(body["rejected"]) == 1
