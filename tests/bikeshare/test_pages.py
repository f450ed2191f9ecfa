"""The pages of bike-share: lists, one resource, a trip, operators' actions, map, topics, tile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bikeshare.choices import BikeStatus, CyclistStatus, SubscriptionStatus, TripStatus
from bikeshare.event_kinds import TOPICS
from bikeshare.models import Bike, Cyclist, Subscription, Trip
from bikeshare.views.actions import ACTIONS
from bikeshare.views.drawing import WIDTH, draw_city
from bikeshare.views.lists import LISTS
from outbox.models import Event
from outbox.services.webhooks import EndpointInput, create_endpoint
from tests.bikeshare.kit import at, last, say, told
from tests.factories.bikeshare import (
    BikeFactory,
    CyclistFactory,
    DockFactory,
    LockBoxFactory,
    PassFactory,
    ProgramFactory,
    RegistrationFactory,
    StationFactory,
    SubscriptionFactory,
    TripFactory,
    ZoneFactory,
    ending_trip,
)

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('x')</script>"
# Asks for the list alone, without the frame around it.
PART = {"HX-Request": "true", "HX-Target": "list"}
FACTORIES: dict[str, Any] = {
    "abonnements": SubscriptionFactory,
    "boitiers": LockBoxFactory,
    "cyclists": CyclistFactory,
    "docks": DockFactory,
    "passes": PassFactory,
    "registrations": RegistrationFactory,
    "stations": StationFactory,
    "trips": TripFactory,
    "vehicules": BikeFactory,
    "zones": ZoneFactory,
}


def url(name: str, *args: Any) -> str:
    return reverse(f"bikeshare:{name}", args=args)


def html(response: Any) -> str:
    assert response.status_code == 200, response.content
    text: str = response.content.decode()
    assert "<script>alert" not in text
    return text


# ---- lists and pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plural", LISTS)
def test_every_list_finds_by_magic_search(viewer: Client, plural: str) -> None:
    here = FACTORIES[plural]()
    there = FACTORIES[plural](program=ProgramFactory(id="nemo", name="Némo", city="Nantes"))
    both = html(viewer.get(url(plural)))
    assert here.pk in both
    assert there.pk in both
    found = html(viewer.get(url(plural) + "?q=city:nantes"))
    assert there.pk in found
    assert here.pk not in found
    assert "There is no field" in html(viewer.get(url(plural) + "?q=colour:red"))


@pytest.mark.parametrize("plural", LISTS)
def test_every_facet_and_column_works(viewer: Client, plural: str) -> None:
    FACTORIES[plural]()
    page = LISTS[plural]
    for facet in page.search.facets:
        for example in (*facet.examples(), f"-{facet.name}:none"):
            assert viewer.get(url(plural), {"q": str(example)}, headers=PART).status_code == 200, example
    for column in page.columns:
        html(viewer.get(url(plural) + f"?sort=-{column.name}", headers=PART))


@pytest.mark.parametrize("plural", LISTS)
def test_every_resource_has_a_page(viewer: Client, plural: str) -> None:
    row = FACTORIES[plural]()
    assert row.pk in html(viewer.get(url(row.NAME, row.pk)))
    assert viewer.get(url(row.NAME, f"{row.pk}x")).status_code == 404


def test_what_people_typed_is_shown_and_never_run(operator: Client) -> None:
    cyclist = CyclistFactory(name=EVIL)
    station = StationFactory(name=EVIL, latitude=48.85)
    zone = ZoneFactory(name=EVIL)
    for path in (
        url("cyclists"),
        url("cyclist", cyclist.pk),
        url("station", station.pk),
        url("zone", zone.pk),
        url("map"),
    ):
        assert "&lt;script&gt;" in html(operator.get(path))


def test_a_deleted_resource_is_not_shown(viewer: Client) -> None:
    station = StationFactory(deleted_at=timezone.now())
    assert viewer.get(url("station", station.pk)).status_code == 404
    assert station.pk not in html(viewer.get(url("stations")))


def test_filters_stand_beside_magic_search(viewer: Client) -> None:
    low = BikeFactory(boitier__said={"battery": 5}, told={"battery_low": True})
    full = BikeFactory(boitier__said={"battery": 90})
    found = html(viewer.get(url("vehicules") + "?low=yes"))
    assert low.pk in found
    assert full.pk not in found


# ---- a trip ---------------------------------------------------------------------------------------------------------


def test_a_trip_shows_everything_that_happened_in_one_line_of_time(viewer: Client) -> None:
    trip, dock = TripFactory(), DockFactory()
    ZoneFactory(name="Parc", type="limited_traffic")
    ZoneFactory(name="Far away", geometry={"type": "MultiPolygon", "coordinates": [[[[5, 45], [6, 45], [6, 46]]]]})
    say(trip, "position", at(0), latitude=48.85, longitude=2.35)
    say(trip, "position", at(5), latitude=48.86, longitude=2.36)
    say(trip, "battery", at(6), value=7)
    say(trip, "pin", at(7), pin="9753")
    say(trip, "lock", at(60), state="locked", rfid=dock.rfid)
    page = html(viewer.get(url("trip", trip.pk)))
    for said in (
        "trip.marked",
        "trip.terminated",
        "vehicule.battery.low",
        "boitier.pin.incorrect",
        "value 7",
        "(not kept)",
    ):
        assert said in page
    newest_first = re.findall(r"<code>([a-z_.]+)</code>", page)
    assert newest_first == [
        "trip.terminated",
        "trip.updated",
        "trip.mark.updated",
        "trip.marked",
        "trip.updated",
        "boitier.locked",
        "boitier.pin.incorrect",
        "vehicule.battery.low",
    ]
    assert 'class="track"' in page
    assert "<title>Parc</title>" in page
    assert "Far away" not in page
    assert "not billed yet" in page
    assert "9753" not in page


# ---- operators' actions ---------------------------------------------------------------------------------------------


def post(client: Client, name: str, pk: str, **data: Any) -> str:
    """An action; the text of the page that it leads to."""
    response = client.post(url(name, pk), data, follow=True)
    return html(response)


def test_an_operator_closes_a_trip(operator: Client) -> None:
    trip = TripFactory()
    assert "Close the trip" in html(operator.get(url("trip", trip.pk)))
    assert "The trip is closed." in post(operator, "trip_close", trip.pk, reason="lost")
    trip.refresh_from_db()
    assert trip.status == TripStatus.COMPLETED
    assert trip.requests.get().reason == "lost"
    assert "The trip is not renting." in post(operator, "trip_close", trip.pk)


def test_an_operator_accepts_or_cancels_a_termination_request(operator: Client) -> None:
    first, second = (ending_trip(TripStatus.TERMINATION_REQUESTED) for _number in range(2))
    page = html(operator.get(url("trip", first.pk)))
    assert "Accept the end" in page
    assert "Cancel the request" in page
    assert "is accepted" in post(operator, "request_accept", first.pk)
    assert "the trip goes on" in post(operator, "request_cancel", second.pk, reason="moved on")
    assert sorted(Trip.objects.values_list("status", flat=True)) == ["completed", "renting"]
    assert "no open termination request" in post(operator, "request_accept", second.pk)


def test_an_operator_validates_or_declines_an_abonnement(operator: Client) -> None:
    first, second = (SubscriptionFactory(status=SubscriptionStatus.WAITING_VALIDATION) for _number in range(2))
    assert "Validate" in html(operator.get(url("abonnement", first.pk)))
    post(operator, "abonnement_validate", first.pk)
    assert "Say why." in post(operator, "abonnement_decline", second.pk)
    post(operator, "abonnement_decline", second.pk, reason="not readable")
    assert set(Subscription.objects.values_list("status", flat=True)) == {"active", "incomplete"}
    assert last("abonnement.validation_declined")["reason"] == "not readable"
    assert last("abonnement.validation_succeeded")["validator"].startswith("user:")
    assert "waits for validation can be" in post(operator, "abonnement_validate", first.pk)


def test_an_operator_blocks_and_unblocks_a_cyclist(operator: Client) -> None:
    cyclist = CyclistFactory()
    post(operator, "cyclist_block", cyclist.pk, reason="unpaid")
    assert Cyclist.objects.get().status == CyclistStatus.BLOCKED
    assert "unpaid" in html(operator.get(url("cyclist", cyclist.pk)))
    post(operator, "cyclist_unblock", cyclist.pk)
    assert Cyclist.objects.get().status == CyclistStatus.ACTIVE


def test_an_operator_sets_a_vehicle_to_maintenance_and_back(operator: Client) -> None:
    vehicule = BikeFactory()
    post(operator, "vehicule_maintenance", vehicule.pk, reason="flat tyre")
    assert Bike.objects.get().status == BikeStatus.MAINTENANCE
    assert last("vehicule.updated")["object"]["status_reason"] == "flat tyre"
    post(operator, "vehicule_ready", vehicule.pk)
    assert Bike.objects.get().status == BikeStatus.READY
    entry = LogEntry.objects.filter(object_pk=vehicule.pk).earliest("id")
    assert entry.actor is not None
    assert entry.changes_dict["status"] == ["ready", "maintenance"]


def test_a_destroyed_vehicle_stays_so(operator: Client) -> None:
    vehicule = BikeFactory(status=BikeStatus.DESTROYED)
    assert "is destroyed and cannot become maintenance" in post(operator, "vehicule_maintenance", vehicule.pk)
    assert told() == []


@pytest.mark.parametrize("name", [action.name for action in ACTIONS])
def test_a_viewer_may_only_look_and_an_operator_act(viewer: Client, operator: Client, name: str) -> None:
    assert viewer.post(url(name, "x"), {"reason": "y"}).status_code == 403
    assert operator.post(url(name, "x"), {"reason": "y"}).status_code == 404


def test_a_viewer_sends_no_sample(viewer: Client) -> None:
    assert viewer.post(url("topic_sample"), {"topic": "trip.created"}).status_code == 403
    assert told() == []


def test_actions_on_nothing_are_404(operator: Client) -> None:
    assert operator.post(url("trip_close", "trip_x")).status_code == 404
    assert operator.get(url("trip_close", "trip_x")).status_code == 405


def test_buttons_are_shown_to_those_who_may_use_them(viewer: Client) -> None:
    assert "Close the trip" not in html(viewer.get(url("trip", TripFactory().pk)))


# ---- map ------------------------------------------------------------------------------------------------------------


def test_the_map_draws_stations_vehicles_and_zones_of_one_program(viewer: Client) -> None:
    said = {"latitude": 48.85, "longitude": 2.35}
    StationFactory(name="Quai 12")
    ZoneFactory(name="Parc 3")
    riding = TripFactory(vehicule=BikeFactory(number="0417", boitier__said=said)).vehicule
    BikeFactory(number="0999", program__id="nemo", boitier__said=said)
    page = html(viewer.get(url("map") + "?program=lutece"))
    assert page.count('<svg class="city-map"') == 1
    for shown in (
        "Quai 12",
        "Parc 3",
        "0417",
        "vehicule-rented",
        "zone-forbidden",
        reverse("bikeshare:vehicule", args=[riding.pk]),
    ):
        assert shown in page
    assert "0999" not in page
    assert "1 vehicles, 1 stations, 1 zones" in page
    assert "http" not in page[page.index('<svg class="city-map"') : page.index("</svg>", page.index("city-map"))]


def test_the_map_is_narrowed_by_magic_search(viewer: Client) -> None:
    said = {"latitude": 48.85, "longitude": 2.35, "battery": 90}
    BikeFactory(number="0417", boitier__said=said)
    BikeFactory(number="0418", boitier__said=said | {"battery": 9})
    page = html(viewer.get(url("map"), {"q": "battery:<20"}))
    assert "0418" in page
    assert "0417" not in page
    assert "There is no field" in html(viewer.get(url("map"), {"q": "colour:red"}))


def test_an_empty_map_says_what_to_do(viewer: Client) -> None:
    assert "No programs yet" in html(viewer.get(url("map")))
    ProgramFactory()
    assert "Nothing to draw" in html(viewer.get(url("map")))


def test_a_drawing_keeps_north_up_and_is_true_in_scale() -> None:
    south, north = StationFactory(latitude=48.80, longitude=2.30), StationFactory(latitude=48.90, longitude=2.30)
    east = StationFactory(latitude=48.80, longitude=2.30 + 0.1)
    drawing = draw_city([], [south, north, east], [])
    points = [tuple(map(float, shape.path[1:-2].split())) for shape in drawing.stations]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x0 == x1
    assert y1 < y0
    assert y2 == y0
    assert (x2 - x0) / (y0 - y1) == pytest.approx(0.6587, abs=0.01)  # the cosine of the latitude
    assert min(x0, y1) >= 0
    assert max(x2, y0) <= max(WIDTH, drawing.height)


# ---- topics ---------------------------------------------------------------------------------------------------------


def test_the_topics_page_shows_all_with_their_last_event(viewer: Client) -> None:
    say(BikeFactory(), "battery", value=5)
    page = html(viewer.get(url("topics")))
    for topic in TOPICS:
        assert f"<code>{topic.key}</code>" in page
    assert f"{len(TOPICS)} topics" in page
    assert reverse("outbox:event", args=[Event.objects.get().pk]) in page
    assert "Send sample" not in page
    assert "6 topics" in html(viewer.get(url("topics") + "?q=trip."))
    assert "Nothing matches" in html(viewer.get(url("topics") + "?q=zzz"))


def an_endpoint(*topics: str, enabled: bool = True, **more: Any) -> None:
    wanted = EndpointInput("https://hooks.example.org/in", topics, **more)
    create_endpoint(details=wanted, now=timezone.now(), enabled=enabled)


def test_the_topics_page_names_endpoints_with_their_condition_and_state(viewer: Client) -> None:
    an_endpoint("trip.*", description="Billing", condition="city:paris")
    an_endpoint("*", description="Archive", enabled=False)
    for number in range(3):
        an_endpoint("trip.mark.updated", description=f"Workshop {number}")
    rows = {row.partition('"')[0]: row for row in html(viewer.get(url("topics"))).split('<tr id="')[1:]}
    assert len(rows) == len(TOPICS)
    assert all(">Archive</a>" in row and "Paused" in row for row in rows.values())
    assert {key for key, row in rows.items() if ">Billing</a>" in row} == {k for k in rows if k.startswith("trip.")}
    assert "<code>city:paris</code>" in rows["trip.created"]
    assert "and 2 more" in rows["trip.mark.updated"]


def test_who_may_not_see_endpoints_does_not_see_them_here(nobody: Client) -> None:
    an_endpoint("*", description="Billing")
    User.objects.get().user_permissions.add(Permission.objects.get(codename="view_program"))
    assert "Billing" not in html(nobody.get(url("topics")))


def test_a_sample_is_published_and_marked(operator: Client) -> None:
    response = operator.post(url("topic_sample"), {"topic": "trip.marked"}, follow=True)
    assert "A sample of trip.marked was published." in html(response)
    (event,) = told("trip.marked")
    assert event.payload["sample"] is True
    assert event.subject == "sample"
    operator.post(url("topic_sample"), {"topic": "trip.marked"})
    assert len(told("trip.marked")) == 2
    assert operator.post(url("topic_sample"), {"topic": "trip.nothing"}).status_code == 404


def test_statements_of_the_topics_page_are_few(viewer: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        html(viewer.get(url("topics")))
    assert len(captured) <= 8


# ---- dashboard and menu ---------------------------------------------------------------------------------------------


def test_the_dashboard_shows_the_fleet(viewer: Client) -> None:
    TripFactory()
    ending_trip()
    BikeFactory(told={"battery_low": True})
    page = html(viewer.get(reverse("console:dashboard")))
    tile = page[page.index('id="tile-bikeshare"') :]
    numbers = [part.split("<")[0] for part in tile.split('big-number">')[1:5]]
    assert numbers == ["2", "1", "3", "1"]


def test_the_menu_leads_to_bike_share(viewer: Client, nobody: Client) -> None:
    assert url("map") in html(viewer.get(reverse("console:dashboard")))
    assert url("map") not in html(nobody.get(reverse("console:dashboard")))
