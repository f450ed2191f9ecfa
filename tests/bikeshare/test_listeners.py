"""Who hears of it: from a device's message to the mail of a list that asked for it, and all topics by webhook."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from bikeshare.event_kinds import TOPICS
from bikeshare.models import Bike, Cyclist
from outbox.dispatcher import Dispatcher, deliver_due
from outbox.models import Attempt, Delivery, Event, TopicDecision, TopicList
from outbox.services.topic_lists.lists import create_list
from outbox.services.topic_lists.notifying import notify_due
from outbox.services.webhooks import EndpointInput, create_endpoint
from outbox.transports.webhook.transport import WebhookTransport
from tests.bikeshare.kit import MINUTE, say, told
from tests.bikeshare.test_topics import CAUSES
from tests.conftest import ApiClient
from tests.factories.bikeshare import BikeFactory, ProgramFactory
from tests.mailserver import MailServer
from tests.outbox.hooks import LOOPBACK
from tests.outbox.receiver import Receiver

ADDRESS = "atelier@example.org"


def make_list(operator: Client, topic: str, condition: str = "") -> TopicList:
    """A mailing list as an operator makes it in the console."""
    form = {
        "name": f"Atelier {topic}",
        "description": "",
        "enabled": "on",
        "topics": [topic],
        "domain": "bikeshare",
        "condition": condition,
        "gather_s": "60",
        "language": "en",
        "emails": [ADDRESS],
    }
    response = operator.post(reverse("outbox:topic_list_create"), form)
    assert response.status_code == 302, response.content.decode()
    return TopicList.objects.get(name=form["name"])


def fleet() -> tuple[list[Bike], Bike]:
    """Three vehicles in Paris and one in Nantes."""
    nantes = ProgramFactory(id="nemo", name="Némo", city="Nantes")
    return [BikeFactory(number=f"P-{n}") for n in range(3)], BikeFactory(number="N-1", program=nantes)


def report(api: ApiClient, *values: tuple[Bike, float], at: datetime) -> None:
    """What boxes say of their batteries, as they send it."""
    batch = [
        {"boitier": one.boitier.number, "type": "battery", "at": at.isoformat(), "value": value}
        for one, value in values
        if one.boitier is not None
    ]
    answer = api.post("/bikeshare/telemetry", batch)
    assert answer.json() == {"accepted": len(batch), "duplicates": 0, "rejected": [], "warnings": []}


def deliver() -> None:
    """What the worker does on a nudge, and what beat has it do later."""
    notify_due(now=timezone.now())
    deliver_due()


def a_minute_passes() -> None:
    """For what is gathered, without waiting for it."""
    TopicList.objects.update(gathering_until=F("gathering_until") - MINUTE)
    TopicDecision.objects.filter(state="waiting").update(due_at=F("due_at") - MINUTE)


def test_a_low_battery_in_paris_is_mailed_and_one_elsewhere_is_not(
    committed: None, operator: Client, api: ApiClient, smtp: MailServer
) -> None:
    topic_list = make_list(operator, "vehicule.battery.low", "city:paris")
    (first, *_others), elsewhere = fleet()
    report(api, (first, 64), (elsewhere, 64), at=timezone.now())
    report(api, (first, 19), (elsewhere, 12), at=timezone.now())
    deliver()

    (mail,) = smtp.mails
    assert mail.recipients == (ADDRESS,)
    assert "P-0" in mail.text
    assert "N-1" not in mail.text
    assert "Value: 19" in mail.text
    assert "Previous: 64" in mail.text
    # Both events are in the log; of each it is written down what the list made of it.
    ours, other = told("vehicule.battery.low")
    assert (ours.payload["city"], other.payload["city"]) == ("Paris", "Nantes")
    notices = {one.event_id: (one.state, one.reason) for one in TopicDecision.objects.filter(topic_list=topic_list)}
    assert notices == {ours.pk: ("told", ""), other.pk: ("skipped", "condition")}
    # The proof: the delivery, and the attempt with the server's own answer.
    delivery = Delivery.objects.get(list_key=topic_list.list_key)
    assert (delivery.address, delivery.state) == (ADDRESS, "delivered")
    assert Attempt.objects.get(delivery_id=delivery.pk).answer.startswith("250")
    assert mail.message["Subject"] == "Battery low: P-0, Paris"


def test_what_follows_within_a_minute_is_gathered(
    committed: None, operator: Client, api: ApiClient, smtp: MailServer
) -> None:
    make_list(operator, "vehicule.battery.low", "city:paris")
    (first, second, third), elsewhere = fleet()
    report(api, (first, 19), at=timezone.now())
    deliver()
    report(api, (second, 18), (elsewhere, 3), at=timezone.now())
    report(api, (third, 17), at=timezone.now())
    deliver()
    assert len(smtp.mails) == 1

    a_minute_passes()
    deliver()
    one, more = smtp.mails
    assert all(number in more.text for number in ("P-1", "P-2"))
    assert not any(number in more.text for number in ("P-0", "N-1"))
    assert more.message["References"] == one.message["Message-ID"]


def test_a_battery_that_stays_low_is_mailed_once(
    committed: None, operator: Client, api: ApiClient, smtp: MailServer
) -> None:
    make_list(operator, "vehicule.battery.low", "city:paris")
    (first, *_others), _elsewhere = fleet()
    start = timezone.now() - timedelta(seconds=10)
    for second, value in enumerate((20, 19, 18, 21, 5)):
        report(api, (first, value), at=start + timedelta(seconds=second))
    deliver()
    assert len(smtp.mails) == 1
    assert smtp.mails[0].text.count("Battery low") == 1
    assert "Value: 19" in smtp.mails[0].text


@pytest.mark.django_db
@pytest.mark.parametrize("key", [topic.key for topic in TOPICS])
def test_every_topic_can_be_mailed(key: str) -> None:
    topic_list = create_list(
        settings={"name": key, "topics": [key], "domain": "bikeshare", "condition": "city:paris"}, emails=[ADDRESS]
    )
    CAUSES[key]()
    (event,) = told(key)
    notice: Any = TopicDecision.objects.get(topic_list_id=topic_list.pk)
    assert (notice.event_id, notice.state) == (event.pk, "waiting")
    notify_due(now=event.created_at)
    mail = Event.objects.get(kind="topic_list.mail")
    assert mail.payload["items"][0]["kind"] == key
    assert [one.address for one in Delivery.objects.filter(event=mail)] == [ADDRESS]


@pytest.mark.django_db
@pytest.mark.parametrize("condition", ["city:paris", "program:lutece", "value:<10", "object.type:vae"])
def test_conditions_of_the_docs(condition: str) -> None:
    settings = {"name": "x", "topics": ["vehicule.battery.low"], "condition": condition, "gather_s": 0}
    topic_list = create_list(settings=settings, emails=[ADDRESS])
    elsewhere = ProgramFactory(id="nemo", name="Némo", city="Nantes")
    say(BikeFactory(type="vae"), "battery", value=9)
    say(BikeFactory(type="classic", program=elsewhere), "battery", value=19)
    notices = TopicDecision.objects.filter(topic_list_id=topic_list.pk).order_by("event_id")
    assert [one.reason for one in notices] == ["", "condition"]


@pytest.mark.django_db
def test_a_condition_that_no_bike_share_event_can_answer_is_refused(operator: Client) -> None:
    form = {
        "name": "x",
        "topics": ["vehicule.battery.low"],
        "condition": "town:paris",
        "gather_s": "60",
        "language": "en",
        "emails": [ADDRESS],
        "domain": "bikeshare",
    }
    response = operator.post(reverse("outbox:topic_list_create"), form)
    assert response.status_code == 422
    assert "have no field “town”" in response.content.decode()


def test_all_topics_reach_a_webhook_signed_and_in_the_form_of_the_reference(
    committed: None, settings: Settings
) -> None:
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)
    with Receiver() as receiver:
        _endpoint, secret = create_endpoint(details=EndpointInput(receiver.url, ["*"]), now=timezone.now())
        for cause in CAUSES.values():
            cause()
        asyncio.run(Dispatcher(lambda: (WebhookTransport(policy=LOOPBACK),)).run_until_idle())
        heard = [(one.verify(secret), one.event) for one in receiver.heard]
    assert {event["type"] for _verified, event in heard} == set(CAUSES)
    assert sorted(event["sequence"] for _verified, event in heard) == list(range(1, len(heard) + 1))
    assert len({event["id"] for _verified, event in heard}) == Delivery.objects.filter(state="delivered").count()
    for verified, event in heard:
        assert verified == event
        assert (event["domain"], event["program"], event["data"]["program"]) == ("bikeshare", "lutece", "lutece")
        assert event["version"] == event["data"]["object"]["version"]
        is_change = event["type"].endswith(".updated") and event["type"] != "boitier.chain_type.updated"
        assert ("previous_attributes" in event["data"]) is is_change


def test_only_an_endpoint_that_asks_for_it_is_told_who_the_cyclist_is(committed: None, settings: Settings) -> None:
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)
    topics = ["cyclist.updated", "trip.created", "trip.updated", "abonnement.created", "vehicule.battery.low"]
    with Receiver() as plain, Receiver() as asking:
        create_endpoint(details=EndpointInput(plain.url, topics), now=timezone.now())
        create_endpoint(details=EndpointInput(asking.url, topics, personal_data=True), now=timezone.now())
        for topic in topics:
            CAUSES[topic]()
        Cyclist.objects.update(name="Camille Durand", email="camille@rider.example", phone_number="+33600000001")
        gone = told("cyclist.updated")[0].payload["object"]["id"]
        Cyclist.everything.filter(pk=gone).update(deleted_at=timezone.now())
        asyncio.run(Dispatcher(lambda: (WebhookTransport(policy=LOOPBACK),)).run_until_idle())
        heard, others = [one.event for one in asking.heard], [one.event for one in plain.heard]
    assert {event["type"] for event in heard} == {event["type"] for event in others} == set(topics)
    assert not any("person" in event["data"] for event in others)
    known = {"name": "Camille Durand", "email": "camille@rider.example", "phone_number": "+33600000001"}
    for event in heard:
        told_of = event["data"]["object"]
        cyclist = told_of["id"] if told_of["object"] == "cyclist" else told_of.get("cyclist") or told_of.get("user")
        expected = {"id": cyclist, **known} if cyclist and cyclist != gone else None
        assert event["data"].get("person") == expected, event["type"]
    assert sum("person" in event["data"] for event in heard) >= 3
    # Nothing of it is kept.
    assert not [one for one in Event.objects.all() if "Camille" in str(one.payload)]
    assert not Attempt.objects.filter(answer__contains="Camille").exists()


@pytest.mark.django_db
def test_the_topics_page_names_who_listens(operator: Client, viewer: Client) -> None:
    topic_list = make_list(operator, "vehicule.battery.*", "city:paris")
    say(BikeFactory(), "battery", value=5)
    page = viewer.get(reverse("bikeshare:topics")).content.decode()
    rows = {row.partition('"')[0]: row for row in page.split('<tr id="')[1:]}
    link = f'<a href="{reverse("outbox:topic_list", args=[topic_list.pk])}">{topic_list.name}</a>'
    heard = {key for key, row in rows.items() if link in row}
    assert heard == {"vehicule.battery.low"}
    assert "<code>city:paris</code>" in rows["vehicule.battery.low"]
    assert "none yet" in rows["vehicule.battery_vae.low"]
