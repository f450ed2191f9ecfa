"""Every model says how long it is kept, what of it is personal and whether it is audited; and what follows is so."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, connection, transaction
from django.db.models import BinaryField, ForeignKey, JSONField
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string

from bikeshare.models import Cyclist, Pass, Subscription, Trip
from core.background import run_job
from core.declared import declared, hidden
from core.erasure import MARK, texts_of
from core.lifecycle import How, Kept, Lifecycle, While, With
from core.models import Job
from outbox.choices import DeliveryState
from outbox.models import Banner, Delivery, Event, WebhookEndpoint
from outbox.services import erasing
from tests.conftest import ApiClient
from tests.factories.console import UserFactory
from tests.factories.everything import World, one_of_everything
from vehicles.models import ChargingLocation, Driver, DriverNotification, Fact

ROOT = Path(settings.BASE_DIR)
LIFECYCLES = dict(declared())
ADDRESS, NAME, PHONE = "anna.muster@mail.example", "Anna Musterfrau", "+33 6 98 76 54 32"
# Names of columns that hold what belongs to a person.
PERSONAL = re.compile(r"(^|_)(e?mail|phone|contact|author|requested_by|address|kyc)", re.IGNORECASE)
NOT_OF_A_PERSON = {
    "bikeshare.Station.address",  # where it stands
    "outbox.TopicDecision.mail_id",
    "bikeshare.Cyclist.phone_confirmed_at",
    "vehicles.Vehicle.last_contact_at",
    "axes.AccessAttempt.ip_address",
    "axes.AccessLog.ip_address",
    "axes.AccessFailureLog.ip_address",
}


def test_every_model_says_something_of_itself() -> None:
    assert {model._meta.label for model in apps.get_models() if model not in LIFECYCLES} == {"admin.LogEntry"} - {
        model._meta.label for model in LIFECYCLES
    }


def test_what_is_declared_can_be_done() -> None:
    described = (ROOT / "docs" / "administrators.md").read_text()
    for model, life in LIFECYCLES.items():
        for personal in life.personal:
            model._meta.get_field(personal.field)
        for path in filter(None, (life.erased_by, getattr(life.kept, "prune", ""))):
            assert callable(import_string(path)), model
        if isinstance(life.kept, With):
            owner = model._meta.get_field(life.kept.owner)
            assert isinstance(owner, ForeignKey), model
            assert owner.related_model in LIFECYCLES, model
        elif isinstance(life.kept, While):
            assert life.kept.reason.endswith("."), model
        else:
            assert isinstance(getattr(settings, life.kept.setting), int), model
            assert life.kept.setting in described, model
            assert life.kept.by or life.kept.prune, model


def test_columns_of_people_are_declared() -> None:
    silent = {
        f"{model._meta.label}.{field.name}"
        for model, life in LIFECYCLES.items()
        for field in model._meta.concrete_fields
        if PERSONAL.search(field.name) and not field.is_relation and field.name not in {p.field for p in life.personal}
    }
    assert silent == NOT_OF_A_PERSON


def test_audit_log_follows_what_is_declared() -> None:
    assert [m for m, life in LIFECYCLES.items() if auditlog.contains(m) != (life.audited is not None)] == []


# ---- erasing, over all tables ---------------------------------------------------------------------------------------


def everything() -> str:
    """All texts of all tables, as one."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [row[0] for row in cursor.fetchall()]
    whole = "\n".join(found).lower()
    # Bodies stand in it as hexadecimal numbers.
    return whole + "\n".join(bytes.fromhex(body).decode(errors="replace") for body in _BODY.findall(whole)).lower()


_BODY = re.compile(r"\\x((?:[0-9a-f]{2})+)")


def _filled(field: Any, text: str) -> Any:
    """A value of a column that holds a text."""
    if isinstance(field, ArrayField):
        return [text]
    if isinstance(field, BinaryField):
        return f"\xfc {text}".encode("latin-1")
    if isinstance(field, JSONField):
        return {"deep": [{"in": f"it says {text}, twice: {text}"}], text: 1}
    return text if field.max_length is None else text[: field.max_length]


def _fill_all(world: World) -> list[str]:
    """Writes the address into every text of every kind of thing; returns where that was."""
    done = []
    for model, life in LIFECYCLES.items():
        kept = {personal.field for personal in life.personal if personal.how == How.KEEP}
        whole = {personal.field for personal in life.personal if personal.how != How.MASK} | {"audience", "subject"}
        row = model._base_manager.order_by("pk").first()
        if row is None or model in (ContentType, Permission):
            continue
        for field in texts_of(model):
            room = field.max_length or 500
            if field.name in kept or room < len(ADDRESS) + 4 or (model, field.name) in _NOT_WRITTEN:
                continue
            text = ADDRESS if field.name in whole or room < 60 else f"of <{ADDRESS.upper()}>."
            with suppress(IntegrityError), transaction.atomic():  # a few columns exclude one another
                model._base_manager.filter(pk=row.pk).update(**{field.name: _filled(field, text)})
                done.append(f"{model._meta.label}.{field.name}")
    return done


# Texts that the database or what is under test reads as something else.
_NOT_WRITTEN = {(Job, "kind"), (Driver, "external_id"), (Event, "kind"), (Event, "thread"), (Driver, "reports")}


def _fill_people(world: World) -> None:
    """People whose address it is, named wherever something is kept of them."""
    now, driver, cyclist = timezone.now(), world[Driver], world[Cyclist]
    at = "2026-01-01T00:00:00.000000Z"
    reports = {"name": [[at, NAME]], "email": [[at, ADDRESS]], "program": [[at, "x"]]}
    Driver.objects.filter(pk=driver.pk).update(email=ADDRESS.title(), name=NAME, reports=reports)
    DriverNotification.objects.filter(driver=driver).update(
        title=f"Hello {NAME}!", body=f"{NAME}’s car", facts={"name": NAME}
    )
    subject = f"driver:{driver.external_id}"
    Fact.objects.filter(subject=subject).update(data={"name": NAME, "email": ADDRESS})
    ChargingLocation.objects.filter(driver=driver).update(
        name=f"Home of {NAME}", address="Musterweg 1", latitude=48.1, reports={"address": [[at, "Musterweg 1"]]}
    )
    home = ChargingLocation.objects.get(driver=driver).external_id
    Fact.objects.create(
        type="location",
        subject=f"location:{home}",
        data={"address": "Musterweg 1"},
        occurred_at=now,
        received_at=now,
        digest=b"home",
    )
    Cyclist.objects.filter(pk=cyclist.pk).update(
        name=NAME,
        email=ADDRESS,
        phone_number=PHONE,
        kyc_documents=[f"passport of {NAME}"],
        status_updated_reason=f"{NAME} ({PHONE}) called",
    )
    Subscription.objects.filter(cyclist=cyclist).update(declined_reason=f"{NAME} is too young")
    LogEntry.objects.log_create(
        Cyclist.objects.get(pk=cyclist.pk), action=1, changes={"name": ["", NAME]}, object_repr=NAME
    )
    for number, (about, payload) in enumerate(
        ((subject, {"driver": {"name": NAME}, "body": f"Dear {NAME},"}), (cyclist.pk, {"reason": f"{NAME} {PHONE}"}))
    ):
        event = Event.objects.create(
            kind="test", subject=about, dedup_key=f"people:{number}", payload=payload, occurred_at=now, created_at=now
        )
        Delivery.objects.create(
            event=event,
            channel="email",
            address=ADDRESS,
            destination="email:mail.example",
            created_at=now,
            state=DeliveryState.PENDING,
            next_attempt_at=now,
        )


def test_erased_person_is_nowhere_in_the_database(db: None) -> None:
    world = one_of_everything(UserFactory(username="somebody"))
    filled = _fill_all(world)
    _fill_people(world)
    assert len(filled) > 150, len(filled)
    held = everything()
    for text in (ADDRESS, NAME, PHONE, "Musterweg 1"):
        assert text.lower() in held
    job = erasing.start(address=ADDRESS, reason="Asked for it by letter", by=UserFactory())
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.result
    left = everything()
    assert {text for text in (ADDRESS, NAME, PHONE, "Musterweg 1") if text.lower() in left} == set()
    assert MARK in left
    lines = {line["what"]: line["number"] for line in job.result["lines"]}
    assert (lines["drivers whose address it was"], lines["cyclists whose address it was"]) == (1, 1)


def test_erased_driver_keeps_the_rest_and_is_mailed_no_more(administrator: Client) -> None:
    world = one_of_everything(UserFactory())
    _fill_people(world)
    administrator.post("/outbox/erase/", {"address": ADDRESS, "again": ADDRESS, "reason": "r"})
    run_job(job_id=Job.objects.get(kind="erase_address").pk)
    driver = Driver.objects.get(pk=world[Driver].pk)
    assert (driver.name, driver.email, list(driver.reports)) == ("", "", ["program"])
    assert set(Delivery.objects.filter(address=MARK).values_list("state", "reason")) >= {("cancelled", "erased")}
    cyclist = Cyclist.objects.get(pk=world[Cyclist].pk)
    assert (cyclist.name, cyclist.email, cyclist.phone_number) == ("", "", "")
    assert Trip.objects.filter(cyclist=cyclist).exists()
    assert Pass.objects.filter(user=cyclist).exists()
    told = Event.objects.filter(kind="cyclist.updated", subject=cyclist.pk).get()
    assert set(told.payload["personal_attributes_changed"]) == {"name", "email", "phone_number", "kyc_documents"}


def test_namesake_keeps_the_name(administrator: Client) -> None:
    world = one_of_everything(UserFactory())
    _fill_people(world)
    other = Driver.objects.create(external_id="other", name=NAME, email=f"x{ADDRESS}")
    administrator.post("/outbox/erase/", {"address": ADDRESS, "again": ADDRESS, "reason": "r"})
    run_job(job_id=Job.objects.get(kind="erase_address").pk)
    other.refresh_from_db()
    assert (other.name, other.email) == (NAME, f"x{ADDRESS}")


# ---- secrets --------------------------------------------------------------------------------------------------------

SECRETS = {"topsecret-header", "key-in-the-url", "Str0ng-pass-phrase!"}


def test_audit_log_holds_no_secret(api: ApiClient, administrator: Client) -> None:
    made = api.post(
        "/webhooks",
        {
            "url": "https://hooks.example.com/in?token=key-in-the-url",
            "topics": ["*"],
            "headers": {"X-Key": "topsecret-header"},
        },
    )
    assert made.status_code == 201, made.text
    endpoint = WebhookEndpoint.objects.get()
    rotated = api.post(f"/webhooks/{endpoint.pk}/secret", {})
    secrets = {*SECRETS, *re.findall(r"whsec_[\w+/=]+", made.text + rotated.text)}
    user = UserFactory()
    user.set_password("Str0ng-pass-phrase!")
    user.save()
    secrets |= {user.password, user.password[len(user.password) // 2 :]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM auditlog_logentry t")
        log = cursor.fetchone()[0]
    assert {secret for secret in secrets if secret in log} == set()
    assert "https://hooks.example.com/***" in log
    assert "hooks.example.com/in" not in log
    assert LogEntry.objects.get_for_object(user).filter(changes__has_key="password").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", ""), ("secret", "***"), ("https://x.de/a?key=1", "https://x.de/***"), ("http://x", "http://x/")],
)
def test_hidden_value_shows_nothing(value: str, shown: str) -> None:
    assert hidden(value) == shown


def test_binary_columns_are_few_and_known() -> None:
    """Bodies and uploads are looked into as texts are; numbers and digests hold nothing to be found."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in LIFECYCLES
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField)
    }
    assert found == {
        "console.Job.payload",
        "console.Undo.payload",
        "fleet_remotes.CallbackMessage.body",
        "vehicles.Fact.digest",
        "vehicles.PlatformMessage.body",
    }


def test_banners_are_kept_with_their_events() -> None:
    life: Lifecycle = LIFECYCLES[Banner]
    assert life.kept == With("delivery")
    assert isinstance(LIFECYCLES[Event].kept, Kept)
