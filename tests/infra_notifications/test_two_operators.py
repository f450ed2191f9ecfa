"""Two people, reminders and messages at one incident at the same moment: each step happens once, and is kept once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra_notifications.models import Acknowledgement, Incident, IncidentEntry, NotificationDecision
from infra_notifications.services.acknowledging import acknowledge_incidents, withdraw_acknowledgement
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.services.reminders import send_reminders
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    at,
    fault,
    fine,
    kinds,
    mails,
    only_incident,
    say,
    station,
    sweep,
)
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("committed")
PEOPLE = ("anna", "bert", "carla", "dora")


@pytest.fixture
def incident() -> Incident:
    """One that its group was told of, and is reminded of every hour."""
    (point,) = station("CP-1", 1, expected_interval_s=30 * 86_400)
    NotificationGroupFactory(name="Köln", members=[point], reminder_s=3600)
    say(point, fault())
    return only_incident()


def entries() -> Counter[str]:
    return Counter(IncidentEntry.objects.values_list("kind", flat=True))


def acknowledge(incident: Incident, author: str, second: float = 60) -> Callable[[], int]:
    return lambda: acknowledge_incidents(incident_ids=[incident.pk], author=author, note="mine", now=at(second))


def withdraw(incident: Incident, author: str, second: float = 120) -> Callable[[], bool]:
    return lambda: withdraw_acknowledgement(incident=incident, author=author, now=at(second))


def close(incident: Incident, author: str, second: float = 180) -> Callable[[], bool]:
    return lambda: close_by_hand(incident=incident, author=author, now=at(second))


@pytest.mark.parametrize("step", [acknowledge, withdraw, close])
def test_the_same_step_of_four_people_happens_once(step: Callable[..., Any], incident: Incident) -> None:
    if step is withdraw:
        acknowledge(incident, "anna")()
    before = entries()
    answers = at_once([step(incident, author) for author in PEOPLE])
    assert sorted(map(int, answers)) == [0, 0, 0, 1]
    assert sum((entries() - before).values()) == 1
    sweep(at(400))
    assert kinds() == (["alert", "recovery"] if step is close else ["alert"])


@pytest.mark.parametrize("seed", range(6))
def test_any_steps_at_once_leave_one_story(seed: int, incident: Incident) -> None:
    chance = random.Random(seed)
    steps: list[Callable[[], Any]] = [
        acknowledge(incident, "anna"),
        withdraw(incident, "bert"),
        lambda: send_reminders(now=at(3_700)),
        lambda: send_reminders(now=at(3_700)),
        lambda: sweep(at(3_700)),
    ]
    steps += chance.choice(
        [
            [close(incident, "carla")],
            [lambda: say(incident.charge_point, fine(), now=at(200))],
            [],
            [close(incident, "x")],
        ]
    )
    chance.shuffle(steps)
    at_once(steps)
    incident.refresh_from_db()
    counted = entries()
    assert counted["acknowledged"] <= 1
    assert counted["withdrawn"] <= counted["acknowledged"]
    assert Acknowledgement.objects.count() == counted["acknowledged"] - counted["withdrawn"]
    assert kinds().count("reminder") <= 1
    assert kinds().count("recovery") == (0 if incident.is_open else 1)
    # Later nobody is reminded of what is over or acknowledged, and somebody of everything else.
    before = len(mails())
    sweep(at(3_700) + 2 * HOUR)
    reminded = [mail.kind for mail in mails()[before:]]
    is_due = incident.is_open and not Acknowledgement.objects.exists()
    assert reminded == (["notification_group.reminder"] if is_due else [])
    assert NotificationDecision.objects.filter(kind="opened").count() == 1
