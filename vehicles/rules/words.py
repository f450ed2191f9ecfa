"""The words that manufacturers and platforms use for the states that Signalbox knows, one table for each field.

A word in no table is unknown: it brings nothing about.

Sources: the vocabularies of Jedlix, Smartcar, Enode, Renault's Kamereon (numbers as text), WeConnect, BMW CarData and
Tesla, as their documentation and the clients `renault-api`, `WeConnect-python` and `bimmer_connected` name them.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.words import Vocabulary

# Whether a plug is in is not said by "not charging": it may be the answer of a car on the motorway.
CHARGE_STATE = Vocabulary(
    {
        "disconnected": (
            "unplugged not_plugged not_plugged_in not_connected plugged_out connect_cable charger_disconnected "
            "chrgr_sts_not_connected -1.0 -1"
        ),
        "charging": (
            "charge_in_progress charging_active in_charge plugged_in:charging charging_slow charging_fast starting "
            "conservation conserving charge_purpose_reached_and_conservation quick_charging normal_charging "
            "rapidly_charging fast_charging smart_charging charging_ac charging_dc charging_dc_fast_charge "
            "in_progress active 1.0 1"
        ),
        "stopped": (
            "stop paused charging_paused plugged_in plugged_in:stopped plugged_in:initializing plugged_in:no_power "
            "plugged_in:fault plugged_in:discharging no_power fault error charging_error initialization initializing "
            "ready_for_charging not_ready_for_charging waiting_for_charging waiting_for_a_planned_charge "
            "waiting_for_current_charge charging_interrupted interrupted energy_flap_opened discharging "
            "finished_not_full charging_ended scheduled pending charge_scheduled calibrating suspended ready_to_charge "
            "initialising waiting_to_charge failure charging_ready charging_connecting charging_user_stopped "
            "charging_station_err waiting_on_charger cable_connected charging_evse_preparation connected "
            "smart_charging_paused 0.1 0.3 0.4"
        ),
        "complete": (
            "completed full fully_charged finished finished_fully_charged charge_ended charging_complete "
            "target_reached plugged_in:complete charge_purpose_reached_and_not_conservation_charging "
            "charging_completed charge_complete completely_charged charge_target_reached soc_reached "
            "no_charge_battery_full charging_end_ok done 0.2"
        ),
        "unknown": (
            "not_charging no_charging not_in_charge off unavailable unsupported invalid idle default unspecified none "
            "not_ready evse_not_detected 0.0 0 -1.1"
        ),
    },
    ("chargingstatus", "chargingsystem", "chargestate", "chargingstate"),
)
AUTH_STATE = Vocabulary(
    {
        "ok": "valid active authenticated authentication_complete resolved connected success authorized approved",
        "invalid_credentials": (
            "invalid authentication_failed auth_failed bad_credentials wrong_credentials invalidated expired "
            "reauthenticate login_failed authentication_error"
        ),
        "revoked": "access_revoked disconnected deauthorized consent_revoked unlinked rejected",
    }
)
USER_ROLE = Vocabulary(
    {
        "primary": "primary_user main main_user main_driver owner key_user primary_owner pu",
        "secondary": "secondary_user co_user additional_user su shared driver",
        "guest": "guest_user gu",
        "none": "no_user not_a_user no_role",
        "unknown": "unknown_user cdis_unknown_user",
    }
)
ENROLLMENT = Vocabulary(
    {
        "not_started": "inactive gdc_missing open",
        "started": "in_progress pending ongoing",
        "completed": "complete done finished active enrolled",
        "unknown": "",
    }
)
LINK_STATUS = Vocabulary({"active": "linked connected", "missing": "inactive none unlinked removed deleted revoked"})
PAIRING_STEP = Vocabulary(
    {
        "ready": "ready_for_pairing",
        "started": "pairing in_progress",
        "completed": "paired complete success succeeded done",
        "failed": "error failure aborted",
    }
)
SERVICE_CODE = Vocabulary({"ZE_INTERACTIVE": "zeconnectp ze_connect_p ze_connect my_ze_connect z.e.connect ze"})
SERVICE_STATE = Vocabulary(
    {
        "none": "missing not_subscribed not_activated",
        "requested": "activation_in_progress pending waiting in_progress being_activated",
        "active": "activated enabled subscribed valid running",
        "rejected": "refused failed activation_failed declined denied",
        "expired": "license_expired subscription_expired elapsed",
        "ended": "terminated cancelled canceled inactive license_inactive disabled stopped",
        "revoked": "withdrawn",
    }
)
CONTRACT_STATE = Vocabulary(
    {
        "pending": "requested waiting in_progress new",
        "valid": "active confirmed ok accepted verified",
        "invalid": "rejected refused not_valid inactive failed",
        "expired": "ended elapsed terminated",
        "removed": "deleted cancelled canceled",
    }
)
AGREEMENT_STATE = Vocabulary(
    {"offered": "open pending presented", "accepted": "agreed signed confirmed", "declined": "refused rejected"}
)
PAYOUT_STATE = Vocabulary(
    {
        "due": "pending open planned scheduled",
        "sent": "submitted processing in_transit initiated",
        "paid": "completed settled paid_out received success",
        "failed": "rejected returned error cancelled canceled",
    }
)
REFERRAL_STATE = Vocabulary({"open": "pending invited started", "completed": "complete done finished rewarded paid"})
COMMAND = Vocabulary(
    {
        "start": "start_charge start_charging charge resume startcharge",
        "stop": "stop_charge stop_charging pause cancel stopcharge",
    }
)
CAPABILITY_STATE = Vocabulary(
    {
        "available": "enabled active supported true yes",
        "missing": "unavailable unsupported not_supported absent none false no not_capable",
        "blocked": "disabled restricted intervention_required user_action_required",
    }
)
PUSH_STATE = Vocabulary(
    {
        "delivered": "accepted ok success received displayed",
        "failed": "error undelivered rejected bounced unregistered expired dropped invalid_token",
        "opened": "read clicked open tapped seen",
    }
)
# Of a type of fact, the table of each field of its data.
VOCABULARIES: Mapping[str, Mapping[str, Vocabulary]] = {
    "oem_account": {"auth_state": AUTH_STATE},
    "vehicle": {"user_role": USER_ROLE, "enrollment": ENROLLMENT, "link_status": LINK_STATUS},
    "telemetry": {"charge_state": CHARGE_STATE},
    "pairing": {"step": PAIRING_STEP},
    "oem_service": {"state": SERVICE_STATE},
    "utility_contract": {"state": CONTRACT_STATE},
    "pdl_agreement": {"state": AGREEMENT_STATE},
    "payout": {"state": PAYOUT_STATE},
    "referral": {"state": REFERRAL_STATE},
    "charging_command": {"command": COMMAND},
}
