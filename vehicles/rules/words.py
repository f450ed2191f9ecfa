"""The words that manufacturers and platforms use for the states that Signalbox knows, one table for each field.

A word in no table is unknown: it brings nothing about.

Sources: the vocabularies of Jedlix, Smartcar, Enode, Renault's Kamereon (numbers as text), WeConnect, BMW CarData and
Tesla, as their documentation and the clients `renault-api`, `WeConnect-python` and `bimmer_connected` name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words import Vocabulary, word_key
from vehicles.choices import Category

# Whether a plug is in is not said by "not charging": it may be the answer of a car on the motorway.
CHARGE_STATE = Vocabulary(
    {
        "disconnected": (
            "unplugged not_plugged not_plugged_in not_connected plugged_out connect_cable charger_disconnected "
            "chrgr_sts_not_connected unconnected no_car_connected no_vehicle cable_disconnected no_cable"
        ),
        "charging": (
            "charge_in_progress charging_active in_charge plugged_in:charging charging_slow charging_fast starting "
            "quick_charging normal_charging rapidly_charging fast_charging slow_charging smart_charging charging_ac "
            "ac_charging charging_dc dc_charging charging_dc_fast_charge in_progress active v2g_charging_normal "
            "1.0 1 -1.6 "
            "super_charging charging_started boost_charging plugged_in_charging charging_in_progress wireless_charging "
            "dc_fast_charging plug_in_charging"
        ),
        "stopped": (
            "stop paused charging_paused plugged_in plugged_in:stopped plugged_in:initializing "
            "plugged_in:fault plugged_in:discharging fault error charging_error initialization initializing "
            "ready_for_charging waiting_for_charging waiting_for_a_planned_charge "
            "waiting_for_current_charge charging_interrupted interrupted discharging "
            "scheduled pending charge_scheduled calibrating suspended suspended_ev suspended_evse ready_to_charge "
            "initialising waiting_to_charge failure charging_connecting charging_user_stopped charge_paused "
            "charging_station_err waiting_on_charger cable_connected charging_evse_preparation connected "
            "locked_connected smart_charging_paused v2g_charging_waiting v2g_discharging 0.1 0.3 -1.3 -1.5 "
            "connected_not_charging plugged_in_not_charging plugged_not_charging charging_station_connected "
            "station_connected scheduled_charging waiting_for_planned_charge waiting_for_current "
            "wating_for_planned_charge ev_connected connected_waiting_for_car_demand connected_end_of_schedule "
            "plugged_in_demand "
            "plugged_in_no_demand plugged_in_paused plugged_in_discharging awaiting_start charge_interrupted waiting"
        ),
        # The cable is in, and nothing comes out of it.
        "no_power": "plugged_in:no_power power_missing no_current no_charge_power plugged_no_power connected_no_power",
        "complete": (
            "completed full fully_charged charged finished finished_fully_charged finished_not_full charge_ended "
            "charging_ended charging_complete "
            # At its limit, which the car keeps.
            "conservation conserving charge_purpose_reached_and_conservation "
            "target_reached plugged_in:complete charge_purpose_reached_and_not_conservation_charging "
            "charging_completed charge_complete completely_charged charge_target_reached soc_reached "
            "no_charge_battery_full charging_end_ok done 0.2 "
            "charging_finished charge_completed charging_done charge_finished charge_done battery_full limit_reached"
        ),
        "unknown": (
            "not_charging no_charging not_in_charge off unavailable unsupported invalid idle default unspecified none "
            "not_ready evse_not_detected v2l_connected 0.0 0 -1.1 -1.4 standby inactive not_available n/a "
            "charger_connection_status_fault "
            # What cars without a cable say as well: the flap is open, the car is not ready, or would be.
            "not_ready_for_charging energy_flap_opened charging_ready 0.4 "
            # Of older Renaults "does not charge", of newer ones an error.
            "charge_error -1.0 -1"
        ),
    },
    (
        "chargingstatus",
        "chargingsystem",
        "detailedchargestate",
        "chargestate",
        "chargingstate",
        "chargestatus",
        "state",
    ),
)
PLUG = Vocabulary(
    {
        "in": (
            "connected plugged plugged_in true yes 1 2 3 connected_ac connected_dc qc_connected engaged conductive "
            "inductive cable_connected plugged_waiting_for_charge locked_connected dc_connected ac_connected "
            "plugged_in_charging plugged_in_paused plugged_in_discharging plugged_not_charging"
        ),
        "out": (
            "disconnected unplugged not_connected not_plugged not_plugged_in plugged_out false no 0 disengaged "
            "connect_cable charger_disconnected chrgr_sts_not_connected unconnected cable_disconnected no_cable"
        ),
        "unknown": (
            "invalid unsupported unspecified fault error unavailable plug_error plug_unknown -1 -2147483648 "
            "not_available n/a"
        ),
    },
    ("chargerconnectionstatus", "connectionstatus", "plugstate", "plugstatus"),
)
AUTH_STATE = Vocabulary(
    {
        "ok": (
            "valid active authenticated authentication_complete resolved connected success authorized approved "
            "logged_in signed_in"
        ),
        "invalid_credentials": (
            "invalid authentication_failed auth_failed bad_credentials wrong_credentials invalidated expired "
            "reauthenticate login_failed authentication_error authentication "
            "invalid_grant invalid_token token_expired token_revoked login_required interaction_required "
            "reauth_required reauthentication_required needs_reauth mfa_required refresh_token_expired "
            "unauthorized unauthorized_user invalid_login_id invalid_login wrong_password invalid_password 401 "
            "reauth relogin_required unauthenticated not_authenticated invalid_auth session_expired expired_token "
            "invalid_refresh_token bad_token auth_required password_changed incorrect_password credentials_expired "
            "captcha_required otp_required 2fa_required not_logged_in logged_out invalid_login_credentials"
        ),
        # The sign-in is right, and the maker's app wants something of the driver first.
        "action_required": (
            "account_issue account_locked user_action_required unverified_user user_not_verified "
            "terms_and_conditions_not_accepted terms_not_accepted consent_required email_not_verified accept_terms "
            "terms_of_use_not_accepted account_disabled account_suspended account_blocked marketing_consent_required"
        ),
        "revoked": (
            "access_revoked disconnected deauthorized consent_revoked unlinked rejected "
            "consent_missing consent_expired consent_withdrawn permission permission_denied access_denied "
            "insufficient_scope insufficient_rights forbidden not_authorized 403"
        ),
    },
    ("errfuncwired", "errfunc"),
)
USER_ROLE = Vocabulary(
    {
        "primary": "primary_user main main_user main_driver owner key_user primary_owner pu hauptnutzer primary_driver",
        "secondary": (
            "secondary_user co_user additional_user su shared driver user mitnutzer nebennutzer secondary_driver"
        ),
        "guest": "guest_user gu gastnutzer gast",
        # The vehicle's own list of users does not know this one.
        "none": "no_user not_a_user no_role cdis_unknown_user",
        "unknown": "unknown_user",
    }
)
ENROLLMENT = Vocabulary(
    {
        "not_started": "inactive gdc_missing open not_enrolled",
        "started": "in_progress pending ongoing",
        "completed": "complete done finished active enrolled",
        "unknown": "",
    }
)
LINK_STATUS = Vocabulary(
    {"active": "linked connected", "missing": "inactive none unlinked removed deleted revoked not_found"}
)
PAIRING_STEP = Vocabulary(
    {
        "ready": "ready_for_pairing",
        "started": "pairing in_progress pending requested waiting",
        "completed": "paired complete success succeeded done confirmed key_paired completed_success",
        "failed": "error failure aborted rejected timeout timed_out cancelled canceled expired",
    }
)
SERVICE_CODE = Vocabulary(
    {
        "ZE_INTERACTIVE": (
            # Smartcar's word for the subscription of any make: of a Renault's it is this one.
            "connected_services connected_services_account zeconnectp zeinter "
            "ze_connect my_ze_connect my_ze_connect_with_navigation my_ze_inter@ctive "
            "ze_inter@ctive my_ze_interactive ze"
        )
    }
)
SERVICE_STATE = Vocabulary(
    {
        "none": "missing not_subscribed not_activated missing_license license_missing missing_service",
        "requested": "activation_in_progress pending waiting in_progress being_activated activating",
        "active": "activated enabled subscribed valid running actif aktiv expiring_soon",
        "rejected": "refused failed activation_failed declined denied echec_d'activation aktivierung_fehlgeschlagen",
        "expired": "license_expired subscription_expired elapsed expiré abgelaufen",
        "ended": (
            "terminated cancelled canceled inactive license_inactive disabled stopped deactivated désactivé résilié "
            "deaktiviert gekündigt"
        ),
        "revoked": "withdrawn",
    }
)
# Kamereon's words for a contract that does not run.
NOT_RUNNING = ("none", "ended", "expired", "revoked")
CONTRACT_STATE = Vocabulary(
    {
        "pending": "requested waiting in_progress new submitted processing awaiting_activation draft",
        "valid": "active confirmed ok accepted verified signed in_supply supplied",
        "invalid": "invalidated rejected refused not_valid inactive failed declined void suspended customer_not_found",
        "expired": "ended elapsed terminated lapsed finished churned",
        "removed": "deleted cancelled canceled withdrawn",
    }
)
AGREEMENT_STATE = Vocabulary(
    {
        "offered": "open pending presented requested sent awaiting_consent",
        "accepted": "agreed signed confirmed granted given consented approved",
        "declined": "refused rejected denied revoked withdrawn opted_out",
    }
)
PAYOUT_STATE = Vocabulary(
    {
        "due": "pending open planned scheduled queued",
        "sent": (
            "submitted processing in_transit initiated pending_booking processing_at_bank unclaimed "
            "outgoing_payment_sent transferred"
        ),
        "paid": "completed settled paid_out received success booked credited",
        "failed": (
            "rejected returned error cancelled canceled denied refused bounced bounced_back reversed refunded "
            "funds_refunded blocked charged_back"
        ),
    }
)
REFERRAL_STATE = Vocabulary(
    {
        "open": "pending invited started sent signed_up registered",
        "completed": (
            "complete done finished rewarded paid converted redeemed successful success qualified activated fulfilled"
        ),
    }
)
COMMAND = Vocabulary(
    {
        "start": "start_charge start_charging charge_start charge resume",
        "stop": "stop_charge stop_charging charge_stop pause cancel cancel_charge",
    }
)
# What passes by itself (deep sleep, a workshop) is in none: it neither takes a capability away nor brings it back.
CAPABILITY_STATE = Vocabulary(
    {
        "available": "enabled active activated supported true yes 1",
        "missing": (
            "unavailable unsupported not_supported absent none false no 0 not_capable not_available "
            "vehicle_not_capable status_unsupported missing_service missing_operation missing_license license_missing "
            "license_expired license_inactive 1007 1008 2001 2002 2003 4001"
        ),
        # What the driver can change: WeConnect's names and numbers, and Skoda's.
        "blocked": (
            "disabled restricted intervention_required user_action_required deactivated initially_disabled "
            "disabled_by_user deactivated_by_active_vehicle_user vehicle_disabled offline_mode location_data_disabled "
            "user_not_verified terms_and_conditions_not_accepted insufficient_rights insufficient_spin "
            "consent_missing permission not_allowed 1001 1003 1004 1005 1013 3001 3002 3003 3004"
        ),
    }
)


def state_of_capability(said: Mapping[str, Any]) -> str | None:
    """Our word for Enode's object: available, missing until further notice, or blocked until the driver intervenes.
    None for an object that does not say."""
    named = {word_key(name): value for name, value in said.items()}
    word = named.get("iscapable")
    state = CAPABILITY_STATE.read(str(word)) if isinstance(word, str | bool | int) else None
    return "blocked" if state == "missing" and named.get("interventionids") else state


# Other names of capabilities that a notification is about.
CAPABILITY = Vocabulary(
    {
        "chargeState": "read_charge charging_state",
        "stateOfCharge": "read_battery battery_level soc",
        "startStopCharging": (
            "start_charging stop_charging start_charge stop_charge control_charge charge_control "
            "remote_charging_commands"
        ),
        "geoLocation": "location parking_position vehicle_finder read_location vehicle_location",
        "departureTimes": "departure_timers",
        "charge": "smart_charging",
    }
    | dict.fromkeys(
        ["discharge", "desiredStateOfCharge", "pairing", "pullTelemetry", "pushTelemetry", "geoFencing"], ""
    )
)
# As clients of the manufacturers know it: WeConnect's 1005 and its name.
PRIVACY = Vocabulary(
    {
        "on": (
            "true yes 1 t y oui vrai ja wahr enabled active activated offline_mode offline 1005 private_mode private "
            "privacy privacy_mode maximum_privacy"
        ),
        "off": (
            "false no 0 f n non faux nein falsch disabled inactive deactivated online_mode online normal_mode public"
        ),
    }
)
# Other names of brands that rules know.
BRAND = Vocabulary(
    {
        "bmw": "bmw_i bmw_m bmw_ag bmw_group",
        "mini": "mini_cooper bmw_mini",
        "renault": "renault_sas renault_group",
        "audi": "audi_ag",
        "volkswagen": "vw volkswagen_ag vw_ag",
    }
)
# Countries by their names in our languages.
COUNTRY = Vocabulary(
    {
        "NL": "netherlands the_netherlands nederland niederlande pays-bas holland",
        "FR": "france frankreich frankrijk",
        "DE": "germany deutschland allemagne duitsland",
        "BE": "belgium belgien belgique belgië",
        "AT": "austria österreich autriche oostenrijk",
        "CH": "switzerland schweiz suisse zwitserland",
        "LU": "luxembourg luxemburg",
        "GB": "united_kingdom great_britain grossbritannien großbritannien royaume-uni",
        "NO": "norway norwegen norvège noorwegen norge",
        "SE": "sweden schweden suède zweden sverige",
        "DK": "denmark dänemark danemark denemarken danmark",
        "ES": "spain spanien espagne spanje españa",
        "IT": "italy italien italie italië italia",
        "PT": "portugal",
    }
)
# What drivers may not want, by its names.
CATEGORY = Vocabulary(dict.fromkeys(Category.values, ""))
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
    "vehicle": {"user_role": USER_ROLE, "enrollment": ENROLLMENT, "link_status": LINK_STATUS, "privacy_mode": PRIVACY},
    "telemetry": {"charge_state": CHARGE_STATE, "plugged": PLUG},
    "pairing": {"step": PAIRING_STEP},
    "oem_service": {"state": SERVICE_STATE},
    "utility_contract": {"state": CONTRACT_STATE},
    "pdl_agreement": {"state": AGREEMENT_STATE},
    "payout": {"state": PAYOUT_STATE},
    "referral": {"state": REFERRAL_STATE},
    "charging_command": {"command": COMMAND},
}
