"""Sources in trouble: one alert each time, and the silence of what they feed is held back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from core.ingest import Submission
from core.metrics import exposition
from core.models import ApiKey
from infra_notifications.choices import NotificationReason
from infra_notifications.models import ChargePoint, Incident, NotificationDecision, Source, UnknownChargePoint
from infra_notifications.rules.connections import LinkReport
from infra_notifications.services.adoption import adopt_stations, stations_of
from infra_notifications.services.connections import take_connections
from infra_notifications.services.source_watch import pause_source, sweep_sources
from outbox.models import Delivery, Event
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    MINUTE,
    NOW,
    alerts,
    decisions,
    fault,
    heartbeat,
    listed,
    message,
    open_cases,
    station,
    sweep,
    take,
)
from tests.infra_notifications.pages import rows_of, text_of, url
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("db")
ADMINISTRATORS = ["admin@example.org", "root@example.org"]
KEY, OTHER = 1, 2
STATIONS = 8
HELD = ("opened", "waiting", "source_silent")


@pytest.fixture(autouse=True)
def _administrators(settings: Any) -> None:
    settings.ADMIN_EMAILS = ADMINISTRATORS


def stations(count: int = STATIONS) -> list[ChargePoint]:
    """Stations of one charge point each, of which a group is told at once."""
    points = [station(f"CP-{number}", 1, expected_interval_s=900)[0] for number in range(count)]
    NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": 0})
    return points


def forward(
    points: list[ChargePoint], *, until: datetime, since: datetime = NOW, every: float = 20, key: int = KEY
) -> datetime:
    """A forwarder passes heartbeats on for a time, and the sweep runs; returns when it did so last."""
    now = since
    while now < until:
        take(*(heartbeat(point.station) for point in points), now=now, key=key)
        sweep(now)
        now += timedelta(seconds=every)
    return now - timedelta(seconds=every)


def listen(since: datetime, until: datetime, every: float = 60) -> None:
    """The sweep goes on while nothing comes, after five minutes once in a minute: what was due is overdue by then."""
    now = since
    while now <= until:
        sweep(now)
        now += timedelta(seconds=every if now < since + 5 * MINUTE else 60)


def told(kind: str = "source.silent") -> list[Event]:
    return list(Event.objects.filter(kind=kind).order_by("id"))


def troubles() -> list[str]:
    return list(Source.objects.order_by("pk").values_list("trouble", flat=True))


# ---- silence --------------------------------------------------------------------------------------------------------


def test_forwarder_that_is_killed_is_one_alert_and_no_station_is_told() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    listen(last, last + 30 * MINUTE)
    (event,) = told()
    assert (event.payload["stations"], event.payload["charge_points"]) == (STATIONS, STATIONS)
    assert sorted(Delivery.objects.filter(event=event).values_list("address", flat=True)) == ADMINISTRATORS
    assert not Incident.objects.exists()
    assert alerts() == []


def test_silence_is_told_when_the_pace_explains_it_no_more() -> None:
    last = forward(stations(), until=NOW + 5 * MINUTE)
    listen(last, last + 2 * MINUTE)
    sweep(last + timedelta(seconds=179))
    assert told() == []
    sweep(last + timedelta(seconds=180))
    assert len(told()) == 1


def test_slow_forwarder_has_three_times_its_longest_gap() -> None:
    points = stations()
    ChargePoint.objects.update(expected_interval_s=86_400)
    last = forward(points, until=NOW + 70 * MINUTE, every=600)
    listen(last, last + 29 * MINUTE)
    assert told() == []
    listen(last + 29 * MINUTE, last + 30 * MINUTE)
    assert len(told()) == 1


def test_source_of_unknown_pace_is_silent_when_all_its_stations_are() -> None:
    """It was killed after its first batch; that all eight stations broke at once is the worse explanation."""
    points = stations()
    take(*(heartbeat(point.station) for point in points))
    listen(NOW, NOW + 14 * MINUTE)
    assert told() == []
    listen(NOW + 14 * MINUTE, NOW + HOUR)
    assert len(told()) == 1
    assert not Incident.objects.exists()


@pytest.mark.parametrize("count", [1, 2])
def test_source_of_few_stations_is_left_to_their_own_silence(count: int) -> None:
    points = stations(count)
    last = forward(points, until=NOW + 5 * MINUTE)
    listen(last, last + 30 * MINUTE)
    assert told() == []
    assert sorted(listed(alerts()[0])) == sorted(point.evse_id for point in points)


def test_one_station_that_falls_silent_is_told_while_its_source_speaks() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    forward(points[1:], since=last, until=last + 30 * MINUTE, every=60)
    assert told() == []
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]


def test_fault_that_a_charger_reported_itself_is_told_although_its_source_is_silent() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    take(message(points[0], fault()), now=last)
    listen(last, last + 30 * MINUTE)
    assert len(told()) == 1
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]


def test_alert_comes_again_for_the_next_silence_only() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    for _ in range(3):
        listen(last, last + 20 * MINUTE)
        last = forward(points, since=last + 20 * MINUTE, until=last + 25 * MINUTE)
    assert (len(told()), len(told("source.recovered"))) == (3, 3)


def test_sweep_after_a_pause_of_its_own_does_not_blame_the_sources() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    back = last + 10 * MINUTE
    sweep_sources(now=back)
    forward(points, since=back + MINUTE, until=back + 10 * MINUTE)
    assert told() == []


def test_silence_that_goes_on_after_a_pause_of_the_sweep_is_told() -> None:
    last = forward(stations(), until=NOW + 5 * MINUTE)
    listen(last + 10 * MINUTE, last + 13 * MINUTE)
    assert len(told()) == 1


def quick_stations(count: int = STATIONS) -> list[ChargePoint]:
    """Stations that speak every minute, of which a group is told as soon as one does not."""
    points = stations(count)
    ChargePoint.objects.update(expected_interval_s=60)
    return points


@pytest.mark.parametrize("beats", [1, 4, 20])
def test_stations_that_speak_every_minute_are_one_alert_too(beats: int) -> None:
    """They are overdue together long before their source is: after its first batch, and when its pace is known."""
    points = quick_stations()
    last = forward(points, until=NOW + beats * 20 * timedelta(seconds=1))
    listen(last, last + 20 * MINUTE, every=5)
    assert len(told()) == 1
    assert not Incident.objects.exists()


def test_stations_that_speak_in_turn_are_one_alert_too() -> None:
    """The first is overdue when the source was not heard for a few seconds."""
    points, now = quick_stations(), NOW
    for beat in range(10 * STATIONS):
        now = NOW + timedelta(seconds=7 * beat)
        take(heartbeat(points[beat % STATIONS].station), now=now)
        sweep(now)
    listen(now, now + 20 * MINUTE, every=3)
    assert (len(told()), alerts()) == (1, [])


def test_source_that_hesitates_delays_what_is_told_of_one_station_by_seconds() -> None:
    points = quick_stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    last = forward(points[1:], since=last, until=last + 50 * timedelta(seconds=1))
    listen(last, last + 50 * timedelta(seconds=1), every=5)
    assert open_cases(points[0]) == []
    forward(points[1:], since=last + MINUTE, until=last + 2 * MINUTE, every=5)
    assert told() == []
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]
    assert alerts()[0].created_at <= last + 90 * timedelta(seconds=1)


def test_quick_stations_that_come_back_are_not_told() -> None:
    points = quick_stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    listen(last, last + 2 * MINUTE, every=5)
    forward(points, since=last + 2 * MINUTE, until=last + 10 * MINUTE)
    assert (told(), alerts(), open_cases(points[0])) == ([], [], [])


def test_quick_station_whose_other_source_speaks_is_told() -> None:
    points = quick_stations()
    last = both(points, NOW + 5 * MINUTE)
    forward(points[1:], since=last, until=last + 3 * MINUTE, key=KEY)
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]


# ---- a forwarder that starts anew again and again -------------------------------------------------------------------


def crash(points: list[ChargePoint], last: datetime, stop: timedelta, beats: list[int], every: float = 4) -> datetime:
    """It is away for a time, then passes on so many heartbeats of single stations; returns when the last came."""
    listen(last, last + stop - timedelta(seconds=1), every=15)
    now = last + stop
    for beat in beats:
        take(heartbeat(points[beat].station), now=now)
        sweep(now)
        now += timedelta(seconds=every)
    return now - timedelta(seconds=every)


@pytest.mark.parametrize(
    ("stop_s", "beats", "lives"), [(63, [0], 4), (120, [0, 1], 3), (179, [2, 2], 2), (330, [0], 2)]
)
def test_crash_loop_is_no_silence_of_its_stations(stop_s: int, beats: list[int], lives: int) -> None:
    points = quick_stations(5)
    last = forward(points, until=NOW + MINUTE, every=4)
    for _ in range(lives):
        last = crash(points, last, timedelta(seconds=stop_s), beats)
    listen(last, last + 5 * MINUTE, every=15)
    assert alerts() == []
    assert len(told()) == 1 + lives * (stop_s >= 180)
    usual = Source.objects.get().usual_gap_s
    assert usual is not None
    assert usual < 5


def test_crash_loop_hides_no_station_that_is_broken() -> None:
    """When the sender is well again, whoever does not speak in the time that it needs is told; and so is who never
    speaks while the sender is heard for a while between two crashes."""
    points = quick_stations(5)
    last = forward(points, until=NOW + MINUTE, every=4)
    for _ in range(3):
        last = crash(points, last, timedelta(seconds=100), [0])
    forward(points[1:], since=last, until=last + timedelta(seconds=50), every=4)
    assert alerts() == []
    forward(points[2:], since=last + timedelta(seconds=50), until=last + 2 * MINUTE, every=4)
    assert {evse_id for mail in alerts() for evse_id in listed(mail)} >= {points[0].evse_id}


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_station_whose_second_source_is_well_is_told_while_the_first_crashes(key: int) -> None:
    points = quick_stations(5)
    last = forward(points, until=NOW + MINUTE, every=4, key=OTHER)
    last = forward(points, since=last, until=last + MINUTE, every=4)
    now = last
    while now < last + 4 * MINUTE:
        take(*(heartbeat(point.station) for point in points[1:]), now=now, key=OTHER)
        if (now - last).seconds % 120 == 0 and key == KEY:
            take(heartbeat(points[1].station), now=now)
        sweep(now)
        now += timedelta(seconds=4)
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]


# ---- when it speaks again -------------------------------------------------------------------------------------------


def test_what_speaks_again_is_dropped_and_what_stays_silent_is_told() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    listen(last, last + 30 * MINUTE)
    back = last + 31 * MINUTE
    forward(points[1:], since=back, until=back + 14 * MINUTE)
    assert not Incident.objects.exists()
    forward(points[1:], since=back + 14 * MINUTE, until=back + 17 * MINUTE)
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]
    assert len(told("source.recovered")) == 1


def test_station_that_was_due_just_after_the_outage_has_time_to_speak() -> None:
    """Its message was lost while the source was silent; its own silence became an alert only afterwards."""
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    listen(last, last + 10 * MINUTE)
    back = last + 10 * MINUTE
    forward(points[1:], since=back, until=back + 8 * MINUTE)
    assert open_cases(points[0]) == []
    forward(points, since=back + 8 * MINUTE, until=back + 20 * MINUTE)
    assert alerts() == []


def test_with_a_delay_of_the_group_what_waited_on_it_is_held_back_too() -> None:
    points = stations()
    group = NotificationGroupFactory(members=points, hold_off_s={"UNAVAILABLE": 1_200})
    last = forward(points, until=NOW + 5 * MINUTE)
    last = forward(points[1:], since=last, until=last + 16 * MINUTE)
    assert open_cases(points[0]) == ["UNAVAILABLE"]
    listen(last, last + 30 * MINUTE)
    assert decisions(group=group) == [HELD]


# ---- several sources ------------------------------------------------------------------------------------------------


def both(points: list[ChargePoint], until: datetime) -> datetime:
    now = NOW
    while now < until:
        take(*(heartbeat(point.station) for point in points), now=now, key=KEY)
        take(*(heartbeat(point.station) for point in points), now=now + timedelta(seconds=5), key=OTHER)
        sweep(now)
        now += timedelta(seconds=20)
    return now - timedelta(seconds=20)


def test_points_fed_by_two_sources_are_alive_while_either_speaks() -> None:
    points = stations()
    last = both(points, NOW + 12 * MINUTE)
    forward(points, since=last, until=last + 30 * MINUTE, every=60, key=KEY)
    assert [event.subject for event in told()] == [f"source:{OTHER}"]
    assert alerts() == []
    assert open_cases(points[0]) == []


def test_station_is_told_when_the_other_of_its_two_sources_speaks() -> None:
    points = stations()
    last = both(points, NOW + 12 * MINUTE)
    forward(points[1:], since=last, until=last + 30 * MINUTE, every=60, key=KEY)
    assert [listed(mail) for mail in alerts()] == [[points[0].evse_id]]


def test_changed_key_is_a_new_source_that_takes_the_stations_over() -> None:
    points = stations()
    last = forward(points, until=NOW + 5 * MINUTE)
    forward(points, since=last, until=last + 30 * MINUTE, every=60, key=OTHER)
    assert (told(), troubles()) == ([], ["", ""])


@pytest.mark.parametrize("ending", ["revoked_at", "expires_at"])
def test_key_that_can_send_nothing_any_more_is_not_missed(ending: str) -> None:
    key, _plain = make_key(name="CSMS")
    last = forward(stations(), until=NOW + 5 * MINUTE, key=key.pk)
    ApiKey.objects.update(**{ending: last})
    listen(last, last + 10 * MINUTE)
    assert told() == []


def test_stations_of_a_key_that_was_revoked_are_told() -> None:
    key, _plain = make_key(name="CSMS")
    last = forward(stations(), until=NOW + 5 * MINUTE, key=key.pk)
    listen(last, last + 20 * MINUTE)
    ApiKey.objects.update(revoked_at=last + 20 * MINUTE)
    listen(last + 20 * MINUTE, last + 40 * MINUTE)
    (over,) = told("source.recovered")
    assert over.payload["is_revoked"]
    assert len(alerts()) == 1


# ---- everything rejected --------------------------------------------------------------------------------------------


def test_source_whose_items_are_all_rejected_is_one_alert() -> None:
    now = NOW
    while now < NOW + 10 * MINUTE:
        take(heartbeat("NO-1"), now=now)
        sweep(now)
        now += MINUTE
    (event,) = told("source.rejected")
    assert event.payload["sentences"][0].startswith("Unknown station NO-1.")
    station("CP-1")
    take(heartbeat("CP-1"), heartbeat("NO-1"), now=now)
    sweep(now)
    assert (len(told("source.recovered")), troubles()) == (1, [""])


def test_some_rejected_items_are_no_trouble() -> None:
    station("CP-1")
    for minute in range(10):
        take(heartbeat("NO-1"), heartbeat("CP-1"), now=NOW + minute * MINUTE)
        sweep(NOW + minute * MINUTE)
    assert troubles() == [""]


def test_two_bad_items_are_no_trouble() -> None:
    take(heartbeat("NO-1"), heartbeat("NO-1"))
    listen(NOW, NOW + HOUR)
    assert troubles() == [""]


def test_unknown_stations_alone_are_no_trouble_of_a_source_that_was_accepted() -> None:
    station("CP-1")
    take(heartbeat("CP-1"), now=NOW)
    for minute in range(1, 10):
        take(heartbeat("NO-1"), now=NOW + minute * MINUTE)
        sweep(NOW + minute * MINUTE)
    assert troubles() == [""]
    for minute in range(10, 20):
        take(message("CP-1", {}, action="Nonsense"), now=NOW + minute * MINUTE)
        sweep(NOW + minute * MINUTE)
    assert troubles() == ["rejected"]


def test_adoption_ends_the_trouble_and_the_source_feeds_the_stations() -> None:
    for minute in range(10):
        take(*(heartbeat(f"NO-{n}") for n in range(3)), now=NOW + minute * MINUTE)
        sweep(NOW + minute * MINUTE)
    assert troubles() == ["rejected"]
    done = adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), now=NOW + 10 * MINUTE)
    assert len(done.evse_ids) == 3
    sweep(NOW + 10 * MINUTE)
    assert (len(told("source.recovered")), troubles()) == (1, [""])
    source = Source.objects.get()
    assert source.fed == ["NO-0", "NO-1", "NO-2"]
    assert ChargePoint.objects.filter(state__source=source).count() == 3


def test_rejections_of_a_key_that_was_revoked_end_without_a_word() -> None:
    key, _plain = make_key(name="CSMS")
    for minute in range(10):
        take(heartbeat("NO-1"), now=NOW + minute * MINUTE, key=key.pk)
        sweep(NOW + minute * MINUTE)
    ApiKey.objects.update(revoked_at=NOW + 10 * MINUTE)
    sweep(NOW + 11 * MINUTE)
    assert (troubles(), told("source.recovered")) == ([""], [])


# ---- nothing lost, nothing twice ------------------------------------------------------------------------------------


def silent_source() -> datetime:
    """A source that is silent, which nobody looked at yet; returns when it is looked at."""
    points = stations(3)
    for beat in range(10):
        take(*(heartbeat(point.station) for point in points), now=NOW + beat * MINUTE)
    Source.objects.update(checked_at=NOW + 20 * MINUTE, listening_since=NOW)
    return NOW + 20 * MINUTE


@pytest.mark.usefixtures("committed")
def test_sweeps_that_meet_alert_once() -> None:
    now = silent_source()
    at_once([lambda: sweep_sources(now=now)] * 4)
    assert (len(told()), troubles()) == (1, ["silent"])
    take(heartbeat("CP-0"), now=now + MINUTE)
    at_once([lambda: sweep_sources(now=now + MINUTE)] * 4)
    assert (len(told("source.recovered")), troubles()) == (1, [""])


def _swept_and_killed(now: datetime) -> None:
    with transaction.atomic():
        sweep_sources(now=now)
        raise RuntimeError("killed")


def test_sweep_that_dies_in_between_loses_nothing() -> None:
    now = silent_source()
    with pytest.raises(RuntimeError, match="killed"):
        _swept_and_killed(now)
    assert (told(), troubles()) == ([], [""])
    sweep_sources(now=now)
    assert (len(told()), troubles()) == (1, ["silent"])


# ---- paused ---------------------------------------------------------------------------------------------------------


def test_paused_source_alerts_nobody_and_still_holds_its_stations_back() -> None:
    last = forward(stations(), until=NOW + 5 * MINUTE)
    pause_source(source=Source.objects.get(), paused=True, now=last)
    listen(last, last + 30 * MINUTE)
    assert (told(), alerts()) == ([], [])
    assert not Incident.objects.exists()


def test_source_that_is_silent_when_its_pause_ends_is_told_then() -> None:
    last = forward(stations(), until=NOW + 5 * MINUTE)
    pause_source(source=Source.objects.get(), paused=True, now=last)
    listen(last, last + 30 * MINUTE)
    pause_source(source=Source.objects.get(), paused=False, now=last + 30 * MINUTE)
    assert len(told()) == 1
    listen(last + 31 * MINUTE, last + HOUR)
    assert (len(told()), alerts()) == (1, [])


# ---- where it is seen -----------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Source:
    last = forward(stations(3), until=NOW + 5 * MINUTE)
    listen(last, last + 30 * MINUTE)
    return Source.objects.get()


def test_list_page_and_api_say_that_it_is_silent(silent: Source, viewer: Client, api: ApiClient) -> None:
    (row,) = rows_of(viewer.get(url("sources") + "?q=state:silent"))
    assert "Silent" in row
    assert rows_of(viewer.get(url("sources") + "?q=state:heard")) == []
    assert viewer.get(url("source", silent.pk)).status_code == 200
    (item,) = api.get("/charging/sources?q=state:silent").json()["items"]
    assert (item["id"], item["kind"], item["state"]) == (silent.pk, "key", "silent")
    assert (item["accepted"], item["rejected"], item["warnings"]) == (silent.accepted, 0, 0)


def test_incident_and_charge_point_say_why_nobody_was_told(viewer: Client) -> None:
    points = stations(3)
    last = forward(points, until=NOW + 5 * MINUTE)
    closed = LinkReport(station=points[0].station, connected=False, at=iso(last + timedelta(seconds=1)))
    take_connections(submissions=[Submission(KEY, [(0, closed)])], now=last + timedelta(seconds=1))
    listen(last, last + timedelta(seconds=30), every=10)
    (silent,) = Source.objects.all()
    reason = str(NotificationReason.SOURCE_SILENT.label)
    incident = NotificationDecision.objects.all()[0].incident
    assert reason in text_of(viewer.get(url("incident", incident.pk)))
    page = text_of(viewer.get(url("charge_point", incident.charge_point_id)))
    assert reason in page
    assert str(silent) in page


def test_dashboard_doctor_health_and_metrics_name_it(
    silent: Source, viewer: Client, client: Client, capsys: Any
) -> None:
    assert str(silent) in text_of(viewer.get("/"))
    with pytest.raises((SystemExit, CommandError)):
        call_command("doctor")
    assert f"{silent}: Silent" in capsys.readouterr().out
    health = client.get("/healthz/full")
    assert health.status_code == 503
    assert health.json()["checks"]["sources"]["ok"] is False
    assert f'signalbox_source_trouble{{source="{silent} ({silent.pk})"}} 1.0'.encode() in exposition()


def test_health_is_for_those_who_may_see_it(client: Client, viewer: Client, administrator: Client) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/healthz/full", **elsewhere).status_code == 403  # type: ignore[arg-type]
    assert viewer.get("/healthz/full", **elsewhere).status_code == 403  # type: ignore[arg-type]
    assert administrator.get("/healthz/full", **elsewhere).status_code == 503  # type: ignore[arg-type]


def test_pausing_is_for_administrators(silent: Source, operator: Client, administrator: Client) -> None:
    assert operator.post(url("source_pause", silent.pk), {"paused": "yes"}).status_code == 403
    administrator.post(url("source_pause", silent.pk), {"paused": "yes"})
    assert Source.objects.get().paused
    administrator.post(url("source_pause", silent.pk), {"paused": "no"})
    assert not Source.objects.get().paused
