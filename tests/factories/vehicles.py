"""Drivers, their cars, and one of everything that facts tell of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone

from vehicles.choices import CampaignState, StepKind
from vehicles.models import (
    AddedLanguage,
    Brake,
    Campaign,
    CampaignRecipient,
    ChargingLocation,
    ChargingSession,
    CostStatement,
    Driver,
    DriverNotification,
    Fact,
    Feed,
    Mute,
    NotificationStep,
    NotificationText,
    OemAccount,
    OemService,
    Payout,
    PdlAgreement,
    PlatformMessage,
    ProgramLook,
    Referral,
    Reimbursement,
    TelemetrySample,
    TypeSetting,
    UtilityContract,
    Vehicle,
    VehicleSource,
)


class DriverFactory(factory.django.DjangoModelFactory[Driver]):
    class Meta:
        model = Driver

    external_id = factory.Sequence(lambda n: f"driver-{n}")
    name = factory.Sequence(lambda n: f"Driver {n}")
    email = factory.LazyAttribute(lambda o: f"{o.external_id}@drivers.example")


class VehicleFactory(factory.django.DjangoModelFactory[Vehicle]):
    class Meta:
        model = Vehicle

    external_id = factory.Sequence(lambda n: f"car-{n}")
    driver = factory.SubFactory(DriverFactory)
    brand = "Renault"
    model = "Zoe"


class NotificationFactory(factory.django.DjangoModelFactory[DriverNotification]):
    class Meta:
        model = DriverNotification

    driver = factory.SubFactory(DriverFactory)
    type = "InvalidCredentialsBanner"
    subject = factory.Sequence(lambda n: f"account:{n}")
    state = "open"
    severity = "critical"
    category = "connection"
    ways = factory.LazyFunction(lambda: ["banner"])
    title = "Connection lost"
    body = "Connect again."
    begins = factory.LazyFunction(timezone.now)
    created_at = factory.LazyFunction(timezone.now)
    told_at = factory.LazyFunction(timezone.now)
    times_told = 1


class CampaignFactory(factory.django.DjangoModelFactory[Campaign]):
    class Meta:
        model = Campaign

    name = factory.Sequence(lambda n: f"Campaign {n}")
    type = "ImportantUpdateAppv416Banner"
    min_app_version = "4.16"
    begins_at = factory.LazyFunction(timezone.now)
    state = CampaignState.DRAFT


def one_of_each(owner: User) -> list[Model]:
    """A driver to whom one of everything belongs, with names that must be escaped."""
    now = timezone.now()
    driver: Driver = DriverFactory(name="Anna <b> & 'co'", app_version="4.9", app_version_key=[4, 9])
    account = OemAccount.objects.create(external_id="account-w", driver=driver, brand="Renault", auth_state="ok")
    vehicle: Vehicle = VehicleFactory(driver=driver, account=account, capabilities=["geoLocation"], model="Zoe <i>")
    location = ChargingLocation.objects.create(external_id="home-w", driver=driver, name="Home", country="FR")
    note: Any = NotificationFactory(driver=driver, vehicle=vehicle)
    campaign: Any = CampaignFactory(created_by=owner)
    money: dict[str, Any] = {"driver": driver, "amount": 12, "currency": "EUR"}
    source = VehicleSource.objects.create(
        slug="walked", platform="enode", secret="x" * 32, notes={"<b>": {"n": 2, "at": now.isoformat()}}
    )
    return [
        driver,
        source,
        PlatformMessage.objects.create(source=source, body=b'[{"event": "<script>"}]', received_at=now, notes=["<i>"]),
        account,
        vehicle,
        location,
        note,
        campaign,
        OemService.objects.create(external_id="car-w/ZE_INTERACTIVE", vehicle=vehicle, code="ZE_INTERACTIVE"),
        UtilityContract.objects.create(external_id="contract-w", driver=driver, location=location, state="valid"),
        PdlAgreement.objects.create(external_id="home-w/1", location=location, version="1", state="offered"),
        ChargingSession.objects.create(
            external_id="session-w", vehicle=vehicle, location=location, managed=True, started_at=now
        ),
        TelemetrySample.objects.create(vehicle=vehicle, at=now, charge_state="charging"),
        Payout.objects.create(external_id="payout-w", **money),
        Reimbursement.objects.create(external_id="reimbursement-w", **money),
        CostStatement.objects.create(external_id="statement-w", **money),
        Referral.objects.create(external_id="referral-w", referrer=driver),
        CampaignRecipient.objects.create(campaign=campaign, driver=driver, added_at=now),
        Fact.objects.create(
            type="driver",
            subject=f"driver:{driver.external_id}",
            data={"name": "<script>"},
            occurred_at=now,
            received_at=now + timedelta(seconds=1),
            digest=b"walked",
        ),
        NotificationStep.objects.create(notification=note, at=now, kind=StepKind.NOTIFIED, detail="banner"),
        Mute.objects.create(driver=driver, type=note.type, until=now + timedelta(days=1), note="<b>", created_by="x"),
        Brake.objects.create(brake_key="renault|0", drivers=30, of=100, began_at=now),
        ProgramLook.objects.create(program="lyon", sender="L <a@lyon.example>", logo="<b>L", colour="#0f6363"),
        AddedLanguage.objects.create(code="es", fallback="fr", phrases={"hello": "Hola {name},"}),
        Feed.objects.create(key=0, heard_since=now, last_heard_at=now),
        TypeSetting.objects.get_or_create(type=note.type)[0],
        NotificationText.objects.create(type=note.type, language="de", title="Titel", body="Text"),
    ]
