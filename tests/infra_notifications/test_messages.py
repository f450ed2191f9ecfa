"""Messages on their way in: whose they are, what they do, and what is kept of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core.refusal import Refused
from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    EventRule,
    Incident,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services.mapping import forget_rule_book, rule_from_report, rule_versions, save_rule
from tests.clock import iso
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    DAY,
    HOUR,
    NOW,
    alerts,
    at,
    event,
    events,
    fault,
    fine,
    heartbeat,
    message,
    only_incident,
    open_cases,
    say,
    station,
    take,
    unmapped,
    verdicts,
)
from tests.infra_notifications.test_ingest import ACTIONS, PAYLOADS

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> ChargePoint:
    found: ChargePoint = ChargePointFactory(evse_id="DE*ABC*E1*1", station="CP-1", connector=1)
    return found


def state_of(point: ChargePoint) -> ChargePointState:
    return ChargePointState.objects.get(charge_point=point)


# ---- whose it is ----------------------------------------------------------------------------------------------------


def test_charge_point_is_found_whatever_the_case_of_its_id(point: ChargePoint) -> None:
    assert take(message(" de*abc*e1*1 ", fault())).accepted == 1
    assert open_cases(point) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize(
    ("payload", "more", "opened"),
    [
        (fault(connectorId=2), {}, [2]),
        (fault(connectorId=2), {"connector": 1}, [2]),
        (fault(connectorId=None), {"connector": 2}, [2]),
        (fault(connectorId=0), {}, [1, 2]),
        (fault(connectorId=None), {}, [1, 2]),
        (events(event("RCD", "Tripped", evse=2)), {}, [2]),
        (events(event("RCD", "Tripped", evse=None)), {}, [1, 2]),
        (events(event("RCD", "Tripped", evse=1), event("RCD", "Tripped", evse=2)), {}, [1, 2]),
    ],
)
def test_station_and_connector_name_the_charge_points(payload: Any, more: dict[str, Any], opened: list[int]) -> None:
    station("CP-1")
    assert take(message("", payload, charge_point=None, station="CP-1", **more)).accepted == 1
    assert list(Incident.objects.order_by("charge_point").values_list("charge_point__connector", flat=True)) == opened


def test_named_charge_point_wins_over_the_numbers_in_its_message() -> None:
    first, second = station("CP-1")
    say(first, fault(connectorId=2))
    assert (open_cases(first), open_cases(second)) == (["FUSE_TRIPPED"], [])


def test_status_of_2_x_goes_to_its_evse_not_to_the_connector_within() -> None:
    first, second = station("CP-1")
    payload = {"connectorStatus": "Occupied", "evseId": 2, "connectorId": 1}
    take(message("", payload, charge_point=None, station="CP-1"))
    assert (state_of(first).status, state_of(second).status) == ("", "Occupied")
    assert ChargePointMessage.objects.get().charge_point == second


def test_station_of_one_charge_point_without_a_number_takes_every_connector() -> None:
    lone = ChargePointFactory(station="CP-9", connector=None)
    take(message("", fault(connectorId=3), charge_point=None, station="CP-9"))
    assert open_cases(lone) == ["FUSE_TRIPPED"]


def test_message_of_a_whole_station_is_kept_once() -> None:
    station("CP-1")
    take(heartbeat("CP-1"))
    kept = ChargePointMessage.objects.get()
    assert (kept.charge_point, kept.station, kept.verdict) == (None, "CP-1", MessageVerdict.SEEN)


# ---- the unknown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (message("DE*NEW*1", fault()), "Unknown charge point DE*NEW*1."),
        (message("", fault(connectorId=7), charge_point=None, station="CP-1"), "Unknown station CP-1, connector 7."),
        (heartbeat("NEW"), "Unknown station NEW."),
        (heartbeat("NEW", connector=99_999_999_999), "Unknown station NEW."),
        (heartbeat("NEW", connector=-4), "Unknown station NEW."),
    ],
)
def test_unknown_sender_is_rejected_counted_and_kept(sent: Any, says: str) -> None:
    station("CP-1")
    take(sent, sent, now=NOW)
    intake = take(sent, now=NOW + HOUR)
    assert intake.accepted == 0
    assert intake.rejected[0][1].startswith(says)
    kept = UnknownChargePoint.objects.get()
    assert (kept.messages, kept.first_seen, kept.last_seen) == (3, NOW, NOW + HOUR)
    assert kept.sample["action"] == sent.action


def test_unknown_evse_of_a_known_station_is_kept_too() -> None:
    station("CP-1")
    intake = take(message("", events(event("RCD", "Tripped", evse=5)), charge_point=None, station="CP-1"))
    assert (len(intake.rejected), Incident.objects.count()) == (1, 0)
    kept = UnknownChargePoint.objects.get()
    assert (kept.station, kept.connector) == ("CP-1", 5)


def test_unknown_names_that_are_too_long_are_rejected_by_name_and_never_cut() -> None:
    intake = take(*(message("X" * 48 + tail, fine()) for tail in "abc"))
    assert [sentence.count("at most 48 characters") for _place, sentence in intake.rejected] == [1, 1, 1]
    assert not UnknownChargePoint.objects.exists()


# ---- what cannot be taken -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (message("DE*ABC*E1*1", {}, action=" "), "`action`"),
        (message("DE*ABC*E1*1", {}, action="x" * 61), "`action`"),
        (message("", {}, charge_point=None), "Name the sender"),
        (message(" ", {}), "Name the sender"),
        (message("DE*ABC*E1*1", [1]), "`payload`"),
    ],
)
def test_message_that_cannot_be_taken_is_named_and_its_neighbours_are_not_lost(
    point: ChargePoint, sent: Any, says: str
) -> None:
    intake = take(message(point, fine()), sent, message(point, fine()))
    assert intake.accepted == 2
    ((index, error),) = intake.rejected
    assert index == 1
    assert says in error


@pytest.mark.parametrize(
    "sent",
    [
        events(event("C" * 300, "V" * 300, techCode="CX004")),
        events(event("RCD", "Tripped", instance="i" * 300, techCode="x" * 400)),
        fault("OtherError", info="tilted " + "x" * 3000),
        fault(status="s" * 200),
        fault(vendorId="v" * 400),
        fault("OtherError", info="a\x00 tilted\x00"),
        fault(timestamp="0001-01-01T00:00:00Z"),
        fault(timestamp="9999-12-31T23:59:59Z"),
        fault(connectorId="one"),
        fault(info="\\u0000", vendorErrorCode="\\\\\x00u0000"),
        fault(anything={"deep": [[[[1e300]]]], "big": 2**63, "nul": "\x00"}),
    ],
)
def test_oversized_and_odd_content_is_taken(point: ChargePoint, sent: Any) -> None:
    assert take(message(point, sent)).accepted == 1


@pytest.mark.parametrize("name", ["action", "protocol", "charge_point", "id"])
def test_nul_in_a_name_is_left_out(point: ChargePoint, name: str) -> None:
    sent: dict[str, Any] = {"action": "Heartbeat", "protocol": "ocpp1.6", "charge_point": point.evse_id, "id": "m-1"}
    assert take(OcppMessage(**sent), OcppMessage(**(sent | {name: f"{sent[name]}\x00"}))).duplicates == 1
    stored = ChargePointMessage.objects.get()
    assert (stored.action, stored.protocol, stored.charge_point) == ("Heartbeat", "ocpp1.6", point)


def test_security_event_of_a_long_name_is_taken(point: ChargePoint) -> None:
    assert say(point, {"type": "T" * 400}, action="SecurityEventNotification").accepted == 1
    assert verdicts() == [MessageVerdict.UNMAPPED]


def test_payload_is_kept_as_it_was_without_nul_characters(point: ChargePoint) -> None:
    say(point, {"vendorId": "x\x00y", "messageId": "\\u0000", "status": "\\\x00"}, action="DataTransfer")
    assert ChargePointMessage.objects.get().payload == {"vendorId": "xy", "messageId": "\\u0000", "status": "\\"}


@settings(max_examples=60)
@given(action=ACTIONS, payload=PAYLOADS, protocol=st.sampled_from(["ocpp1.6", "ocpp2.0.1"]))
def test_no_payload_whatever_fails_a_batch(point: ChargePoint, action: str, payload: Any, protocol: str) -> None:
    with transaction.atomic():
        intake = take(message(point, {}, action=action, protocol=protocol), message(point, fine()))
        odd = message(point, {})
        odd.payload, odd.action, odd.protocol = payload, action, protocol
        intake = take(odd, message(point, fine()))
        transaction.set_rollback(True)
    assert intake.accepted + len(intake.rejected) == 2


# ---- duplicates -----------------------------------------------------------------------------------------------------


def test_same_id_of_the_same_key_changes_nothing(point: ChargePoint) -> None:
    first, second = say(point, fault(), id="m-1"), say(point, fault(), id="m-1")
    assert (first.accepted, second.accepted, second.duplicates) == (1, 0, 1)
    assert only_incident().repeats == 0


def test_same_id_twice_in_one_batch_is_taken_once(point: ChargePoint) -> None:
    intake = take(*(message(point, fault(), id=given) for given in (7, "7", 8)))
    assert (intake.accepted, intake.duplicates) == (2, 1)


def test_same_id_of_another_key_is_another_message(point: ChargePoint) -> None:
    assert [take(message(point, fault(), id=1), key=key).accepted for key in (1, 2)] == [1, 1]


def test_messages_without_id_are_never_duplicates(point: ChargePoint) -> None:
    assert take(message(point, fault()), message(point, fault())).accepted == 2


def test_rejected_message_can_be_sent_again_under_its_id() -> None:
    sent = message("DE*LATE*1", fault(), id="m-1")
    assert take(sent).duplicates == 0
    ChargePointFactory(evse_id="DE*LATE*1")
    assert take(sent).accepted == 1


# ---- incidents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "opened_at", "by_device"),
    [
        (iso(NOW - HOUR / 2), NOW - HOUR / 2, True),
        (f"{NOW - HOUR / 2:%Y-%m-%dT%H:%M:%S}", NOW - HOUR / 2, True),
        ((NOW - HOUR / 2).astimezone(timezone(HOUR)).isoformat(), NOW - HOUR / 2, True),
        (iso(NOW - 21 * DAY), NOW - 21 * DAY, True),
        (iso(at(120)), NOW, True),
        (iso(NOW + 41 * DAY), NOW, False),
        ("1970-01-01T00:00:10Z", NOW, False),
        ("soon", NOW, False),
        (None, NOW, False),
    ],
)
def test_incident_opens_by_the_devices_time_if_it_can_be_believed(
    point: ChargePoint, timestamp: str | None, opened_at: datetime, by_device: bool
) -> None:
    say(point, fault(timestamp=timestamp))
    incident = only_incident()
    assert (incident.opened_at, incident.device_clock, incident.opened_received_at) == (opened_at, by_device, NOW)


def test_incident_says_what_was_said_and_by_which_rule(point: ChargePoint) -> None:
    say(point, fault(info="MCB 2"))
    incident = only_incident()
    assert incident.said == "Faulted · OverCurrentFailure · MCB 2"
    assert incident.rule == EventRule.objects.get(name="Over-current protection tripped")


def test_no_error_ends_what_the_connector_reported(point: ChargePoint) -> None:
    say(point, fault())
    say(point, fine(timestamp=at(60).isoformat()), now=at(90))
    incident = only_incident()
    assert (incident.closed_at, incident.closed_received_at, incident.close_reason) == (at(60), at(90), "cleared")


def test_no_error_at_a_fault_ends_nothing(point: ChargePoint) -> None:
    say(point, fault())
    say(point, fault("NoError"), now=at(5))
    assert open_cases(point) == ["FUSE_TRIPPED"]


def test_no_error_ends_every_case_that_was_reported(point: ChargePoint) -> None:
    say(point, fault())
    say(point, fault("OtherError", info="tilted"))
    assert open_cases(point) == ["FUSE_TRIPPED", "SENSORS"]
    say(point, fine(), now=at(5))
    assert open_cases(point) == []


def test_connector_does_not_end_what_its_main_controller_reported() -> None:
    first, second = station("CP-1")
    for number, expected in ((1, 2), (2, 2), (0, 0)):
        take(message("", fault(connectorId=0), charge_point=None, station="CP-1"))
        take(message("", fine(connectorId=number), charge_point=None, station="CP-1"), now=at(number + 1))
        assert len(open_cases(first) + open_cases(second)) == expected


def test_resolution_in_words_ends_the_fuse_while_the_code_stands(point: ChargePoint) -> None:
    say(point, fault("overCurrentFailure", info="MCB of type 2 socket triggered"))
    say(point, fault("overCurrentFailure", info="MCB type 2 reconnected", status="Available"), now=at(5))
    assert open_cases(point) == []


def test_fault_of_2_x_ends_with_its_own_clear_only(point: ChargePoint) -> None:
    say(point, events(event("RCD", "Tripped"), event("OverCurrentProtection", "Active")))
    say(point, events(event("RCD", "Tripped", "false")), now=at(5))
    assert only_incident().faults == ["OverCurrentProtection/Active@1"]
    say(point, events(event("OverCurrentProtection", "Active", cleared=True)), now=at(6))
    assert open_cases(point) == []


def test_clear_without_the_code_that_raised_it_ends_it(point: ChargePoint) -> None:
    say(point, events(event("EVSE", "Problem", techCode="evse_board_support/TiltDetected")))
    say(point, events(event("EVSE", "Problem", "false")), now=at(5))
    assert open_cases(point) == []
    assert verdicts() == [MessageVerdict.RAISED, MessageVerdict.CLEARED]


def test_clear_of_one_code_leaves_another_open(point: ChargePoint) -> None:
    for code in ("CX004", "CX002"):
        say(point, events(event("EVSE", "Problem", techCode=code)))
    say(point, events(event("EVSE", "Problem", "false", techCode="CX004")), now=at(5))
    assert only_incident(closed_at=None).faults == ["EVSE/Problem@1#CX002"]


@pytest.mark.parametrize("effect", ["info", "raise"])
def test_clear_ends_a_fault_that_another_rule_would_count_today(point: ChargePoint, effect: str) -> None:
    say(point, events(event("RCD", "Tripped")))
    EventRule.objects.filter(name="RCD tripped").update(effect=effect, case="SENSORS" if effect == "raise" else "")
    forget_rule_book()
    say(point, events(event("RCD", "Tripped", "false")), now=at(5))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    "payload", [fine(), events(event("RCD", "Tripped", "false")), events(event("Odd", "Problem", cleared=True))]
)
def test_clear_for_something_never_seen_is_a_no_op(point: ChargePoint, payload: Any) -> None:
    say(point, payload)
    assert (Incident.objects.count(), unmapped()) == (0, {})


@pytest.mark.parametrize("raised_by", ["status", "state"])
@pytest.mark.parametrize("cleared_by", ["status", "state"])
def test_reported_unavailability_ends_by_status_or_state(point: ChargePoint, raised_by: str, cleared_by: str) -> None:
    EventRule.objects.filter(name="Reported Unavailable counts as UNAVAILABLE").update(enabled=True)
    connector = {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
    said = {
        "status": lambda value: {"connectorStatus": value, "evseId": 1, "connectorId": 1},
        "state": lambda value: events(event("", "AvailabilityState", value) | {"component": connector}),
    }
    say(point, said[raised_by]("Unavailable"))
    assert open_cases(point) == ["UNAVAILABLE"]
    say(point, said[cleared_by]("Occupied"), now=at(5))
    assert open_cases(point) == []


def test_momentary_event_knows_when_it_ends(point: ChargePoint) -> None:
    say(point, {"type": "TamperDetectionActivated"}, action="SecurityEventNotification")
    assert only_incident().ends_at == NOW + DAY


# ---- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        (fault(), MessageVerdict.RAISED),
        (fault("ReaderFailure"), MessageVerdict.RAISED),
        (fault("OddFailure"), MessageVerdict.RAISED),
        (fault("WeakSignal", status="Available"), MessageVerdict.INFO),
        (fault("WeakSignal"), MessageVerdict.RAISED),
        (fine(), MessageVerdict.INFO),
        (events(event("TiltSensor", "Angle", "3")), MessageVerdict.SEEN),
        (events(event("DataLink", "Active"), event("RCD", "Tripped")), MessageVerdict.RAISED),
        (events(event("DataLink", "Active"), event("Odd", "Problem")), MessageVerdict.RAISED),
        (events(event("DataLink", "Active"), event("Odd", "Active")), MessageVerdict.UNMAPPED),
    ],
)
def test_message_is_kept_with_its_gravest_verdict(point: ChargePoint, payload: Any, verdict: str) -> None:
    say(point, payload)
    kept = ChargePointMessage.objects.get()
    assert (kept.verdict, kept.payload, kept.received_at) == (verdict, payload, NOW)


def test_findings_name_the_rule_the_case_and_the_step(point: ChargePoint) -> None:
    say(point, fault())
    (finding,) = list(ChargePointMessage.objects.get().findings or [])
    rule = EventRule.objects.get(name="Over-current protection tripped")
    assert finding == {
        "rule": rule.pk,
        "name": rule.name,
        "effect": "raise",
        "case": "FUSE_TRIPPED",
        "n": 1,
        "said": "Faulted · OverCurrentFailure",
        "steps": ["opened"],
    }


def test_status_is_kept_in_the_protocols_word_since_it_changed(point: ChargePoint) -> None:
    for second, payload in enumerate((fine(), fine(status="Charging"), fine(status="Charging"))):
        say(point, payload, now=at(second))
    state = state_of(point)
    assert (state.status, state.status_at, state.ocpp_version) == ("Charging", at(1), "ocpp1.6")


def test_availability_state_of_2_1_is_a_status_too(point: ChargePoint) -> None:
    say(point, events(event("Connector", "AvailabilityState", "Reserved")), protocol="OCPP2.1")
    assert (state_of(point).status, state_of(point).ocpp_version) == ("Reserved", "ocpp2.1")


@pytest.mark.parametrize(
    "payload",
    [
        {"chargePointVendor": "ABB", "chargePointModel": "Terra", "firmwareVersion": "1.7"},
        {"reason": "PowerUp", "chargingStation": {"vendorName": "ABB", "model": "Terra", "firmwareVersion": "1.7"}},
    ],
)
def test_boot_notification_updates_every_charge_point_of_the_station(payload: dict[str, Any]) -> None:
    points = station("CP-1", vendor="Old", model="Old")
    say(points[0], payload, action="BootNotification")
    facts = set(ChargePoint.objects.values_list("vendor", "model", "firmware"))
    assert facts == {("ABB", "Terra", "1.7")}


def test_boot_notification_leaves_alone_what_it_does_not_say(point: ChargePoint) -> None:
    ChargePoint.objects.update(vendor="Old", model="Older")
    say(point, {"firmwareVersion": "2"}, action="BootNotification")
    point.refresh_from_db()
    assert (point.vendor, point.model, point.firmware) == ("Old", "Older", "2")


# ---- what no rule knows ---------------------------------------------------------------------------------------------


def test_unmapped_is_counted_once_per_signature(point: ChargePoint) -> None:
    for second in range(3):
        say(point, fault("OtherError", vendorErrorCode="E-77", info=f"at {second} V"), now=at(second))
    say(point, fault("OtherError", vendorErrorCode="E-78"))
    assert sorted(unmapped().values()) == [1, 3]
    report = UnmappedReport.objects.get(seen=3)
    assert (report.first_seen, report.last_seen) == (NOW, at(2))
    assert report.sample["payload"]["info"] == "at 2 V"


def test_unmapped_is_not_mailed_unless_it_says_that_something_is_broken(point: ChargePoint) -> None:
    NotificationGroupFactory(members=[point], hold_off_s={"OTHER_FAULT": 0})
    say(point, events(event("Odd", "Active")))
    assert (Incident.objects.count(), alerts(), len(unmapped())) == (0, [], 1)
    say(point, fault("OddFailure"))
    assert (open_cases(point), len(alerts()), len(unmapped())) == (["OTHER_FAULT"], 1, 2)


NEAR_MISSES = {
    "a generic code with words": (
        fault("OtherError", info="Pilot lost"),
        [fault("OtherError"), fault("OtherError", info="Pilot found"), fault("InternalError", info="Pilot lost")],
    ),
    "a code of the vendor": (fault("OtherError", vendorErrorCode="E-77"), [fault("OtherError", vendorErrorCode="E-7")]),
    "a generic code alone": (fault("OtherError"), [fault("InternalError"), fault("OtherError", status="Charging")]),
    "words of more than a condition's length": (
        fault("OtherError", info="y" * 300),
        [fault("OtherError", info="y" * 40)],
    ),
    "a component": (events(event("Odd", "Problem")), [events(event("Odd", "Level")), events(event("Even", "Problem"))]),
    "a component with a code": (
        events(event("Odd", "Problem", techCode="T9")),
        [events(event("Odd", "Problem", techCode="T8"))],
    ),
    "a component without a variable": (events(event("Odd", "")), [events(event("Even", ""))]),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_one_click_makes_a_rule_for_this_and_nothing_else(point: ChargePoint, name: str) -> None:
    payload, near_misses = NEAR_MISSES[name]
    say(point, payload)
    assert not Incident.objects.filter(case="SENSORS").exists()
    rule = rule_from_report(report=UnmappedReport.objects.get(), effect="raise", case="SENSORS")
    forget_rule_book()
    for near_miss in near_misses:
        say(point, near_miss)
    assert not Incident.objects.filter(case="SENSORS").exists()
    say(point, payload)
    assert Incident.objects.get(case="SENSORS").rule == rule
    assert not UnmappedReport.objects.filter(said=rule.name.partition(" →")[0]).exists()


def test_one_click_can_say_that_it_is_no_alarm(point: ChargePoint) -> None:
    say(point, fault("OddFailure"))
    rule = rule_from_report(report=UnmappedReport.objects.get(), effect="info", case="")
    forget_rule_book()
    say(point, fault("OddFailure", status="Charging"), now=at(1))
    assert verdicts()[-1] == MessageVerdict.CLEARED  # of what it reported beside Faulted
    say(point, fault("OddFailure", status="Charging"), now=at(2))
    assert (rule.effect, verdicts()[-1], unmapped()) == (Effect.INFO, MessageVerdict.INFO, {})


@pytest.mark.parametrize(("effect", "case"), [("explode", "SENSORS"), ("raise", "FIRE"), ("raise", ""), ("", "")])
def test_meaning_that_does_not_exist_makes_no_rule(point: ChargePoint, effect: str, case: str) -> None:
    say(point, fault("OddFailure"))
    report, before = UnmappedReport.objects.get(), EventRule.objects.count()
    with pytest.raises(Refused):
        rule_from_report(report=report, effect=effect, case=case)
    assert (EventRule.objects.count(), UnmappedReport.objects.count()) == (before, 1)


def test_rule_for_a_vendor_knows_the_charge_points_own(point: ChargePoint) -> None:
    other = ChargePointFactory(vendor="ABB")
    ChargePoint.objects.filter(pk=point.pk).update(vendor="Alfen")
    save_rule(rule=EventRule(name="x", codes=["OddFailure"], vendors=["alfen"], effect="raise", case="SENSORS"))
    forget_rule_book()
    for one in (point, other):
        say(one, fault("OddFailure"))
    assert (open_cases(point), open_cases(other)) == (["SENSORS"], ["OTHER_FAULT"])


@pytest.mark.parametrize(
    "values",
    [
        {"effect": "raise", "case": "", "codes": ["X"]},
        {"effect": "info"},
        {"effect": "info", "and_words": ["x"], "codes": ["X"]},
        {"effect": "info", "codes": ["X"], "name": "No error"},
    ],
)
def test_rule_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        save_rule(rule=EventRule(**({"name": "new"} | values)))


def test_changed_rule_applies_within_a_second(point: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    say(point, fault("OddFailure"))
    EventRule.objects.create(name="x", codes=["OddFailure"], effect="raise", case="SENSORS")
    monkeypatch.setattr(rule_versions, "age_s", 0)
    say(point, fault("OddFailure"))
    assert open_cases(point) == ["SENSORS"]


def test_interval_of_a_message_is_the_installations_unless_named(point: ChargePoint) -> None:
    say(point, fine())
    assert state_of(point).silent_at == NOW + timedelta(seconds=4500)
