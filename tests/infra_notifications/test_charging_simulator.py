"""The demo's stations and their CSMS: the same story again, messages as OCPP wants them, over real WebSockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import islice
from typing import Any

import pytest
from aiohttp import web
from django.core.management import CommandError, call_command
from django.utils import timezone
from ocpp.messages import Call as OcppCall
from ocpp.messages import validate_payload

from infra_notifications.choices import Case
from infra_notifications.demo import load
from infra_notifications.management.charging_simulator import Csms, Event, Station, Step, story
from infra_notifications.management.charging_simulator.dialects import DIALECTS, FAULTS, Knowledge
from infra_notifications.management.charging_simulator.site import ROUTE, TICKETS, simulated, stations
from infra_notifications.management.charging_simulator.station import session
from infra_notifications.management.charging_simulator.story import FAULTS as CHANCES
from infra_notifications.management.charging_simulator.story import SENSORS
from infra_notifications.management.commands.charging_simulator import point_route, point_tickets
from infra_notifications.models import ChargePoint, ChargePointState, Incident, MaintenanceWindow, OcppRoute
from infra_notifications.search import CHARGE_POINT_SEARCH
from outbox.choices import EndpointState
from outbox.models import Delivery, WebhookEndpoint
from outbox.models import Event as OutboxEvent
from outbox.subscriptions.kinds import ENDPOINT_MOVED
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import station as two_connectors
from tests.waiting import soon

SEED = 2026
VERSIONS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def knowledge() -> Knowledge:
    return Knowledge("ABB", "Terra 54", "5.12", "SN00001", "04A1B200000001")


# ---- the story ----------------------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_story() -> None:
    def of(seed: int) -> list[Step]:
        return list(islice(story(7, seed=seed), 500))

    assert of(SEED) == of(SEED)
    assert of(SEED) != of(SEED + 1)


def test_two_stations_have_stories_of_their_own() -> None:
    assert list(islice(story(7, seed=SEED), 50)) != list(islice(story(8, seed=SEED), 50))


def day_of(number: int) -> list[Step]:
    """The steps of a station's first day."""
    at, steps = 0.0, list[Step]()
    for step in story(number, seed=SEED):
        at += step.after_s
        if at > 86_400:
            return steps
        steps.append(step)
    raise AssertionError("a story has no end")


def test_a_day_at_all_stations_is_one_that_an_operator_would_believe() -> None:
    steps = [step for one in simulated() for step in day_of(one.number)]
    events = Counter(step.event for step in steps)
    assert 300 < events[Event.START] < 3_000
    assert events[Event.START] - events[Event.STOP] <= len(simulated())
    assert 15 < events[Event.FAULT] < 150
    assert 10 < events[Event.HANG_UP] + events[Event.LOSE] < 150
    assert {step.detail for step in steps if step.event == Event.FAULT} >= {"fuse", "ground", "lock"}


def test_everything_that_fails_recovers_and_who_is_cut_off_comes_back() -> None:
    for one in simulated():
        is_up, broken = False, set[tuple[int, str]]()
        for step in day_of(one.number):
            match step.event:
                case Event.CONNECT:
                    assert not is_up
                    is_up = True
                case Event.HANG_UP | Event.LOSE:
                    is_up = False
                case Event.FAULT:
                    broken.add((step.connector, step.detail))
                case Event.RECOVER:
                    broken.remove((step.connector, step.detail))
                case _:
                    assert is_up, step
        assert len(broken) <= 1


def test_something_happens_in_the_first_minutes() -> None:
    first = []
    for one in simulated():
        at = 0.0
        for step in islice(story(one.number, seed=SEED), 12):
            at += step.after_s
            if step.event in (Event.FAULT, Event.LOSE, Event.HANG_UP):
                first.append(at)
    assert sum(at < 300 for at in first) >= 5
    assert min(at for at in first if at > 10) < 60


def test_nothing_happens_at_the_station_with_which_the_readme_plays() -> None:
    assert {step.event for step in day_of(1)} == {Event.CONNECT, Event.BOOT, Event.STATUS}


# ---- what they say ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
@pytest.mark.parametrize("number", range(1, 41))
def test_messages_are_as_the_schemas_of_ocpp_want_them(protocol: str, number: int) -> None:
    known, said = knowledge(), list[OcppCall]()
    for step in islice(story(number, seed=SEED), 120):
        for action, payload in DIALECTS[protocol](step, known, NOW):
            if action == "StartTransaction":
                known.transactions[step.connector] = 7
            said.append(OcppCall("1", action, payload))

    async def validate() -> None:
        for call in said:
            await validate_payload(call, VERSIONS[protocol])

    asyncio.run(validate())
    assert {"BootNotification", "StatusNotification"} <= {call.action for call in said}


def test_every_fault_of_the_story_can_be_said() -> None:
    assert set(CHANCES) | set(SENSORS) == set(FAULTS)


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", VERSIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_heard_and_over_when_it_recovers(protocol: str, fault: str, api: ApiClient) -> None:
    two_connectors("TST-1")
    known = knowledge()

    def say(event: Event) -> None:
        for action, payload in DIALECTS[protocol](Step(0, event, 1, fault), known, timezone.now()):
            body = {"station": "TST-1", "protocol": protocol, "action": action, "payload": payload}
            answer = api.post("/charging/messages", body).json()
            assert (answer["accepted"], answer["warnings"]) == (1, [])

    say(Event.FAULT)
    opened = Incident.objects.get(closed_at=None)
    expected = {"fuse": Case.FUSE_TRIPPED, "ground": Case.FUSE_TRIPPED, "emergency": Case.FUSE_TRIPPED}
    expected |= {"tilt": Case.SENSORS, "door": Case.SENSORS}
    assert opened.case == expected.get(fault, Case.OTHER_FAULT)
    say(Event.RECOVER)
    assert not Incident.objects.filter(closed_at=None).exists()


# ---- over real sockets --------------------------------------------------------------------------------------------


async def served(csms: Csms) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(csms.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"ws://127.0.0.1:{port}/ocpp"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_station_lives_its_story_with_its_csms(protocol: str) -> None:
    async def play() -> Csms:
        csms = Csms(interval_s=300)
        runner, url = await served(csms)
        steps = iter(
            [
                Step(0, Event.CONNECT),
                Step(0, Event.BOOT),
                Step(0, Event.START, 1),
                Step(0, Event.METER, 1),
                Step(0, Event.STOP, 1),
                Step(0, Event.LOSE),
                Step(0.1, Event.CONNECT),
                Step(0, Event.STATUS, 1, "Available"),
                Step(60, Event.STATUS, 1, "Available"),
            ]
        )
        async with session() as shared:
            one = Station(shared, url, "CP 1/ä", protocol=protocol, knowledge=knowledge(), story=steps)
            task = asyncio.create_task(one.live())
            await soon(lambda: csms.calls.get("StatusNotification") == 1)
            assert csms.connected >= 1
            assert one.interval_s == 300
            task.cancel()
            await asyncio.wait([task])
            await soon(lambda: csms.connected == 0)
        await runner.cleanup()
        return csms

    calls = asyncio.run(play()).calls
    ended = {"StopTransaction": 1} if protocol == "ocpp1.6" else {"TransactionEvent": 3}
    assert calls.items() >= ({"BootNotification": 1, "StatusNotification": 1} | ended).items()


def test_a_station_comes_back_when_its_csms_was_away_and_tells_what_happened() -> None:
    async def play() -> dict[str, int]:
        csms = Csms(interval_s=1)
        runner, url = await served(csms)
        steps = iter(
            [Step(0, Event.CONNECT), Step(0, Event.BOOT), Step(2, Event.FAULT, 1, "lock"), Step(60, Event.CONNECT)]
        )
        async with session() as shared:
            one = Station(shared, url, "CP-1", protocol="ocpp1.6", knowledge=knowledge(), story=steps)
            task = asyncio.create_task(one.live())
            await soon(lambda: csms.calls.get("BootNotification") == 1)
            await runner.cleanup()
            await asyncio.sleep(0.3)
            again = web.AppRunner(csms.application(), access_log=None, shutdown_timeout=0.1)
            await again.setup()
            await web.TCPSite(again, "127.0.0.1", int(url.rpartition(":")[2].partition("/")[0])).start()
            await soon(lambda: csms.calls.get("StatusNotification") == 1 and csms.calls.get("Heartbeat", 0) >= 1)
            task.cancel()
            await asyncio.wait([task])
            await again.cleanup()
        return csms.calls

    assert asyncio.run(play())["BootNotification"] == 1


NO_CALLS = ["", "x", "[]", '[3,"1",{}]', '[4,"1","a","",{}]', "{}", "[2]", "null", pytest.param("[" * 5000, id="deep")]


@pytest.mark.parametrize("frame", NO_CALLS)
def test_the_csms_answers_nothing_to_what_is_no_call(frame: str) -> None:
    assert Csms().answer(frame) == ""


# ---- in the demo --------------------------------------------------------------------------------------------------


SEARCHES = ("status:faulted", "köln", "köln -group:any", "seen:>1d", "group:any", "connectivity:online", "tag:hub")


@pytest.mark.django_db
def test_the_searches_of_the_guides_find_something_in_the_demo() -> None:
    load(timezone.now())
    found = {text: ChargePoint.objects.filter(CHARGE_POINT_SEARCH.condition(text)).exists() for text in SEARCHES}
    assert found == dict.fromkeys(SEARCHES, True)


@pytest.mark.django_db
def test_nothing_of_the_demo_falls_silent_by_itself_where_nobody_lives() -> None:
    now = timezone.now()
    load(now)
    living = {one.identity for one in simulated()}
    others = ChargePointState.objects.exclude(charge_point__station__in=living)
    assert others.count() == 2 * (len(list(stations())) - len(living)) > 0
    for state in others:
        assert state.silent_at is None or state.silent_at > now + timedelta(days=100)
    assert not Delivery.objects.exists()
    assert MaintenanceWindow.objects.filter(reason="Closed for the winter", starts_at__lte=now).exists()


@pytest.mark.django_db
def test_the_demos_route_and_webhook_lead_to_the_simulator_and_keep_what_people_changed(settings: Any) -> None:
    load(timezone.now())
    settings.OCPP_UPSTREAM_NETWORKS = settings.OUTBOX_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    for port in (9101, 9102):
        point_route(f"ws://127.0.0.1:{port}/ocpp")
        point_tickets(f"http://127.0.0.1:{port}/tickets")
        assert OcppRoute.objects.get(slug=ROUTE).upstream == f"ws://127.0.0.1:{port}/ocpp"
        endpoint = WebhookEndpoint.objects.get(description=TICKETS)
        assert (endpoint.url, endpoint.state) == (f"http://127.0.0.1:{port}/tickets", EndpointState.ENABLED)
    assert not OutboxEvent.objects.filter(kind=ENDPOINT_MOVED).exists()
    endpoint.url, endpoint.state = "https://elsewhere.example/x", EndpointState.PAUSED
    endpoint.save()
    point_tickets("http://127.0.0.1:9103/tickets")
    assert WebhookEndpoint.objects.get().url == "https://elsewhere.example/x"
    OcppRoute.objects.all().delete()
    WebhookEndpoint.objects.all().delete()
    point_route("ws://127.0.0.1:9103/ocpp")
    point_tickets("http://127.0.0.1:9103/tickets")
    assert OcppRoute.objects.count() == 1


def test_only_the_demo_is_pointed_at_a_simulator(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="demo alone"):
        call_command("charging_simulator", "--database")
