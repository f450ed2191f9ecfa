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
        "charging": "Charging Starting DetailedChargeStateCharging",
        "complete": "Complete DetailedChargeStateComplete",
        "stopped": "Stopped Calibrating DetailedChargeStateStopped",
        "no_power": "NoPower DetailedChargeStateNoPower",
        "disconnected": "Disconnected",
    },
    "BMW": {
        "charging": "CHARGING CHARGINGACTIVE",
        "complete": "COMPLETE FULLY_CHARGED FINISHED_FULLY_CHARGED TARGET_REACHED FINISHED_NOT_FULL CHARGINGENDED",
        "stopped": ("ERROR PLUGGED_IN WAITING_FOR_CHARGING CHARGINGPAUSED INITIALIZATION CHARGINGERROR"),
        "unknown": "NOT_CHARGING NOCHARGING INVALID DEFAULT UNKNOWN",
    },
    "Skoda": {
        "charging": "CHARGING",
        "complete": "CONSERVING",
        "stopped": "READY_FOR_CHARGING CHARGING_INTERRUPTED",
        "disconnected": "CONNECT_CABLE",
    },
    "Volkswagen": {
        "charging": "charging",
        "complete": ("conservation chargePurposeReachedAndConservation chargePurposeReachedAndNotConservationCharging"),
        "stopped": "readyForCharging error discharging",
        "unknown": "off unsupported notReadyForCharging",
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
        "unknown": "charging_ready",
        "stopped": "charging_connecting charging_user_stopped charging_station_err waiting_on_charger",
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
    "BYD": {"charging": "CHARGING", "complete": "COMPLETED", "stopped": "CONNECTED", "unknown": "NOT_CHARGING UNKNOWN"},
    "Mazda": {"charging": "CHARGING", "complete": "COMPLETED", "stopped": "PAUSED", "unknown": "NOT_CHARGING"},
    "Renault": {
        "charging": "CHARGE_IN_PROGRESS inCharge charge_in_progress",
        "complete": "CHARGE_ENDED chargeEnded",
        "stopped": "WAITING_FOR_PLANNED_CHARGE waitingForPlannedCharge WAITING_FOR_CURRENT_CHARGE waiting"
        " WATING_FOR_PLANNED_CHARGE",
        "disconnected": "unplugged",
        "unknown": "NOT_IN_CHARGE notInCharge ENERGY_FLAP_OPENED energyFlapOpened CHARGE_ERROR default unavailable",
    },
    "Android Automotive": {
        "charging": "STATE_CHARGING",
        "complete": "STATE_FULLY_CHARGED",
        "stopped": "STATE_ERROR",
        "unknown": "STATE_NOT_CHARGING STATE_UNKNOWN",
    },
    "Matter": {
        "charging": "pluggedInCharging",
        "stopped": "pluggedInDemand pluggedInNoDemand pluggedInDischarging Fault",
        "disconnected": "notPluggedIn",
    },
    "Homey": {
        "charging": "plugged_in_charging",
        "stopped": "plugged_in_paused plugged_in_discharging plugged_in",
        "disconnected": "plugged_out",
    },
    "Wallboxes beside cars": {
        "charging": "ChargingStarted",
        "complete": "FullyCharged Finished CHARGING_FINISHED Done completed",
        "stopped": "EVConnected SuspendedEV SuspendedEVSE CONNECTED_NOT_CHARGING CONNECTED_WAITING_FOR_CAR_DEMAND"
        " CONNECTED_END_OF_SCHEDULE DISCHARGING awaiting_start ready_to_charge station_connected Waiting",
        "disconnected": "NotConnected NO_CAR_CONNECTED NO_VEHICLE UNCONNECTED",
        "unknown": "CHARGER_CONNECTION_STATUS_FAULT Idle",
    },
    "Leapmotor": {
        "charging": "charging ac_charging dc_charging super_charging boost_charging",
        "stopped": "plugged_not_charging",
    },
}
CASES = [(maker, ours, word) for maker, words in REAL.items() for ours, some in words.items() for word in some.split()]

# Other fields: type of fact and field → our word, or "" for what must bring nothing about → theirs. From what
# WeConnect-python, myskoda, renault-api, bimmer_connected, evcc and Smartcar's and Enode's clients enumerate, from the
# errors of OAuth (RFC 6749, OpenID Connect) and the payouts of Stripe, PayPal, Mollie, Adyen and Wise.
OTHERS: dict[tuple[str, str], dict[str, str]] = {
    ("telemetry", "plugged"): {
        "in": (
            "dc_connected plugged_not_charging plugged_in_charging connected CONNECTED 1 1.0 3 true PLUGGED "
            "plugged_in CONNECTION_STATUS_CONNECTED_AC QC_CONNECTED 2 Engaged"
            " CONNECTION_STATUS_CONNECTED_DC CHARGER_CONNECTION_STATUS_CONNECTED conductive CABLE_CONNECTED"
        ),
        "out": (
            "UNCONNECTED disconnected DISCONNECTED 0 0.0 false UNPLUGGED not_connected NOT_CONNECTED Disengaged "
            "not_plugged"
            " CONNECTION_STATUS_DISCONNECTED CHARGER_CONNECTION_STATUS_DISCONNECTED notPlugged chrgr_sts_not_connected"
        ),
        "unknown": (
            "CHARGER_CONNECTION_STATUS_FAULT -1 -2147483648 invalid unsupported INVALID FAULT UNSPECIFIED UNKNOWN "
            "CONNECTION_STATUS_FAULT"
            " CHARGER_CONNECTION_STATUS_FAULT CHARGER_CONNECTION_STATUS_UNSPECIFIED <invalid>"
        ),
    },
    ("telemetry", "charge_state"): {
        "charging": "-1.6",
        "stopped": "-1.3 -1.5 0.1 0.3",
        "complete": "0.2",
        "unknown": "-1.0 -1.1 -1.4 0.0 0.4 ENERGY_FLAP_OPENED",
    },
    ("vehicle", "user_role"): {
        "primary": "PRIMARY_USER PRIMARY OWNER PrimaryUser main_user",
        "secondary": "SECONDARY_USER SECONDARY DRIVER USER",
        "guest": "GUEST_USER GUEST",
        "none": "CDIS_UNKNOWN_USER",
        "unknown": "UNKNOWN UNKNOWN_USER",
    },
    ("vehicle", "enrollment"): {
        "completed": "COMPLETED ACTIVE ENROLLED",
        "started": "STARTED IN_PROGRESS PENDING",
        "not_started": "NOT_STARTED GDC_MISSING INACTIVE NOT_ENROLLED",
    },
    ("oem_account", "auth_state"): {
        "ok": "AUTHENTICATED VALID connected SUCCESS logged_in",
        "invalid_credentials": (
            "err.func.401 err.func.wired.unauthorized REAUTH UNAUTHENTICATED invalid_grant login_required "
            "AUTHENTICATION_FAILED AUTHENTICATION REAUTHENTICATE"
            " unauthorized invalid_token token_expired reauth_required InvalidLoginID wrong_password 401"
            " interaction_required needs_reauth mfa_required refresh_token_expired"
            " invalid_credentials Unauthorized_user"
        ),
        "action_required": (
            "email_not_verified ACCOUNT_ISSUE account_locked consent_required terms_and_conditions_not_accepted"
        ),
        "revoked": (
            "err.func.403 err.func.wired.forbidden consent_missing PERMISSION access_denied consent_revoked "
            "insufficient_scope"
            " permission_denied CONSENT_MISSING consent_expired deauthorized"
        ),
        "": "server_error temporarily_unavailable RATE_LIMIT UPSTREAM 503 invalid_request",
    },
    ("oem_service", "state"): {
        "active": "ACTIVE ACTIVATED Actif Aktiv ENABLED SUBSCRIBED",
        "ended": "ENDED DEACTIVATED CANCELLED DISABLED LICENSE_INACTIVE Résilié",
        "expired": "LICENSE_EXPIRED Expiré EXPIRED Abgelaufen",
        "rejected": "REJECTED Echec_d’activation ACTIVATION_FAILED",
        "requested": "PENDING ACTIVATION_IN_PROGRESS IN_PROGRESS",
        "none": "MISSING_LICENSE LICENSE_MISSING NOT_SUBSCRIBED NOTSUBSCRIBED NOT_ACTIVATED",
    },
    ("pairing", "step"): {
        "ready": "READY_FOR_PAIRING",
        "started": "PAIRING PENDING IN_PROGRESS",
        "completed": "PAIRED CONFIRMED key_paired SUCCESS COMPLETED_SUCCESS",
        "failed": "FAILED TIMEOUT timed_out ERROR REJECTED",
    },
    ("utility_contract", "state"): {
        "valid": "ACTIVE SIGNED in_supply CONFIRMED accepted",
        "pending": "PENDING SUBMITTED processing awaiting_activation draft",
        "invalid": "REJECTED INVALID Invalidated declined void Suspended",
        "expired": "EXPIRED ENDED TERMINATED lapsed churned",
        "removed": "DELETED CANCELLED withdrawn",
    },
    ("pdl_agreement", "state"): {
        "accepted": "ACCEPTED granted signed consented given",
        "declined": "REFUSED DENIED revoked withdrawn opted_out",
        "offered": "PENDING requested sent awaiting_consent",
    },
    ("payout", "state"): {
        "due": "pending open queued scheduled",
        "sent": "in_transit PENDING_BOOKING processing-at-bank UNCLAIMED outgoing_payment_sent initiated processing",
        "paid": "paid SUCCESS booked credited settled",
        "failed": (
            "failed canceled RETURNED DENIED refused bounced bounced_back REVERSED REFUNDED funds_refunded BLOCKED"
            " charged_back"
        ),
        "": "ONHOLD",
    },
    ("referral", "state"): {
        "completed": "completed converted redeemed successful rewarded qualified",
        "open": "pending invited signed_up registered sent",
    },
    ("charging_command", "command"): {
        "start": "START START_CHARGE charge_start start-charging startCharging RESUME",
        "stop": "STOP STOP_CHARGE charge_stop stop-charging stopCharging PAUSE cancelCharge",
    },
}
# Of capabilities: how they stand, and what they are called.
CAPABILITY_STATES = {
    "available": "available enabled true ACTIVATED AVAILABLE supported",
    "missing": (
        "MISSING_SERVICE MISSING_OPERATION LICENSE_EXPIRED LICENSE_INACTIVE MISSING_LICENSE STATUS_UNSUPPORTED 1008"
        " 1007 2001 2002 2003 4001 NOT_AVAILABLE VEHICLE_NOT_CAPABLE not_supported"
    ),
    "blocked": (
        "DEACTIVATED INITIALLY_DISABLED DISABLED_BY_USER OFFLINE_MODE LOCATION_DATA_DISABLED USER_NOT_VERIFIED"
        " TERMS_AND_CONDITIONS_NOT_ACCEPTED INSUFFICIENT_RIGHTS CONSENT_MISSING 1001 1003 1004 1005 1013 3001 3002"
        " 3003 3004 DEACTIVATED_BY_ACTIVE_VEHICLE_USER VEHICLE_DISABLED INSUFFICIENT_SPIN PERMISSION NOT_ALLOWED"
    ),
    # What passes by itself must neither take a capability away nor tell of it when it is back.
    "": "DEEP_SLEEP POWER_BUDGET_REACHED WORKSHOP_MODE PLAY_PROTECTION INSUFFICIENT_BATTERY_LEVEL LIMITED_FEATURE",
}
CAPABILITY_NAMES = {
    "geoLocation": "geolocation GEO_LOCATION location parkingPosition PARKING_POSITION vehicleFinder read_location",
    "startStopCharging": "startStopCharging startCharging control_charge remoteChargingCommands start_stop_charging",
    "stateOfCharge": "stateOfCharge read_battery batteryLevel BATTERY_LEVEL soc",
    "chargeState": "chargeState read_charge charge_state",
    "departureTimes": "departureTimers DEPARTURE_TIMERS departureTimes",
}
SERVICE_CODES = {
    "ZE_INTERACTIVE": "CONNECTED_SERVICES ZE_INTERACTIVE ZECONNECTP ZEINTER My_Z.E_Inter@ctive My_Z.E._Connect",
    "": "ZETRIP MMLIVE MMCOYOTE MUSEUMM12",
}
