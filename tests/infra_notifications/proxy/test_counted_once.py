"""What the proxy heard is counted once, however often it is read from the spool."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from infra_notifications.models import ChargePointMessage, OcppRoute, Source, UnknownChargePoint
from infra_notifications.proxy import writer as writing
from infra_notifications.proxy.journal import Half
from infra_notifications.proxy.writer import Writer
from tests.infra_notifications.helpers import fault, fine, station
from tests.infra_notifications.proxy.test_listener import Ear, ear

__all__ = ("ear",)
pytestmark = pytest.mark.django_db


def scene(ear: Ear) -> None:
    """A station that is known says two things, one that nobody knows one."""
    station("CP-1", points=1)
    ear.now -= 60
    known, unknown = ear.connect("CP-1"), ear.connect("NEW")
    for n, said in enumerate((fault(), fine())):
        ear.say(known, 2, str(n), "StatusNotification", said)
    ear.say(unknown, 2, "1", "StatusNotification", fine())


def counted() -> tuple[int, int, int, int]:
    source, unknown = Source.objects.get(), UnknownChargePoint.objects.get(connector=1)
    return source.accepted, source.duplicates, source.rejected, unknown.messages


def test_of_a_process_that_was_killed_while_it_saved(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    scene(ear)
    monkeypatch.setattr(Half, "empty", lambda self: None)
    ear.listener.save()
    ear.die()
    ear.writer()
    # The opening of a connection, two messages, and its end with the proxy.
    assert ChargePointMessage.objects.filter(action="StatusNotification").count() == 2
    assert counted() == (4, 0, 3, 1)


@pytest.mark.parametrize("step", ["take_connections", "count_sources"])
def test_of_a_database_that_goes_away_between_two_steps(ear: Ear, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    scene(ear)
    ear.listener.save()
    writer = Writer([ear.spool, ear.memory], patience_s=0)

    def away(**_given: Any) -> Any:
        raise OperationalError("the database is away")

    with monkeypatch.context() as once:
        once.setattr(writing, step, away)
        with pytest.raises(OperationalError):
            writer.step()
    while writer.step():
        continue
    writer.close()
    assert counted() == (3, 0, 2, 1)


def test_a_source_has_the_name_of_its_route_when_that_is_deleted_meanwhile(ear: Ear) -> None:
    station("CP-1", points=1)
    ear.connect("CP-1")
    ear.take()
    OcppRoute.objects.all().delete()
    Source.objects.all().delete()
    ear.connect("CP-1")
    ear.take()
    assert str(Source.objects.get()) == "main"
