"""Facts as senders send them, and short ways to look at what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction

from core.ingest import Intake, Submission
from outbox.models import Delivery, Event
from tests import clock
from vehicles.ingest import AnyFact, IncomingFact
from vehicles.models import Driver, DriverNotification, Feed, NotificationStep
from vehicles.services.campaigns import gather_audiences
from vehicles.services.evaluation import evaluate, sweep_due
from vehicles.services.intake import take_facts

NOW = clock.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = 1
DRIVER, CAR, ACCOUNT, HOME = "driver-7", "car-7", "account-7", "home-7"
EMAIL = "anna@example.org"
# The webhook of the backend that takes all pushes of these tests.
EVERYBODYS = "https://everybodys.example/"

_decode = msgspec.json.Decoder(AnyFact).decode
Json = dict[str, Any]


def at(**since: float) -> datetime:
    """NOW and this long after, e.g. at(hours=2)."""
    return NOW + timedelta(**since)


# ---- what senders say -----------------------------------------------------------------------------------------------


def fact(kind: str, moment: datetime | None = NOW, *, id: str | int | None = None, **fields: Any) -> Json:  # noqa: A002
    """A fact as JSON: what names a thing stands beside `data`, the rest in it."""
    links = (
        "driver",
        "vehicle",
        "account",
        "location",
        "contract",
        "session",
        "payout",
        "reimbursement",
        "statement",
        "referral",
    )
    inner = {"telemetry": ("location",), "charging_session": ("location",)}.get(kind, ())
    own = {name: value for name, value in fields.items() if name in links and name not in inner}
    data = {name: value for name, value in fields.items() if name not in own}
    found: Json = {"type": kind, **own, "data": data}
    if moment is not None:
        found["occurred_at"] = moment.isoformat()
    return found | ({"id": id} if id is not None else {})


def driver(moment: datetime | None = NOW, **data: Any) -> Json:
    return fact("driver", moment, driver=data.pop("driver", DRIVER), **data)


def account(moment: datetime = NOW, **data: Any) -> Json:
    return fact("oem_account", moment, account=ACCOUNT, **{"driver": DRIVER} | data)


def car(moment: datetime = NOW, **data: Any) -> Json:
    return fact("vehicle", moment, vehicle=CAR, **data)


def service(state: str, moment: datetime = NOW, **data: Any) -> Json:
    return fact("oem_service", moment, vehicle=CAR, state=state, **data)


def telemetry(moment: datetime = NOW, **data: Any) -> Json:
    return fact("telemetry", moment, vehicle=CAR, **data)


def contract(state: str, moment: datetime = NOW, **data: Any) -> Json:
    values = {"contract": "contract-7", "location": HOME, "driver": DRIVER, "supplier": "Greenchoice"} | data
    return fact("utility_contract", moment, state=state, **values)


def decoded(json: Json) -> IncomingFact:
    found: IncomingFact = _decode(msgspec.json.encode(json))
    return found


# ---- taking it in ---------------------------------------------------------------------------------------------------


def take(*facts: Json, now: datetime = NOW, key: int = KEY, alone: bool = False) -> Intake:
    """A batch of facts. Unless it is alone, its feed was heard until then, if only of other cars, and old facts in it
    are judged at once, as by the newer ones that follow."""
    if not alone:
        heard(now)
    items = [(number, decoded(one)) for number, one in enumerate(facts)]
    (intake,) = take_facts(submissions=[Submission(key, items)], now=now)
    if not alone:
        judge(now)
    return intake


def judge(now: datetime) -> None:
    """Nothing newer comes after old facts: they are judged."""
    if waiting := list(Driver.objects.filter(unsettled_since__isnull=False).values_list("pk", flat=True)):
        with transaction.atomic():
            evaluate(driver_ids=waiting, now=now)


def report_each(*facts: Json) -> None:
    """Each fact in a batch of its own, received when it occurred."""
    for one in facts:
        take(one, now=datetime.fromisoformat(one["occurred_at"]))


def heard(now: datetime) -> None:
    """Every feed goes on being heard, if only of other cars."""
    Feed.objects.filter(last_heard_at__lt=now).update(last_heard_at=now)


def sweep(now: datetime) -> int:
    """What the periodic task does, at a moment of our choice; returns how many drivers were due."""
    heard(now)
    gather_audiences(now=now)
    return sweep_due(now=now)


def people() -> None:
    """A driver with an e-mail address and a place to charge, a week ago."""
    take(
        driver(at(days=-7), email=EMAIL, name="Anna", language="en", country="FR", app_version="4.20"),
        fact("charging_location", at(days=-7), location=HOME, driver=DRIVER, name="Home", country="FR"),
        now=at(days=-7),
    )


def linked(brand: str, moment: datetime | None = None, **data: Any) -> Json:
    """A car of the driver's, linked by an account."""
    values = {"brand": brand, "model": "One", "account": ACCOUNT, "driver": DRIVER} | data
    return fact("vehicle", moment or at(days=-6), vehicle=CAR, **values)


# ---- looking at it --------------------------------------------------------------------------------------------------


def notes(name: str, **filters: Any) -> list[DriverNotification]:
    return list(DriverNotification.objects.filter(type=name, **filters).order_by("id"))


def states(name: str) -> list[str]:
    return [note.state for note in notes(name)]


def only(name: str) -> DriverNotification:
    (found,) = notes(name)
    return found


def shown(driver_key: str = DRIVER) -> set[str]:
    """The types that a driver sees."""
    rows = DriverNotification.objects.filter(driver__external_id=driver_key, state__in=("open", "read"))
    return set(rows.values_list("type", flat=True))


def held(driver_key: str = DRIVER) -> dict[str, str]:
    """The types that are held back, with the reason and the root cause."""
    rows = DriverNotification.objects.filter(driver__external_id=driver_key, state="suppressed")
    return {note.type: ":".join(filter(None, (note.reason, note.root))) for note in rows}


def steps(name: str) -> list[tuple[str, str]]:
    rows = NotificationStep.objects.filter(notification__type=name).order_by("id")
    return [(step.kind, step.reason) for step in rows]


def events(kind: str = "vehicle.notification.created", name: str = "") -> list[Event]:
    found = Event.objects.filter(kind=kind).order_by("id")
    return [event for event in found if not name or event.payload["type"] == name]


def deliveries(name: str) -> list[tuple[str, str, str]]:
    """Channel, address and state of what was sent for a type, beside the pushes to everybody's backend."""
    ids = [event.pk for event in events(name=name)]
    rows = Delivery.objects.filter(event_id__in=ids).exclude(address=EVERYBODYS).order_by("id")
    return [(row.channel, row.address, row.state) for row in rows]


def due() -> datetime | None:
    return Driver.objects.get(external_id=DRIVER).due_at
