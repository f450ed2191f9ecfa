"""The neutral form: another system says that a case was raised or cleared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from infra_notifications.choices import Case
from infra_notifications.ingest import SignalMessage
from infra_notifications.models import ChargePoint, ChargePointMessage, Incident, UnknownChargePoint
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    NOW,
    at,
    event,
    events,
    fault,
    fine,
    heartbeat,
    only_incident,
    open_cases,
    say,
    signal,
    station,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> ChargePoint:
    found: ChargePoint = ChargePointFactory(evse_id="DE*ABC*E1*1", station="CP-1")
    return found


@pytest.mark.parametrize("case", Case.values)
def test_every_case_is_raised_and_cleared(point: ChargePoint, case: str) -> None:
    take_neutral(signal(point, "raised", case=case, detail="door open"))
    incident = only_incident()
    assert (incident.case, incident.said, incident.faults, incident.is_open) == (case, "door open", ["signal"], True)
    take_neutral(signal(point, "cleared", case=case), now=at(60))
    incident.refresh_from_db()
    assert (incident.closed_at, incident.close_reason) == (at(60), "cleared")


def test_case_and_state_ignore_case_and_so_does_the_id(point: ChargePoint) -> None:
    assert take_neutral(signal(" de*abc*e1*1 ", "RAISED", case="sensors")).accepted == 1
    assert open_cases(point) == ["SENSORS"]


@pytest.mark.parametrize(
    ("occurred_at", "opened_at"),
    [
        ((NOW - HOUR).isoformat(), NOW - HOUR),
        ((NOW - 30 * DAY).isoformat(), NOW - 30 * DAY),
        ((NOW + DAY).isoformat(), NOW),
        ("1970-01-01T00:00:00Z", NOW),
        (None, NOW),
    ],
)
def test_signal_opens_when_it_says_if_that_can_be_believed(
    point: ChargePoint, occurred_at: str | None, opened_at: datetime
) -> None:
    take_neutral(signal(point, "raised", occurred_at=occurred_at))
    assert only_incident().opened_at == opened_at


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"case": "FIRE"}, f"`case` must be one of {', '.join(Case.values)}, not 'FIRE'."),
        ({"case": "FUSE"}, f"`case` must be one of {', '.join(Case.values)}, not 'FUSE'. The nearest is FUSE_TRIPPED."),
        ({"state": "perhaps"}, "`state` must be raised or cleared, not 'perhaps'."),
        ({"charge_point": "  "}, "`charge_point` must be an EVSE id."),
    ],
)
def test_signal_that_cannot_be_taken_says_what_is_wrong(point: ChargePoint, given: dict[str, Any], says: str) -> None:
    wrong = signal(point, "raised")
    for name, value in given.items():
        setattr(wrong, name, value)
    intake = take_neutral(wrong, signal(point, "raised"))
    assert intake.accepted == 1
    assert intake.rejected[0][1].startswith(says)


@pytest.mark.parametrize("occurred_at", ["nonsense", "yesterday", "30.11.2026 03:20", "24:61", "-"])
def test_a_moment_that_cannot_be_read_costs_no_signal(point: ChargePoint, occurred_at: str) -> None:
    intake = take_neutral(signal(point, "raised", occurred_at=occurred_at))
    assert (intake.accepted, [place for place, _said in intake.warnings]) == (1, [0])
    assert only_incident().opened_at == NOW


@pytest.mark.parametrize("case", ["FUSE-TRIPPED", " FUSE_TRIPPED ", "FuseTripped", "fuse tripped", "fuse.tripped"])
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        *(("open", "closed"), ("Active", "inactive"), (" Raised ", "CLEARED."), ("on", "off"), ("1", "0")),
        *(("PROBLEM", "OK"), ("CRITICAL", "RECOVERY"), ("firing", "resolved"), ("DOWN", "UP"), ("alert", "normal")),
    ],
)
def test_case_and_state_are_read_in_other_words(point: ChargePoint, case: str, begin: str, end: str) -> None:
    assert take_neutral(signal(point, begin, case=case)).accepted == 1
    assert open_cases(point) == ["FUSE_TRIPPED"]
    assert take_neutral(signal(point, end, case=case), now=at(60)).accepted == 1
    assert open_cases(point) == []


@pytest.mark.parametrize("received_at", ["yesterday", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_a_receipt_that_cannot_be_is_warned_of(point: ChargePoint, received_at: str) -> None:
    intake = take_neutral(signal(point, "raised", received_at=received_at), signal(point, "raised"))
    assert (intake.accepted, [place for place, _said in intake.warnings]) == (2, [0])


@pytest.mark.parametrize(
    ("said", "case"),
    [
        *(("FUSE", "FUSE_TRIPPED"), ("breaker", "FUSE_TRIPPED"), ("SENSOR", "SENSORS"), ("door", "SENSORS")),
        *(("offline", "UNAVAILABLE"), ("UNAVAILBLE", "UNAVAILABLE"), ("OTHER", "OTHER_FAULT"), ("x", "OTHER_FAULT")),
    ],
)
def test_a_case_that_is_not_known_is_refused_with_the_nearest(point: ChargePoint, said: str, case: str) -> None:
    ((_place, sentence),) = take_neutral(signal(point, "raised", case=said)).rejected
    assert sentence.endswith(f"The nearest is {case}.")


def test_a_case_is_one_whatever_its_details(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised", detail="sensor a"), signal(point, "raised", detail="sensor b"))
    take_neutral(signal(point, "cleared", detail="sensor a"), now=at(60))
    assert open_cases(point) == []


def test_a_clear_without_a_zone_that_ends_nothing_says_so(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised"))
    behind = at(-5 * 3_600).replace(tzinfo=None).isoformat()
    warnings = take_neutral(signal(point, "cleared", received_at=behind), now=at(60)).warnings
    assert "names no time zone" in warnings[0][1]
    assert "did not end it" in warnings[1][1]
    assert "zone" in warnings[1][1]
    assert open_cases(point) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("zone", ["Z", "z", "+01:00", "-0500", "+02"])
def test_a_receipt_with_a_zone_is_none_to_warn_of(point: ChargePoint, zone: str) -> None:
    local = at(-20 * 3_600).replace(tzinfo=None).isoformat()
    assert take_neutral(signal(point, "raised", received_at=local + zone)).warnings == []


def test_detail_is_cut_and_cleaned(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised", detail="a\x00b" + "x" * 900))
    assert only_incident().said == "ab" + "x" * 498


def test_unknown_charge_point_is_rejected_and_kept() -> None:
    intake = take_neutral(signal("DE*NEW*1", "raised"), signal("de*new*1", "cleared"))
    assert [error for _index, error in intake.rejected] == [
        "Unknown charge point DE*NEW*1.",
        "Unknown charge point de*new*1.",
    ]
    assert UnknownChargePoint.objects.get().messages == 2


def test_same_id_is_a_duplicate(point: ChargePoint) -> None:
    intake = take_neutral(signal(point, "raised", id="a"), signal(point, "raised", id="a"))
    assert (intake.accepted, intake.duplicates, only_incident().repeats) == (1, 1, 0)


def test_clear_for_nothing_is_a_no_op(point: ChargePoint) -> None:
    take_neutral(signal(point, "cleared"))
    assert open_cases(point) == []
    assert ChargePointMessage.objects.get().verdict == "cleared"


@pytest.mark.parametrize("payload", [fault(), events(event("RCD", "Tripped"))])
def test_neutral_clear_ends_what_the_charge_point_itself_had_reported(point: ChargePoint, payload: Any) -> None:
    say(point, payload)
    take_neutral(signal(point, "cleared"), now=at(5))
    assert open_cases(point) == []


def test_charge_points_own_clear_does_not_end_what_another_system_raised(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised"))
    say(point, fine(), now=at(5))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_signal_proves_no_life_and_life_ends_what_a_signal_called_unavailable(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised", case="UNAVAILABLE"))
    point.state.refresh_from_db()
    assert point.state.last_seen is None
    take(heartbeat("CP-1"), now=at(60))
    assert only_incident().close_reason == "life"


def test_message_is_kept_with_its_step(point: ChargePoint) -> None:
    take_neutral(signal(point, "raised", detail="x"))
    kept = ChargePointMessage.objects.get()
    assert (kept.protocol, kept.action, kept.verdict) == ("signal", "FUSE_TRIPPED raised", "raised")
    assert kept.findings == [{"effect": "raise", "case": "FUSE_TRIPPED", "said": "x", "steps": ["opened"]}]


# ---- by station and connector ---------------------------------------------------------------------------------------


def of_station(name: str, state: str, connector: int | None = None, **more: Any) -> SignalMessage:
    return SignalMessage(station=name, connector=connector, case="SENSORS", state=state, **more)


def open_connectors() -> set[int | None]:
    return set(Incident.objects.filter(closed_at=None).values_list("charge_point__connector", flat=True))


def test_a_signal_may_name_a_station_and_its_connector() -> None:
    station("CP-8", points=3)
    assert take_neutral(of_station("cp-8 ", "raised", 2)).accepted == 1
    assert open_connectors() == {2}
    assert take_neutral(of_station("CP-8", "cleared", 2)).accepted == 1
    assert open_connectors() == set()


@pytest.mark.parametrize("connector", [None, 0])
def test_a_signal_of_a_station_is_about_all_its_charge_points(connector: int | None) -> None:
    station("CP-8", points=3)
    take_neutral(of_station("CP-8", "raised", connector))
    assert open_connectors() == {1, 2, 3}
    take_neutral(of_station("CP-8", "cleared", 3))
    assert open_connectors() == {1, 2}
    take_neutral(of_station("CP-8", "cleared", connector))
    assert open_connectors() == set()
    assert set(ChargePointMessage.objects.filter(charge_point=None).values_list("station", flat=True)) == {"CP-8"}


def test_a_charge_point_that_is_named_wins_over_its_station() -> None:
    first, _second = station("CP-8", points=2)
    take_neutral(of_station("elsewhere", "raised", 2, charge_point=first.evse_id))
    assert open_connectors() == {1}


@pytest.mark.parametrize(
    ("name", "connector", "sentence"),
    [
        ("CP-8", 9, "Unknown station CP-8, connector 9."),
        ("CP-9", None, "Unknown station CP-9."),
        (" ", 1, "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."),
        ("CP-8", -1, "`connector` must be a number from 0 to 32767."),
    ],
)
def test_a_signal_of_nobody_that_is_known_is_rejected_by_name(name: str, connector: int | None, sentence: str) -> None:
    station("CP-8", points=2)
    assert take_neutral(of_station(name, "raised", connector)).rejected == [(0, sentence)]


def test_the_same_signal_of_a_station_again_is_a_duplicate() -> None:
    station("CP-8", points=2)
    assert take_neutral(*[of_station("CP-8", "raised", id="1")] * 2).duplicates == 1
