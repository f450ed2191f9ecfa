"""Personal data, tried end to end: what erasing looks into, a report on a person, exports, what goes by itself."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from core import tasks
from core.declared import declared
from core.erasure import MARK, erase_everywhere
from core.lifecycle import Kept, While, With
from core.models import Job, KnownValue
from core.retention import prune_old
from infra_notifications.models import ChargePoint
from outbox.models import Event, WebhookEndpoint
from tests.conftest import ApiClient, client_of
from tests.core.test_declared import ADDRESS, NAME, PHONE, _fill_people
from tests.factories.console import UserFactory, make_key
from tests.factories.everything import one_of_everything
from tests.factories.infra_notifications import ChargePointFactory
from tests.factories.vehicles import DriverFactory, VehicleFactory
from tests.outbox.hooks import endpoint_at
from vehicles.models import ChargingLocation, Driver, PlatformMessage, Vehicle, VehicleSource

pytestmark = pytest.mark.django_db


def erase(address: str = ADDRESS, asked_by: Any = None) -> dict[str, int]:
    found = erase_everywhere(address=address, now=timezone.now(), told=lambda done, total: None, asked_by=asked_by)
    return {one.what: one.number for one in found}


# ---- erasing ------------------------------------------------------------------------------------------------------


def test_bodies_are_looked_into_and_stay_what_they_are() -> None:
    source = VehicleSource.objects.create(slug="s", platform="enode", secret="s" * 20)
    body = b'\xff{"user": "' + ADDRESS.upper().encode() + '", "ü"}'.encode()
    kept = [
        PlatformMessage.objects.create(source=source, body=each, received_at=timezone.now()) for each in (body, b"\xfe")
    ]
    erase()
    assert [bytes(PlatformMessage.objects.get(pk=one.pk).body) for one in kept] == [
        b'\xff{"user": "' + MARK.encode() + '", "ü"}'.encode(),
        b"\xfe",
    ]


def test_an_address_with_other_letters_is_found_in_bodies_too() -> None:
    source = VehicleSource.objects.create(slug="s", platform="enode", secret="s" * 20)
    message = PlatformMessage.objects.create(
        source=source, body="an ännä@müster.example!".encode(), received_at=timezone.now()
    )
    erase("ännä@müster.example")
    message.refresh_from_db()
    assert message.text == f"an {MARK}!"


def test_what_is_encrypted_is_looked_into_too() -> None:
    endpoint_at(f"https://hooks.example.com/{ADDRESS}", headers={"X-For": f"of {ADDRESS}", "X-Key": "stays"})
    erase()
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.headers == {"X-For": f"of {MARK}", "X-Key": "stays"}
    assert endpoint.url == f"https://hooks.example.com/{MARK}"


def test_sessions_that_hold_it_and_those_of_its_user_end() -> None:
    others, users = Client(), client_of(UserFactory(email=ADDRESS.title()))
    stays = client_of(UserFactory(email="other@mail.example"))
    session = others.session
    session["typed"] = f"to {ADDRESS}"
    session.save()
    assert erase()["sessions that were ended"] == 2
    left = [each.get_decoded().get("_auth_user_id") for each in Session.objects.all()]
    assert left == [stays.session["_auth_user_id"]]
    assert users.get("/").status_code == 302


def test_the_job_that_erases_holds_the_address_until_it_ends() -> None:
    asked, other = (Job.objects.create(kind="k", label="l", payload=ADDRESS.encode()) for _ in range(2))
    erase(asked_by=asked)
    payloads = {job.pk: bytes(job.payload) for job in Job.objects.all()}
    assert payloads == {asked.pk: ADDRESS.encode(), other.pk: MARK.encode()}


# ---- a report on a person -------------------------------------------------------------------------------------------

ASKED = {"address": ADDRESS.upper(), "reason": "Asked for it by letter"}


def report_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    made: dict[str, Any] = json.loads(b"".join(answer.streaming_content))
    return made


@pytest.fixture
def person() -> None:
    _fill_people(one_of_everything(UserFactory(username="somebody")))


@pytest.mark.usefixtures("person")
def test_report_tells_of_a_person_and_all_that_belongs_to_them(administrator: Client) -> None:
    report = report_of(administrator.post("/outbox/report/", ASKED))
    people = {one["type"]: one for one in report["people"]}
    assert set(people) == {"vehicles.driver", "bikeshare.cyclist"}
    driver, cyclist = people["vehicles.driver"], people["bikeshare.cyclist"]
    assert (driver["data"]["name"], cyclist["data"]["phone_number"]) == (NAME, PHONE)
    assert {"vehicles.vehicle", "vehicles.charginglocation", "vehicles.drivernotification"} <= set(driver["belongings"])
    assert {"bikeshare.trip", "bikeshare.pass", "bikeshare.subscription"} <= set(cyclist["belongings"])
    (car,) = driver["belongings"]["vehicles.vehicle"]
    assert "vehicles.chargingsession" in car["belongings"] or "vehicles.oemservice" in car["belongings"]
    assert {row["address"] for row in report["named_in"]["outbox.delivery"]} == {ADDRESS}
    text = json.dumps(report)
    assert "pin_hash" not in text
    assert "gAAAA" not in text


@pytest.mark.usefixtures("person")
def test_report_is_audited_by_who_and_why_but_not_on_whom(administrator: Client, api: ApiClient) -> None:
    report_of(administrator.post("/outbox/report/", ASKED))
    report_of(api.post("/outbox/reports", ASKED))
    page, key = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk")
    assert str(page.actor_id) == administrator.session["_auth_user_id"]
    assert key.additional_data["api_key"]
    for entry in (page, key):
        assert entry.changes == {"report on a person": ["", ASKED["reason"]]}
        assert ADDRESS not in json.dumps(entry.changes).lower()
    assert "report on a person" in administrator.get("/audit/?q=action:read").text


def test_report_on_nobody_is_one_too(api: ApiClient) -> None:
    report = report_of(api.post("/outbox/reports", ASKED | {"address": "nobody@mail.example"}))
    assert (report["people"], report["named_in"]) == ([], {})


@pytest.mark.parametrize("role", ["viewer", "operator", "nobody"])
def test_others_get_no_report(role: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    assert client.post("/outbox/report/", ASKED).status_code == 403
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


@pytest.mark.parametrize(("change", "status"), [({"address": "x"}, 422), ({"reason": ""}, 422), ({"more": 1}, 422)])
def test_a_report_wants_an_address_and_a_reason(api: ApiClient, change: dict[str, Any], status: int) -> None:
    assert api.post("/outbox/reports", ASKED | change).status_code == status
    assert ApiClient(make_key("outbox:write")[1]).post("/outbox/reports", ASKED).status_code == 403


# ---- exports --------------------------------------------------------------------------------------------------------


def file_of(client: Client, path: str) -> list[dict[str, str]]:
    answer: Any = client.get(path)
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))


@pytest.mark.usefixtures("person")
def test_taking_people_home_is_audited_without_what_was_looked_for(operator: Client, viewer: Client) -> None:
    assert file_of(viewer, "/bikeshare/cyclists/?as=csv")[0]["E-mail"] == "***"
    file_of(operator, "/vehicles/cars/?as=csv")
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()
    assert file_of(operator, f"/bikeshare/cyclists/?as=csv&q={ADDRESS}")[0]["E-mail"] == ADDRESS
    (entry,) = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
    assert str(entry.actor_id) == operator.session["_auth_user_id"]
    assert entry.changes["export of personal data"] == ["", "cyclists (some rows): name, email, phone_number"]


# ---- what goes by itself --------------------------------------------------------------------------------------------

# What is kept as long as somebody wants it, or is no more than a few rows. Everything else goes by age, or with what
# it belongs to.
_STAYING = """
    auth: User Group Permission
    contenttypes: ContentType
    django_celery_beat: PeriodicTask PeriodicTasks IntervalSchedule CrontabSchedule SolarSchedule ClockedSchedule
    console: ApiKey FacetCensus FacetCount KnownValue
    outbox: Address ListenerStamp LogMark TopicList WebhookEndpoint
    infra_notifications: ChargePoint DirectoryChange EventRule MovedStation NotificationGroup OcpiParty OcppRoute Source
    fleet_remotes: Callback CommandSchedule Fleet FleetVehicle
    vehicles: AddedLanguage Brake Campaign Feed NotificationText ProgramLook TypeSetting VehicleSource
    bikeshare: Bike Cyclist Dock FeedSource LockBox Pass Program Registration Station Subscription Zone
"""
STAYING = {
    f"{app}.{name}"
    for app, names in (line.strip().split(": ") for line in _STAYING.strip().splitlines())
    for name in names.split()
}


def test_every_table_is_kept_for_a_time_or_goes_with_what_it_belongs_to() -> None:
    lives = {model: life.kept for model, life in declared()}
    assert {model._meta.label for model, kept in lives.items() if isinstance(kept, While)} == STAYING
    for model, kept in lives.items():
        while isinstance(kept, With):
            model = model._meta.get_field(kept.owner).related_model  # type: ignore[assignment]
            kept = lives[model]
        assert isinstance(kept, Kept | While), model


def test_what_is_old_and_over_is_gone_from_every_table() -> None:
    """Thirty years later, with everything ended: of what is kept for a time nothing is left but the end of the log, to
    whose place the next event's is added."""
    world = one_of_everything(UserFactory())
    later = timezone.now() + timedelta(days=11_000)
    _end_everything()
    for _ in range(4):  # what is needed by something else goes after it
        prune_old(now=later)
    left = {
        model._meta.label for model, life in declared() if isinstance(life.kept, Kept) and model._base_manager.exists()
    }
    assert world.objects
    assert (left, Event.objects.count()) == ({"outbox.Event"}, 1)


def _end_everything() -> None:
    """Ends what is open in each table, by the columns by which its condition asks."""
    past = timezone.now()
    with connection.cursor() as cursor:
        for model, life in declared():
            if isinstance(life.kept, Kept):
                for field in model._meta.concrete_fields:
                    if field.null and field.name in _ENDS:
                        model._base_manager.filter(**{f"{field.name}__isnull": True}).update(**{field.name: past})
        for statement in _ENDED:
            cursor.execute(statement.replace("now()", "%s"), [past] * statement.count("now()"))


_ENDED = (
    "UPDATE outbox_delivery SET state = 'delivered', next_attempt_at = NULL, settled_at = now()",
    "UPDATE outbox_banner SET state = 'dismissed', ended_at = now()",
    "UPDATE bikeshare_trip SET status = 'completed', end_at = now()",
    "UPDATE fleet_remotes_remoteaction SET state = 'succeeded', entered_at = now()",
    """UPDATE vehicles_driver SET removed = true, reports = '{"removed": [["2020-01-01T00:00:00Z", true]]}'""",
    "UPDATE vehicles_chargingsession SET withdrawn = true, ended_at = now()",
    "UPDATE vehicles_referral SET settled_for_referrer = true, settled_for_invitee = true",
    *(f"UPDATE vehicles_{table} SET settled = true" for table in ("payout", "reimbursement", "coststatement")),
    "UPDATE vehicles_drivernotification SET subject = 'session:1', ended_at = now()",
    "UPDATE infra_notifications_stationconnection SET connected = false",
    "UPDATE outbox_topicdecision SET state = 'told'",
)
_ENDS = {"finished_at", "ended_at", "closed_at", "closed_received_at", "applied_at", "end_at", "ends_at"}


def test_drivers_who_were_removed_go_with_what_was_theirs_and_customers_stay() -> None:
    gone, stays = DriverFactory(removed=True), DriverFactory()
    cars = {driver: VehicleFactory(driver=driver) for driver in (gone, stays)}
    places = {
        driver: ChargingLocation.objects.create(external_id=f"L{driver.pk}", driver=driver, address="Rue A 1")
        for driver in (gone, stays)
    }
    gone.reports = {"removed": [[(timezone.now() - timedelta(days=89)).isoformat(), True]]}
    gone.save()
    prune_old(now=timezone.now())
    assert Driver.objects.count() == 2
    prune_old(now=timezone.now() + timedelta(days=2))
    assert [*Driver.objects.all(), *Vehicle.objects.all()] == [stays, cars[stays]]
    assert list(ChargingLocation.objects.all()) == [places[stays]]


def test_sessions_that_expired_go_after_a_day(viewer: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(hours=25))
    prune_old(now=timezone.now())
    assert not Session.objects.exists()


def test_values_that_no_row_holds_any_more_are_forgotten() -> None:
    points = [ChargePointFactory(city=city) for city in ("Köln", "Annaberg")]
    ChargePoint.objects.filter(pk=points[1].pk).update(city="Köln")
    assert set(_cities()) == {"Annaberg", "Köln"}
    tasks.clear_known_values()
    assert _cities() == ["Köln"]


def _cities() -> list[str]:
    column = "infra_notifications_chargepoint.city"
    return list(KnownValue.objects.filter(column=column).order_by("value").values_list("value", flat=True))
