"""Untrusted input → typed values: OCPP messages as they were on the wire, neutral signals, charge points.

Chargers are not to be trusted with their own specification: codes in lower case, lists of codes in one field, names
of OCPP 1.5, clocks years off. What can be understood is; what cannot is kept and shown. Nothing here raises on a
payload, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from core.device_clock import in_time, parse_time
from core.text import one_line
from infra_notifications.rules import fault_names as faults
from infra_notifications.rules import reported_values as values
from infra_notifications.rules.action_names import fold
from infra_notifications.rules.placeholders import only_names_cause, tells_more
from infra_notifications.rules.places import place_of, placed
from infra_notifications.rules.present_words import at_present
from infra_notifications.rules.security_events import SECURITY, tells_fault
from infra_notifications.rules.status_details import error_of, names_code, said_beside
from infra_notifications.rules.stop_reasons import is_fault
from infra_notifications.rules.transfer_words import asserts, names_more
from infra_notifications.rules.transfers import alarms_in, is_report, said_in
from infra_notifications.rules.vendor_states import states_in
from infra_notifications.rules.vocabulary import (
    CODE_VARIABLES,
    DEFECTS,
    FAULT_CODES,
    FOLDED_VALUES,
    MAX_TEXT,
    STANDARD_CODES,
    codes_of,
    event_truth,
    in_words,
    is_status,
    may_name,
    object_of,
    pascal,
    place_names,
    severity_of,
    text,
    truth,
    whole,
)
from infra_notifications.rules.wording import minimum_codes

# A reported status that says by itself whether charging is possible (1.6 and 2.x).
OPERATIVE = {"available", "occupied", "reserved", "preparing", "charging", "suspendedev", "suspendedevse", "finishing"}
FAULTED = "faulted"
INOPERATIVE = {"unavailable", FAULTED}
# Codes that say nothing by themselves: what tells is the status and the words beside them.
UNSPECIFIC = ("othererror", "internalerror", "noerror")
NO_ERROR = "NoError"
BESIDE_STATUS = ("DataTransfer", "StopTransaction", "TransactionEvent")
# OCPP 2.1, severities: 0 danger to 4 error; from 5 (alert) to 9 (debug) nothing is broken.
GRAVEST_HARMLESS, INFORMATIONAL = 5, 8


class OcppMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message of a charge point, forwarded by a CSMS. Times are RFC 3339."""

    action: str
    protocol: str = "ocpp1.6"
    payload: Any = None
    id: str | int | None = None
    charge_point: str | None = None
    station: str | None = None
    connector: int | None = None
    received_at: str | None = None


class SignalMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The neutral form: a case was raised or cleared at a charge point, or at all of a station without a connector.

    Signals are ordered by `received_at`, where the sender gives it, else by their receipt here; `occurred_at` is shown.
    """

    case: str
    state: str
    charge_point: str | None = None
    station: str | None = None
    connector: int | None = None
    id: str | int | None = None
    occurred_at: str | None = None
    received_at: str | None = None
    detail: str | None = None


class Observation(msgspec.Struct, frozen=True):
    """One thing that a message says about a charge point, in words common to all OCPP versions.

    `evse` is the connector (1.6) or EVSE (2.x) it speaks of: 0 the whole station, None unsaid. `over` is True or
    False where the message itself says whether the fault has ended. `fault` names the condition, so that the clear of
    one does not end another. `alarming` means: if no rule knows this, a person should see it. `defective` means: it
    says that something is broken, so that it is at least OTHER_FAULT unless a rule says otherwise. `faulted` means: its
    state is Faulted, which no rule may silence. `grave`: its severity (OCPP 2.1) is one of 0 (danger) to 4 (error).
    `place`: what is named in words by the component and variable that say that something is so.
    """

    action: str
    protocol: str
    evse: int | None = None
    status: str = ""
    codes: tuple[str, ...] = ()
    component: str = ""
    variable: str = ""
    vendor: str = ""
    words: str = ""
    place: str = ""
    over: bool | None = None
    asserted: bool = True
    # Its codes or words assert what they name, though the value that changed asserts nothing by itself.
    explained: bool = False
    # It is the state of what one charges at.
    is_state: bool = False
    fault: str = ""
    alarming: bool = False
    defective: bool = False
    faulted: bool = False
    grave: bool = False
    # OCPP 1.6: its status lets one charge, so that what was reported beside Faulted is over.
    operative: bool = False
    # Nobody will say that it is over unless the connector's status does.
    transient: bool = False
    occurred_at: datetime | None = None
    # When the device wrote the message, where it tells that apart from when the thing occurred; which event says it.
    sent_at: datetime | None = None
    entry: int = 0

    @property
    def said(self) -> str:
        """What the charger said, in a line for people."""
        place = "/".join(part for part in (self.component, self.variable) if part)
        codes, words = list(dict.fromkeys(self.codes)), self.words
        if place and words.startswith(f"{self.component} {self.variable} "):
            place = ""
        for code in (*codes, self.status):  # rules find these among the words too; people read them once
            words = "" if words == code else words.removesuffix(f" {code}")
        parts = (self.status, place, ", ".join(codes), words)
        return one_line(" · ".join(part for part in parts if part))[:MAX_TEXT]

    @property
    def counts(self) -> bool:
        """Whether it says by itself that something is broken, so that words beside it may end another fault only: what
        is Faulted or true, a standard code while one cannot charge, and what has no status that is known."""
        if self.over is True or self.operative:
            return False
        if self.component or self.status.lower() == FAULTED:
            return self.defective
        if self.status.lower() in INOPERATIVE:
            codes = {code.lower() for code in self.codes}
            return self.defective and bool(codes & STANDARD_CODES - set(UNSPECIFIC))
        return self.action.lower() == "statusnotification"

    @property
    def facts(self) -> tuple[Any, ...]:
        """Everything that rules look at: equal facts meet equal rules."""
        return (
            self.action,
            self.protocol,
            self.status,
            self.codes,
            self.component,
            self.variable,
            self.vendor,
            self.words,
            self.place,
            self.grave,
            self.over is True,
            self.defective,
            self.faulted,
        )


def observe(protocol: str, action: str, payload: Any) -> list[Observation]:
    """What a message says beyond that its sender lives; empty for messages that say no more."""
    body = object_of(payload)
    reader = _READERS.get(action.lower())
    return list(reader(protocol, action, body)) if reader else []


def _status_notification(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    if "connectorStatus" in body and (told := said_beside(body)) is not None:
        body = told  # what its maker adds to it is told as the code and the text of a status of 1.6 are
    elif "connectorStatus" in body:
        status, where = text(body.get("connectorStatus")), placed(body.get("evseId"), body.get("connectorId"))
        faulted, words = status.lower() == FAULTED, in_words(text(body.get("info")), status)
        yield Observation(
            action,
            protocol,
            where.evse,
            status,
            words=words,
            occurred_at=parse_time(body.get("timestamp")),
            over=status.lower() in OPERATIVE or None,
            fault=faults.status_fault(where, of_evse=True, vague=faulted and not tells_more(words)),
            alarming=faulted or not is_status(status),
            defective=faulted,
            faulted=faulted,
        )
        if not ("errorCode" in body or "status" in body):
            return
    status = text(body.get("status"))
    is_operative = status.lower() in OPERATIVE
    error = error_of(body, NO_ERROR if is_operative else "")
    vendor_code = text(body.get("vendorErrorCode"))
    if " " in vendor_code and FOLDED_VALUES["errorCode"].get(fold(vendor_code)) == NO_ERROR:
        vendor_code = ""  # "No error." is no two codes
    fine, info = error.lower() in ("", "noerror"), text(body.get("info"))
    info = at_present(info) if fine and status.lower() != FAULTED else info
    # A sentence of its own denies nothing that another field says.
    said = in_words(f"{info}." if info and vendor_code.count(" ") > 2 else info, vendor_code, status)
    is_two, evse, connector = "connectorStatus" in body, body.get("evseId"), body.get("connectorId")
    where = placed(evse, connector) if is_two else placed(connector if evse is None else evse)
    codes, faulted = codes_of(error, vendor_code, minimum_codes(info)), status.lower() == FAULTED
    is_caused, is_beside = only_names_cause(said), is_operative and not (fine and not said)
    vague = faulted and not is_caused and not tells_more(error, said)
    yield Observation(
        action,
        protocol,
        where.evse,
        status,
        # Beside an error, the vendor's "no error" means that the vendor adds nothing.
        codes if fine else tuple(code for code in codes if code.lower() != "noerror"),
        vendor=text(body.get("vendorId")),
        words=said[:MAX_TEXT],
        fault=faults.status_fault(where, of_evse=is_two, vague=vague, beside=is_beside, caused=is_caused),
        operative=is_operative,
        alarming=not fine or faulted or not is_status(status) or names_code(vendor_code),
        defective=not fine or faulted,
        faulted=faulted,
        occurred_at=parse_time(body.get("timestamp")),
    )


def _notify_event(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    events, generated = body.get("eventData"), parse_time(body.get("generatedAt"))
    bodies = [*enumerate(map(object_of, events if isinstance(events, list) else [events]))]
    for entry, data in in_time([each for each in bodies if each[1]], lambda each: parse_time(each[1].get("timestamp"))):
        yield _event(protocol, action, data, generated, entry)


def _event(protocol: str, action: str, data: dict[str, Any], generated: datetime | None, entry: int = 0) -> Observation:
    component, variable = object_of(data.get("component")), object_of(data.get("variable"))
    name, what, where = text(component.get("name")), text(variable.get("name")), place_of(data)
    codes, words = codes_of(data.get("techCode")), text(data.get("techInfo"))
    value, alerting = data.get("actualValue"), text(data.get("trigger")).lower() == "alerting"
    told, names_defect = values.reported(name, what, value, alerting=alerting), what.lower() in DEFECTS
    is_state, severity = told.is_state or what.lower() == "availabilitystate", severity_of(data.get("severity"))
    grave = severity is not None and severity < GRAVEST_HARMLESS
    on = values.defect_truth(name, what, value, alerting=alerting and (grave or severity is None))
    said, names_defect = event_truth(what.lower(), value) if on is None else on, names_defect or on is True
    is_calm = (said is False or told.over) and not (is_state or values.is_answer(name, what, value))
    if is_calm and (grave or (not told.over and tells_more(words, *codes) and asserts(words))):
        said, told = None, values.NOTHING  # it does not end what the alert or its words tell
    instance = "".join(f"[{text(part.get('instance'))}]" for part in (component, variable) if part.get("instance"))
    # That a monitor is no longer exceeded (2.1, N08) says nothing of others; the value does.
    monitor = whole(data.get("variableMonitoringId")) if said is not False and not told.over else None
    fault = faults.event_fault(f"{name}/{what}{instance}", where, tuple(filter(names_more, codes)), monitor)
    if said and what.lower() in CODE_VARIABLES:
        codes, names_defect = codes_of(data.get("techCode"), value), True
    said, names_defect = True if told.is_broken or told.is_sensed else said, names_defect or told.is_broken
    status = told.status or (text(value) if is_state and not told.over else "")
    words = (f"{words} {told.words}".strip() if told.words else in_words(words, status))[:MAX_TEXT]
    is_over = told.over or truth(data.get("cleared")) or status.lower() in OPERATIVE
    over = True if is_over else None if said is None else not said
    if over and status.lower() == FAULTED:
        status = ""  # it is no longer, and what it is instead is not said
    faulted = status.lower() == FAULTED and over is not True
    informational = severity is not None and severity >= INFORMATIONAL and not alerting and not names_defect
    is_named = any(code.lower() in FAULT_CODES for code in codes) and not informational
    is_named = is_named or (alerting and severity is None and values.tells_broken(words, codes))
    defective = over is not True and (faulted or grave or is_named or (said is True and names_defect))
    vague = faulted and not tells_more(words, text(data.get("techCode")))
    of_state = faults.status_fault(where._replace(evse=where.evse or 0), of_evse=True, vague=vague)
    is_news = not is_state and not informational and over is not True and (said is True or alerting)
    is_boolean = names_defect or what.lower() == "active" or text(value).lower() == "true" or value is True
    return Observation(
        action,
        protocol,
        where.evse,
        status,
        codes,
        name,
        "Active" if told.is_sensed else what,
        words=words,
        place=f"{name} {what}" if said and over is not True and is_boolean and may_name(name, what) else "",
        over=over,
        # A number or text that merely changed asserts no fault; a boolean does, and so do an alert and a status.
        asserted=(said is not None and not informational) or alerting or grave or status.lower() in INOPERATIVE,
        fault=of_state if is_state else fault,
        explained=bool(codes or words) and not informational,
        is_state=is_state,
        transient=told.is_past or what.lower() == "operated",
        alarming=defective or is_news or not is_status(status),
        defective=defective,
        faulted=faulted,
        grave=grave and over is not True,
        occurred_at=parse_time(data.get("timestamp")) or generated,
        sent_at=generated,
        entry=entry,
    )


def _notify_report(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    """What a report of all variables, or the answer to GetVariables, says of those that say whether something is
    broken, as it is at present."""
    generated = parse_time(body.get("generatedAt"))
    for report, value in values.told_by_report(body):
        about = {name: report.get(name) for name in ("component", "variable", "evse")}
        seen = _event(protocol, "NotifyReport", about | {"actualValue": value}, generated)
        yield msgspec.structs.replace(seen, alarming=seen.defective)


def _security_event(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    kind = pascal(text(body.get("type")))
    yield Observation(
        action,
        protocol,
        0,
        codes=codes_of(kind),
        words=text(body.get("techInfo")),
        fault=f"{SECURITY}{kind}"[: faults.MAX_PLACE],
        alarming=True,
        defective=tells_fault(kind),
        transient=True,
        occurred_at=parse_time(body.get("timestamp")),
    )


def _transaction_end(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    """A transaction that a fault ended (1.6: `reason`, 2.x: `stoppedReason`) or disturbs (2.x: `triggerReason`, where
    nothing else ended it); that the grid or a person ended it is none."""
    reason = text(body.get("reason")) or text(object_of(body.get("transactionInfo")).get("stoppedReason"))
    reason = reason or text(body.get("triggerReason"))
    if not is_fault(reason):
        return
    place, at = object_of(body.get("evse")), parse_time(body.get("timestamp"))
    where = placed(place.get("id"), place.get("connectorId"))
    fault = faults.status_fault(where) + faults.STOPPED
    said = Observation(action, protocol, where.evse, codes=(reason,), words=reason, fault=fault, occurred_at=at)
    yield msgspec.structs.replace(said, alarming=True, defective=True, transient=True)


def _data_transfer(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    """A vendor's own message. No status ends what it says, so that it ends by itself where nobody ends it."""
    vendor, data = text(body.get("vendorId")), said_in(body)
    states = states_in(body, data) if is_report(body) else []
    for state in in_time(states, lambda state: parse_time(state.body.get("timestamp"))):
        yield from _status_notification(protocol, "StatusNotification", state.body)
    alarms = alarms_in(body, {state.source for state in states}, data)
    for alarm in in_time(alarms, lambda alarm: parse_time(alarm.occurred_at)):
        is_open = alarm.is_named and not alarm.over
        yield Observation(
            action,
            protocol,
            whole(alarm.connector),
            codes=alarm.codes,
            vendor=vendor,
            words=alarm.words,
            over=alarm.over,
            fault=faults.transfer_fault(vendor, alarm.topic, alarm.name, place_names(alarm.connector)),
            alarming=is_open,
            defective=is_open and alarm.is_told,
            transient=True,
            occurred_at=parse_time(alarm.occurred_at),
        )


def _der_alarm(protocol: str, action: str, body: dict[str, Any]) -> Iterator[Observation]:
    """OCPP 2.1: a fault of the grid, as what controls the charging of cars from it sees it, until it says its end."""
    said = {
        "actualValue": "false" if truth(body.get("alarmEnded")) else "true",
        "techCode": body.get("gridEventFault"),
        "techInfo": body.get("extraInfo"),
        "trigger": "Alerting",
        "timestamp": body.get("timestamp"),
        "component": {"name": "DERControl", "instance": text(body.get("controlType"))},
        "variable": {"name": "Problem"},
    }
    yield _event(protocol, action, said, None)


_READERS = {
    "datatransfer": _data_transfer,
    "stoptransaction": _transaction_end,
    "transactionevent": _transaction_end,
    "statusnotification": _status_notification,
    "notifyevent": _notify_event,
    "notifyreport": _notify_report,
    values.ANSWER.lower(): _notify_report,
    "notifyderalarm": _der_alarm,
    "securityeventnotification": _security_event,
}
