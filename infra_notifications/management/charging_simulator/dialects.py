"""The messages of a simulated station in OCPP 1.6 and 2.0.1: pure functions of a step and what the station knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra_notifications.management.charging_simulator.story import Event, Step

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """How a fault is reported: errorCode of 1.6, component and variable of 2.0.1, the vendor's code and words.

    Not every fault makes the connector Faulted.
    """

    error_code: str
    component: str
    variable: str
    vendor_code: str
    words: str
    is_faulted: bool = True


FAULTS: Mapping[str, Fault] = {
    "fuse": Fault("OverCurrentFailure", "ElectricalFeed", "Tripped", "E117", "MCB tripped"),
    "ground": Fault("GroundFailure", "RCD", "Tripped", "E101", "RCD triggered"),
    "lock": Fault("ConnectorLockFailure", "ConnectorPlugRetentionLock", "Problem", "E204", "Plug not locked"),
    "meter": Fault("PowerMeterFailure", "FiscalMetering", "Problem", "E310", "No answer of the meter"),
    "emergency": Fault("OtherError", "EmergencyStopSensor", "Active", "E001", "Emergency stop button pressed"),
    "reader": Fault("ReaderFailure", "TokenReader", "Problem", "E412", "RFID reader does not respond"),
    "tilt": Fault("OtherError", "TiltSensor", "Active", "TiltDetected", "Tilt sensor triggered", is_faulted=False),
    "door": Fault("OtherError", "AccessBarrier", "Problem", "DoorOpen", "Cabinet door open", is_faulted=False),
}
STATUS_2 = {"Preparing": "Occupied", "Charging": "Occupied", "Finishing": "Occupied"}
WH_PER_MINUTE = {False: 180, True: 830}


@dataclass
class Knowledge:
    """What a station knows of itself between two messages."""

    vendor: str
    model: str
    firmware: str
    serial: str
    token: str
    is_fast: bool = False
    meter_wh: dict[int, int] = field(default_factory=dict)
    transactions: dict[int, Any] = field(default_factory=dict)
    sent: int = 0

    def charge(self, connector: int) -> int:
        """The meter after another minute of charging, in Wh."""
        self.meter_wh[connector] = self.meter_wh.get(connector, 120_000) + WH_PER_MINUTE[self.is_fast]
        return self.meter_wh[connector]

    def next_number(self) -> int:
        self.sent += 1
        return self.sent


def _at(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- OCPP 1.6 -----------------------------------------------------------------------------------------------------


def calls_16(step: Step, known: Knowledge, now: datetime) -> list[Call]:
    connector, at = step.connector, _at(now)
    match step.event:
        case Event.BOOT:
            boot = {
                "chargePointVendor": known.vendor[:20],
                "chargePointModel": known.model[:20],
                "firmwareVersion": known.firmware,
                "chargePointSerialNumber": known.serial,
            }
            return [("BootNotification", boot)]
        case Event.STATUS:
            return [_status_16(connector, step.detail, at)]
        case Event.AUTHORIZE:
            return [("Authorize", {"idTag": known.token})]
        case Event.START:
            meter = known.charge(connector)
            start = {"connectorId": connector, "idTag": known.token, "meterStart": meter, "timestamp": at}
            return [("StartTransaction", start)]
        case Event.METER:
            sampled = [{"value": str(known.charge(connector)), "measurand": "Energy.Active.Import.Register"}]
            return [("MeterValues", _transaction(known, connector, at, sampled))]
        case Event.STOP if connector in known.transactions:
            stop = {"meterStop": known.charge(connector), "timestamp": at, "reason": "EVDisconnected"}
            return [("StopTransaction", stop | {"transactionId": known.transactions.pop(connector)})]
        case Event.FAULT:
            fault = FAULTS[step.detail]
            error = {"errorCode": fault.error_code, "info": fault.words, "vendorErrorCode": fault.vendor_code}
            return [_status_16(connector, "Faulted" if fault.is_faulted else "Available", at, error)]
        case Event.RECOVER:
            return [_status_16(connector, "Available", at)]
    return []


def _status_16(connector: int, status: str, at: str, more: Mapping[str, str] = {"errorCode": "NoError"}) -> Call:
    return "StatusNotification", {"connectorId": connector, "status": status, "timestamp": at, **more}


def _transaction(known: Knowledge, connector: int, at: str, sampled: list[dict[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "connectorId": connector,
        "meterValue": [{"timestamp": at, "sampledValue": sampled}],
    }
    return values | ({"transactionId": known.transactions[connector]} if connector in known.transactions else {})


# ---- OCPP 2.0.1 ---------------------------------------------------------------------------------------------------


def calls_201(step: Step, known: Knowledge, now: datetime) -> list[Call]:
    connector, at = step.connector, _at(now)
    match step.event:
        case Event.BOOT:
            station = {
                "vendorName": known.vendor,
                "model": known.model[:20],
                "firmwareVersion": known.firmware,
                "serialNumber": known.serial,
            }
            return [("BootNotification", {"reason": "PowerUp", "chargingStation": station})]
        case Event.STATUS if connector:
            return [_status_201(connector, STATUS_2.get(step.detail, step.detail), at)]
        case Event.AUTHORIZE:
            return [("Authorize", {"idToken": _token(known)})]
        case Event.START:
            known.transactions[connector] = f"{known.serial}-{connector}-{known.next_number()}"
            return [_event_201("Started", "Authorized", connector, known, at)]
        case Event.METER if connector in known.transactions:
            return [_event_201("Updated", "MeterValuePeriodic", connector, known, at)]
        case Event.STOP if connector in known.transactions:
            call = _event_201("Ended", "EVCommunicationLost", connector, known, at)
            del known.transactions[connector]
            return [call]
        case Event.FAULT:
            notify = _notify_201(step, known, at, active=True)
            return [notify, _status_201(connector, "Faulted", at)] if FAULTS[step.detail].is_faulted else [notify]
        case Event.RECOVER:
            return [_notify_201(step, known, at, active=False), _status_201(connector, "Available", at)]
    return []


def _token(known: Knowledge) -> dict[str, str]:
    return {"idToken": known.token, "type": "ISO14443"}


def _status_201(connector: int, status: str, at: str) -> Call:
    return "StatusNotification", {"timestamp": at, "connectorStatus": status, "evseId": connector, "connectorId": 1}


def _event_201(kind: str, trigger: str, connector: int, known: Knowledge, at: str) -> Call:
    sampled = [{"value": float(known.charge(connector)), "measurand": "Energy.Active.Import.Register"}]
    return "TransactionEvent", {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": trigger,
        "seqNo": known.next_number(),
        "transactionInfo": {"transactionId": known.transactions[connector]},
        "evse": {"id": connector, "connectorId": 1},
        "idToken": _token(known),
        "meterValue": [{"timestamp": at, "sampledValue": sampled}],
    }


def _notify_201(step: Step, known: Knowledge, at: str, *, active: bool) -> Call:
    fault = FAULTS[step.detail]
    event = {
        "eventId": known.next_number(),
        "timestamp": at,
        "trigger": "Alerting",
        "actualValue": "true" if active else "false",
        "cleared": not active,
        "techCode": fault.vendor_code,
        "techInfo": fault.words,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": fault.component, "evse": {"id": step.connector}},
        "variable": {"name": fault.variable},
    }
    return "NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]}


DIALECTS: Mapping[str, Callable[[Step, Knowledge, datetime], list[Call]]] = {
    "ocpp1.6": calls_16,
    "ocpp2.0.1": calls_201,
}
