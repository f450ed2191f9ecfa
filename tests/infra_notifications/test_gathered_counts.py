"""The web counts what its sources bring in memory, and writes once a second what it would else write each time."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from infra_notifications.models import Source
from infra_notifications.services import sources
from infra_notifications.services.sources import Gathered
from tests.infra_notifications.helpers import at, fine, heartbeat, message, station, take

# What moves with the moment of writing.
APART = {"id", "name"}


class Started(Gathered):
    """As in the web, but written when the test says so."""

    is_started = True


def bring() -> None:
    """Good and bad messages, within one second."""
    for number in range(3):
        take(heartbeat("CP-1"), heartbeat("NOBODY"), now=at(number / 4))
        take(message("DE*CP-1*1", fine(timestamp="soon")), now=at(number / 4 + 0.1))


def counted() -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = [dict(row) for row in Source.objects.values()]
    rows = [{name: row[name] for name in row.keys() - APART} for row in stored]
    for row in rows:
        for name in ("rejections", "cautions"):
            row[name] = [(each["text"], each["n"]) for each in row[name]]
    return rows


def test_what_was_gathered_is_what_is_counted_each_time(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    station("CP-1", 2)
    bring()
    (each_time,) = counted()
    Source.objects.all().delete()
    gathered = Started()
    monkeypatch.setattr(sources, "gathered", gathered)
    bring()
    assert counted() == []
    gathered.write()
    (at_once,) = counted()
    # It is heard of when it was heard last: within a second, which teaches nothing of its pace.
    assert at_once.pop("first_heard_at") == at(0.6)
    assert each_time.pop("first_heard_at") == at(0)
    assert at_once == each_time
    gathered.write()
    assert [row["accepted"] for row in counted()] == [6]


def test_what_cannot_be_written_is_held(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    station("CP-1")
    gathered = Started()
    monkeypatch.setattr(sources, "gathered", gathered)
    take(heartbeat("CP-1"))
    with monkeypatch.context() as away:
        away.setattr(sources, "_COUNT", "SELECT 1 FROM gone")
        with pytest.raises(DatabaseError):
            gathered.write()
    take(heartbeat("CP-1"), heartbeat("CP-1"), now=at(1))
    gathered.write()
    assert Source.objects.get().accepted == 3
