"""Many stations of a source that lose their connection once more, or in a row."""

from __future__ import annotations

from datetime import datetime

import pytest

from outbox.models import Event
from tests.infra_notifications.helpers import alerts, at, kinds, listed, sweep
from tests.infra_notifications.test_connections import close_all, many, report, source_events, tell

pytestmark = pytest.mark.django_db


def come_back(names: range, seconds: float, link: str) -> None:
    tell(*(report(True, seconds, name=f"M-{n}", link=f"{link}{n}", opens=True) for n in names), now=at(seconds + 1))


def sweep_through(since: int, until: int) -> None:
    for second in range(since, until, 20):
        sweep(at(second))


def test_many_that_close_once_more_are_held_and_told_as_an_event_of_their_own() -> None:
    """Half came back before, and lose their connection again; none of all comes back then."""
    points = many(12)
    close_all(12, 100)
    sweep_through(105, 300)
    come_back(range(6, 12), 300, "b")
    sweep_through(305, 500)
    assert source_events() == ["source.disconnected"]
    tell(*(report(False, 500 + n / 10, name=f"M-{n}", link=f"b{n}") for n in range(6, 12)), now=at(504))
    sweep_through(505, 1_000)
    assert source_events() == ["source.disconnected"] * 2
    told = Event.objects.filter(kind="source.disconnected").latest("pk").payload["since"]
    assert datetime.fromisoformat(told) == at(500.6)
    assert kinds() == []
    sweep_through(1_000, 1_100)
    assert listed(alerts()[0]) == sorted(point.evse_id for point in points[:6])
    sweep_through(1_100, 1_380)
    assert len(alerts()) == 1
    sweep_through(1_400, 1_460)
    assert [set(listed(mail)) for mail in alerts()[1:]] == [{point.evse_id for point in points[6:]}]


def test_many_that_close_in_a_row_for_minutes_are_one_event() -> None:
    many(60)
    for n in range(15):
        close_all(4, 100 + 4 * n, first=4 * n)
        sweep(at(100 + 4 * n + 4))
    sweep_through(160, 400)
    assert source_events() == ["source.disconnected"]


@pytest.mark.parametrize("alone_at", [200, 590])
def test_one_that_closes_alone_after_many_is_told_for_itself(alone_at: int) -> None:
    points = many(12)
    close_all(8, 100)
    sweep_through(105, alone_at)
    close_all(1, alone_at, first=10)
    sweep_through(alone_at + 5, alone_at + 36)
    assert kinds() == []
    sweep_through(alone_at + 36, alone_at + 80)
    assert [listed(mail) for mail in alerts()] == [[points[10].evse_id]]
    assert source_events() == ["source.disconnected"]


def test_one_that_closes_while_others_do_is_one_of_many_though_some_are_back() -> None:
    many(40)
    close_all(20, 100, first=20)
    for turn in range(8):
        close_all(2, 105 + 20 * turn, first=2 * turn)
        sweep(at(110 + 20 * turn))
        if turn:
            come_back(range(2 * turn - 2, 2 * turn), 111 + 20 * turn, "b")
    sweep_through(270, 360)
    assert (kinds(), source_events()) == ([], ["source.disconnected"])
