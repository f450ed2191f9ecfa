"""An end in parentheses belongs to the fault before it, and a sign stands for a word."""

from __future__ import annotations

import pytest

from infra_notifications.models import ChargePoint
from tests.infra_notifications.helpers import at, fault, open_cases, say, station

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


@pytest.mark.parametrize(
    "info",
    [
        "Last fault: RCD tripped (cleared 12:30)",
        "RCD tripped (resolved)",
        "Emergency stop pressed (already released)",
        "FI ausgelöst (behoben um 12:30)",
        "Sicherung ausgelöst (wieder eingeschaltet)",
        "Disjoncteur déclenché (résolu)",
    ],
)
def test_a_fault_whose_end_stands_in_parentheses_is_over(point: ChargePoint, info: str) -> None:
    say(point, fault("OtherError", status="Available", info=info))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("info", "case"),
    [
        ("RCD tripped (reset required)", "FUSE_TRIPPED"),
        ("RCD tripped (not cleared)", "FUSE_TRIPPED"),
        ("RCD tripped (cannot be reset)", "FUSE_TRIPPED"),
        ("RCD tripped (2nd time since reset)", "FUSE_TRIPPED"),
        ("FI ausgelöst (noch nicht behoben)", "FUSE_TRIPPED"),
        ("Last fault: RCD tripped (connector 1)", "FUSE_TRIPPED"),
        ("Ambient temp > 70C", "SENSORS"),
        ("temperature >70 °C", "SENSORS"),
        ("Humidity > 95 %", "SENSORS"),
    ],
)
@pytest.mark.parametrize("status", ["Faulted", "Available"])
def test_what_stands_is_told_whatever_parentheses_hold(point: ChargePoint, info: str, case: str, status: str) -> None:
    say(point, fault("OtherError", status=status, info=info))
    assert open_cases(point) == [case]
    say(point, fault("OtherError", status="Faulted", info=f"{info} (cleared)"), now=at(9))
    assert open_cases(point) != [], "what is Faulted is never silent"
