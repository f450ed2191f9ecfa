"""Charge states as cars' clouds say them, by maker, judged by what each means to its maker.

Gathered from documentation and from the tests of clients that others wrote, before any was tried here.
"""

from __future__ import annotations

# Maker → our word → theirs.
REAL: dict[str, dict[str, str]] = {
    "Volvo": {
        "charging": "CHARGING_SYSTEM_CHARGING",
        "complete": "CHARGING_SYSTEM_DONE",
        "stopped": "CHARGING_SYSTEM_FAULT CHARGING_SYSTEM_SCHEDULED",
        "unknown": "CHARGING_SYSTEM_IDLE CHARGING_SYSTEM_UNSPECIFIED",
    },
    "Polestar": {
        "charging": "CHARGING_STATUS_CHARGING CHARGING_STATUS_SMART_CHARGING",
        "complete": "CHARGING_STATUS_DONE",
        "stopped": (
            "CHARGING_STATUS_FAULT CHARGING_STATUS_SCHEDULED CHARGING_STATUS_ERROR CHARGING_STATUS_DISCHARGING"
            " CHARGING_STATUS_SMART_CHARGING_PAUSED"
        ),
        "unknown": "CHARGING_STATUS_IDLE CHARGING_STATUS_UNSPECIFIED",
    },
    "Tesla": {
        "charging": "Charging Starting",
        "complete": "Complete",
        "stopped": "Stopped NoPower Calibrating",
        "disconnected": "Disconnected",
    },
    "BMW": {
        "charging": "CHARGING CHARGINGACTIVE",
        "complete": "COMPLETE FULLY_CHARGED FINISHED_FULLY_CHARGED TARGET_REACHED",
        "stopped": (
            "ERROR FINISHED_NOT_FULL PLUGGED_IN WAITING_FOR_CHARGING CHARGINGENDED CHARGINGPAUSED INITIALIZATION"
            " CHARGINGERROR"
        ),
        "unknown": "NOT_CHARGING NOCHARGING INVALID DEFAULT UNKNOWN",
    },
    "Skoda": {
        "charging": "CHARGING CONSERVING",
        "stopped": "READY_FOR_CHARGING CHARGING_INTERRUPTED",
        "disconnected": "CONNECT_CABLE",
    },
    "Volkswagen": {
        "charging": "charging conservation chargePurposeReachedAndConservation",
        "complete": "chargePurposeReachedAndNotConservationCharging",
        "stopped": "readyForCharging notReadyForCharging error discharging",
        "unknown": "off unsupported",
    },
    "Porsche": {
        "charging": "CHARGING FAST_CHARGING",
        "complete": "COMPLETED SOC_REACHED",
        "stopped": "CHARGING_PAUSED ERROR SUSPENDED READY_TO_CHARGE INITIALISING",
        "disconnected": "NOT_PLUGGED",
        "unknown": "NOT_CHARGING",
    },
    "Jaguar": {
        "charging": "CHARGING",
        "complete": "FULLYCHARGED",
        "stopped": "PAUSED FAULT INITIALIZATION WAITINGTOCHARGE",
        "disconnected": "NOTCONNECTED",
    },
    "Stellantis": {
        "charging": "InProgress",
        "complete": "Finished",
        "stopped": "Stopped Failure",
        "disconnected": "Disconnected",
    },
    "Ford": {
        "charging": "ChargingAC ChargingDCFastCharge InProgress",
        "complete": "NoCharge_BatteryFull ChargeTargetReached CompletelyCharged",
        "stopped": "ChargeScheduled Paused Fault",
        "unknown": "NotReady EvseNotDetected",
    },
    "Nissan": {
        "charging": "NORMAL_CHARGING RAPIDLY_CHARGING CHARGING_AC",
        "unknown": "NOT_CHARGING",
    },
    "Rivian": {
        "charging": "charging_active",
        "complete": "charging_complete",
        "stopped": "charging_ready charging_connecting charging_user_stopped charging_station_err waiting_on_charger",
        "disconnected": "chrgr_sts_not_connected charger_disconnected",
    },
    "Lucid": {
        "charging": "CHARGE_STATE_CHARGING",
        "complete": "CHARGE_STATE_CHARGING_END_OK",
        "stopped": "CHARGE_STATE_CABLE_CONNECTED CHARGE_STATE_CHARGING_EVSE_PREPARATION",
        "disconnected": "CHARGE_STATE_NOT_CONNECTED",
    },
    "Toyota": {
        "charging": "charging",
        "complete": "chargeComplete",
        "stopped": "connected",
        "unknown": "none",
    },
    "EEBus": {
        "charging": "active",
        "complete": "finished",
        "stopped": "paused error",
        "disconnected": "unplugged",
    },
}
CASES = [(maker, ours, word) for maker, words in REAL.items() for ours, some in words.items() for word in some.split()]
