"""The 38 notifications, each by its own facts: brought about, nearly, ended, and delivered on its channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from outbox.models import Delivery
from tests.outbox.hooks import endpoint_at
from tests.vehicles.cases import ALSO, CASES, Also, Case
from tests.vehicles.helpers import (
    DRIVER,
    EMAIL,
    EVERYBODYS,
    NOW,
    Json,
    at,
    deliveries,
    events,
    notes,
    only,
    people,
    sweep,
    take,
)
from vehicles.catalogue import TYPES, siblings_of
from vehicles.catalogue.texts import PLACEHOLDERS, TEXTS
from vehicles.choices import DriverChannel
from vehicles.models import Campaign, Driver
from vehicles.rules.windows import CONDITIONS
from vehicles.services.campaigns import save_campaign, start_campaign
from vehicles.services.support import payload_of
from vehicles.services.texts import fields_in, unknown_placeholders

SEED = Path(__file__).with_name("seed.txt").read_text()
# The path of a webhook is its own secret, so that what is told of one shows the host alone.
BACKEND, SHOWN = "https://app.example/signalbox", "https://app.example/***"
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def play(facts: list[Json], until: datetime) -> None:
    """Lives through some facts, each received when it occurred, with the periodic task at work."""
    for one in sorted(facts, key=lambda f: f["occurred_at"]):
        moment = datetime.fromisoformat(one["occurred_at"])
        sweep(moment)
        take(one, now=moment)
    sweep(until)


def campaign_of(case: Case) -> Campaign | None:
    if not case.campaign:
        return None
    values = {
        "name": "Autumn",
        "type": case.campaign,
        "min_app_version": "4.16",
        "begins_at": at(days=-2),
        "ends_at": at(days=60),
        "audience": "",
    }
    campaign = save_campaign(campaign=None, values=values)
    start_campaign(campaign=campaign, now=at(days=-2))
    return campaign


def begin(case: Case) -> None:
    people()
    campaign_of(case)


def app_backend() -> None:
    """What shows pushes on the phone: it listens to both kinds of event by webhook."""
    endpoint_at(BACKEND, "vehicle.notification.*", now=at(days=-30))


def test_there_is_a_case_for_each_of_the_38() -> None:
    assert [case.name for case in CASES] == list(dict.fromkeys(case.name for case in CASES))
    assert {case.name for case in CASES} == set(TYPES)
    assert len(TYPES) == 38


def test_names_and_descriptions_are_those_of_the_seed() -> None:
    lines = [line.strip() for line in SEED.splitlines() if "Triggered" in line]
    assert [f"{entry.name}{entry.description}" for entry in TYPES.values()] == lines


def test_the_names_of_the_seed_say_the_channel() -> None:
    for entry in TYPES.values():
        if entry.name.endswith("Banner"):
            assert entry.ways == (DriverChannel.BANNER,), entry.name
        elif entry.name.endswith("Email"):
            assert entry.ways == (DriverChannel.EMAIL,), entry.name
        else:
            assert DriverChannel.BANNER not in entry.ways, entry.name
    assert sum(entry.is_banner for entry in TYPES.values()) == 11


def test_every_type_has_a_condition_and_words_in_every_language() -> None:
    for entry in TYPES.values():
        assert entry.condition in CONDITIONS
        for language, texts in TEXTS.items():
            title, body = texts[entry.name]
            assert title
            assert body
            assert not unknown_placeholders(title + body), (language, entry.name)
            assert set(fields_in(body)) <= set(PLACEHOLDERS)
    assert all(set(texts) == set(TYPES) for texts in TEXTS.values())


@pytest.mark.django_db
@by_name
def test_its_facts_bring_it_about_on_its_channel_in_four_languages(case: Case) -> None:
    app_backend()
    begin(case)
    play([*case.before, *case.trigger], case.evaluated_at)
    note = only(case.name)
    assert (note.state, note.driver.external_id) == ("open", case.who)
    (event,) = events(name=case.name)
    entry = TYPES[case.name]
    assert event.payload["channels"] == [
        channel.value for channel in entry.ways if channel != DriverChannel.EMAIL or case.who == DRIVER
    ]
    assert event.payload["title"] == note.title
    told = set[tuple[str, str]]()
    for language in ("en", "de", "fr", "nl"):
        note.driver.language = language
        words = payload_of(note)
        assert words.language == language
        assert not set("{}[]") & set(words.title + words.body)
        told.add((words.title, words.body))
    assert len(told) == 4
    assert (note.title, note.body) in told
    wanted = []
    if DriverChannel.EMAIL in entry.ways:
        wanted.append(("email", EMAIL, "pending"))
    if DriverChannel.BANNER in entry.ways:
        wanted.append(("banner", f"driver:{case.who}", "delivered"))
    # The backend hears of every one; `channels` says whether the phone is to ring.
    wanted.append(("webhook", SHOWN, "pending"))
    assert sorted(deliveries(case.name)) == sorted(wanted)


@pytest.mark.django_db
@pytest.mark.parametrize("also", ALSO, ids=lambda also: f"{also.name}: {also.how}")
def test_other_facts_that_bring_it_about(also: Also) -> None:
    people()
    play(also.facts, also.evaluated_at)
    *earlier, last = [note.state for note in notes(also.name)]
    assert (set(earlier) | {"resolved"}, last) == ({"resolved"}, "open")
    assert len(events(name=also.name)) == len(earlier) + 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("case", "near"), [(case, name) for case in CASES for name in case.near], ids=lambda v: getattr(v, "name", v)
)
def test_facts_that_come_near_do_not(case: Case, near: str) -> None:
    begin(case)
    play([*case.before, *case.near[near]], case.evaluated_at)
    assert events(name=case.name) == []
    assert {note.reason for note in notes(case.name)} <= {"root_cause"}


@pytest.mark.django_db
@by_name
def test_what_ends_it(case: Case) -> None:
    app_backend()
    begin(case)
    play([*case.before, *case.trigger], case.evaluated_at)
    assert only(case.name).state == "open"
    if not case.clear:
        sweep(case.later - timedelta(seconds=1))
        assert only(case.name).state == "open"
    play(case.clear, case.later)
    note = only(case.name)
    assert (note.state, note.ended_at is not None) == (case.ends, True)
    (over,) = events("vehicle.notification.resolved", case.name)
    assert over.payload["id"] == note.pk
    assert over.payload["reason"] == {"resolved": "condition_ended", "expired": "time_ended"}[case.ends]
    told = Delivery.objects.filter(event_id=over.pk).exclude(address=EVERYBODYS)
    assert list(told.values_list("channel", "address", "state")) == [("webhook", SHOWN, "pending")]


@pytest.mark.django_db
@by_name
def test_siblings_come_and_go_together(case: Case) -> None:
    siblings = siblings_of(TYPES[case.name])
    begin(case)
    play([*case.before, *case.trigger], case.evaluated_at)
    assert [only(other.name).state for other in siblings] == ["open"] * len(siblings)
    play(case.clear, case.later)
    assert [only(other.name).state for other in siblings] == [case.ends] * len(siblings)


@pytest.mark.django_db
@by_name
def test_looking_again_tells_nothing_twice(case: Case) -> None:
    begin(case)
    play([*case.before, *case.trigger], case.evaluated_at)
    told = len(events())
    for minutes in (1, 2, 3):
        Driver.objects.update(due_at=NOW)
        sweep(case.evaluated_at + timedelta(minutes=minutes))
    assert len(events(name=case.name)) == 1
    assert len(events()) == told
