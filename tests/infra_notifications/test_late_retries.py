"""A part of a batch that is sent again without ids, after newer statuses: the device's own moment tells."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra_notifications.models import ChargePoint
from infra_notifications.services.late_retries import LATE_RETRY
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import HOUR, MINUTE, at, fault, fine, message, open_cases, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> ChargePoint:
    made: ChargePoint = ChargePointFactory()
    return made


def told(
    point: ChargePoint, *said: tuple[dict[str, Any], datetime | None], now: datetime, **more: Any
) -> Sequence[str]:
    """What the answer warns of when these are sent, each with its device's moment."""
    stamped = (payload | ({"timestamp": moment.isoformat()} if moment else {}) for payload, moment in said)
    intake = take(*(message(point, payload, **more) for payload in stamped), now=now)
    return [sentence for _row, sentence in intake.warnings]


BROKEN, WELL = fault("GroundFailure"), fine()


@pytest.mark.parametrize(("older", "newer", "cases"), [(BROKEN, WELL, []), (WELL, BROKEN, ["FUSE_TRIPPED"])])
@pytest.mark.parametrize("pause", [timedelta(seconds=2), MINUTE, HOUR])
def test_first_half_of_a_batch_changes_nothing(
    point: ChargePoint, older: dict[str, Any], newer: dict[str, Any], cases: list[str], pause: timedelta
) -> None:
    told(point, (older, at(0)), (newer, at(10)), now=at(20))
    assert open_cases(point) == cases
    assert told(point, (older, at(0)), now=at(20) + pause) == [LATE_RETRY]
    assert open_cases(point) == cases
    told(point, (older, at(0)), (newer, at(10)), now=at(30) + pause)
    assert open_cases(point) == cases, "the whole batch"


def test_what_the_device_says_anew_is_news(point: ChargePoint) -> None:
    told(point, (BROKEN, at(0)), (WELL, at(10)), now=at(20))
    told(point, (BROKEN, at(30)), now=at(31))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_clock_that_stands_still_hides_no_fault(point: ChargePoint) -> None:
    for second, (said, cases) in enumerate([(BROKEN, ["FUSE_TRIPPED"]), (WELL, []), (BROKEN, ["FUSE_TRIPPED"])]):
        told(point, (said, at(0)), now=at(second * 60))
        assert open_cases(point) == cases


def test_clock_that_falls_back_at_each_boot_hides_no_fault(point: ChargePoint) -> None:
    built = at(0) - timedelta(days=90)
    for boot in range(2):
        said = [(BROKEN, built), (WELL, built + timedelta(seconds=40)), (BROKEN, built + timedelta(seconds=80))]
        for second, (payload, moment) in enumerate(said):
            told(point, (payload, moment), now=at(boot * 3_600 + second * 40))
            assert open_cases(point) == (["FUSE_TRIPPED"] if payload is BROKEN else []), (boot, second)
        told(point, (WELL, built + timedelta(seconds=120)), now=at(boot * 3_600 + 120))


def test_without_a_moment_the_repeated_half_counts(point: ChargePoint) -> None:
    """Nothing tells it from a fault that is there again; who sends without ids sends the whole batch again."""
    told(point, (BROKEN, None), (WELL, None), now=at(20))
    told(point, (BROKEN, None), now=at(60))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_moment_of_receipt_orders_a_repeated_half(point: ChargePoint) -> None:
    told(point, (BROKEN, None), now=at(20), received_at=at(0).isoformat())
    told(point, (WELL, None), now=at(20), received_at=at(10).isoformat())
    told(point, (BROKEN, None), now=at(60), received_at=at(0).isoformat())
    assert open_cases(point) == []
