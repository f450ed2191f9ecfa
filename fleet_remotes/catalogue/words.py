"""The words of the vendor's pages, of its API and of its callbacks, and of the clients that others wrote for them.

Sources: `api-b2b.yaml`, the pages "Set Up" and "Notifications & Errors" with their own spellings, the flow chart, and
the names of `homeassistant-stellantis-vehicles`, `psa_car_controller` and the Home Assistant client of callbacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.words import Vocabulary
from fleet_remotes.choices import Brand, CallbackStatus, Capability, Kind, Privacy, State

KIND = Vocabulary(
    {
        Kind.PRECONDITIONING: (
            "remote_preconditioning remote_preconditionning remote_preonditioning remote_preonditionning"
            " preconditionning preonditionning preonditioning thermal_preconditioning"
            " thermal_preconditioning_request air_conditioning precond"
        ),
        Kind.CHARGING: ("remote_charging charge electric_battery_charging_request electric_battery_charging ve_charge"),
        Kind.DOOR: "remote_doors_state remote_door doors door_state doors_state remote_doors door_lock",
        Kind.HORN: "remote_horn",
        Kind.LIGHTS: "remote_lights light ligths remote_light",
        Kind.IMMOBILIZATION: (
            "remote_set_immobilization remote_immobilization immobilisation remote_set_immobilisation"
            " remote_immobilisation"
        ),
        Kind.STOLEN: "remote_set_stolen remote_stolen stolen_vehicle",
        # A wake-up asks for what a refresh of the state brings.
        Kind.WAKE_UP: "remote_wake_up remote_state state vehicle_state charging_state remote_vehicle_state refresh",
        Kind.NAVIGATION: "remote_navigation navigate",
    }
)
CAPABILITY = Vocabulary(
    {
        capability: f"{kind} {KIND.synonyms[kind]} remote:{capability}:write"
        for kind in Kind
        for capability in Capability
        if kind.lower() == capability
    }
)
PENDING = Vocabulary(
    {
        # With the codes and keys by which the app's own channel says the same.
        State.ACCEPTED: "900 process.900.request.accepted.key",
        State.WAKING: "waking_up_vehicle wakingup waking_up wake_up_vehicle wakeup_vehicle vehicle_asleep"
        " 901 process.901.vehicle.asleep.key",
        State.CHECKING: "checking_vehicle checking",
        State.SENT: "sent_to_vehicle sent forwarded message_delivered delivered 903"
        " process.903.request.forwarded.to.vehicle.key",
        State.BLOCKED_BATTERY: "vehicle_battery_charge_too_low battery_charge_too_low",
        State.BLOCKED_QUOTA: "too_many_wake_ups_over_month too_many_wakes_ups_over_month",
    }
)
DONE = Vocabulary(
    {
        State.SUCCEEDED: "success successful ok complete completed done executed",
        State.ALREADY_DONE: "already",
        State.FAILED: "failure error ko rejected refused cancelled canceled aborted",
    }
)
CAUSE = Vocabulary(
    {
        "GeneralError": "generic_error other_failures",
        "VehicleError": "defect",
        "WrongCommand": "",
        "VehicleConnectionTimeout": "vehicle_connection_time_out connection_timeout vehicle_timeout timeout",
        "MissingRights": "missing_right",
        # A pending status used as a cause, as the flow chart and the page's text do.
        "NotPossibleDueToVehicleBatteryLevel": "vehicle_battery_charge_too_low low_battery battery_too_low",
        "NotPossibleDueToVehiclePrivacyLevel": "rights.error.privacy.on",
        "TooManyWakeUpsOverMonth": "too_many_wakes_ups_over_month too_many_wakeup_over_month",
        "TooManyRequestInShortTime": "too_many_requests_in_short_time too_many_requests_in_a_short_time",
        "TooManyRequestSent": "too_many_requests_sent too_many_requests",
        "SameActionInProgress": "duplicate",
        "NotPossibleDueToVehicleStolenState": "",
        "VehicleInUse": "not_parked",
        "DoorsOpen": "door_open doors_opened door_opened",
        "VehicleErrorOrCidInside": "",
        "CidInside": "",
        "ExternalChargingSystemError": "",
        "VehicleChargingSystemError": "",
        "VehicleIsNotLocked": "vehicle_not_locked",
        "CanceledByDriver": "cancelled_by_driver",
    }
)
PRIVACY = Vocabulary(
    {
        Privacy.NONE: "off no false disabled inactive none_privacy",
        Privacy.GEOLOCATION: "geo position geolocalisation geolocalization location",
        Privacy.FULL: "total all on full_privacy",
    }
)
BRAND = Vocabulary(
    {
        Brand.CITROEN: "citroën ac clients_b2c_citroen",
        Brand.DS: "ds_automobiles dsautomobiles clients_b2c_ds",
        Brand.PEUGEOT: "ap clients_b2c_peugeot",
        Brand.OPEL: "op ov clients_b2c_opel",
        Brand.VAUXHALL: "vx vauxhall_motors clients_b2c_vauxhall",
    }
)
CALLBACK_STATUS = Vocabulary(
    {
        CallbackStatus.RUNNING: "run resume resumed active activated on start started enabled",
        CallbackStatus.PAUSED: "pause inactive deactivated off stop stopped suspended disabled",
        CallbackStatus.FAILED: "failure error ko",
    }
)
# Words within the parameters of a command, by the field that holds them.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# By language: "di" is a Tuesday in German and a Sunday in French, which the days beside it tell.
_NAMES = {
    "en": "monday mo, tuesday tues tu, wednesday we, thursday thur th, friday fr, saturday sa, sunday su",
    "de": "montag mo, dienstag di, mittwoch mi, donnerstag do, freitag fr, samstag sa sonnabend, sonntag so",
    "fr": "lundi lun lu, mardi mar ma, mercredi mer me, jeudi jeu je, vendredi ven ve, samedi sam sa, dimanche dim di",
    "nl": "maandag ma, dinsdag di, woensdag wo, donderdag do, vrijdag vr, zaterdag za, zondag zo",
    "es": "lunes lun lu, martes mar ma, miercoles mie mi, jueves jue ju, viernes vie vi, sabado sab sa, domingo dom do",
    "it": "lunedi lun lu, martedi mar ma, mercoledi mer me, giovedi gio gi, venerdi ven ve, sabato sab sa,"
    " domenica dom do",
}
DAY_NAMES = {language: Vocabulary(dict(zip(DAYS, names.split(","), strict=True))) for language, names in _NAMES.items()}
DAY_GROUPS = Vocabulary(
    {
        "daily": "all every_day all_days täglich jeden_tag tous_les_jours dagelijks elke_dag diario todos_los_días"
        " ogni_giorno",
        "weekdays": "weekday workdays working_days unter_der_woche jours_ouvrés en_semaine werkdagen doordeweeks"
        " entre_semana",
        "weekend": "weekends week-end am_wochenende wochenende fin_de_semaine fin_de_semana fine_settimana"
        " in_het_weekend",
    }
)
# What stands between the first and the last day of several, and around each.
DAYS_UNTIL = re.split(" ", "- – — .. ... … → > ~ to till until through thru bis au à jusqu'au tot a al t/m")
DAYS_AROUND = re.split(" ", "/ and und et en y e on every am von vom van du le les de del los dal il each")
# What a clock shows at times that have a name.
HOURS = Vocabulary(
    {
        "0": "midnight minuit mitternacht middernacht medianoche mezzanotte",
        "12": "noon midday midi mittag mittags middag mediodía mezzogiorno",
    }
)
PARAMETER: Mapping[str, Vocabulary] = {
    "Door.state": Vocabulary({"Locked": "lock", "Unlocked": "unlock"}),
    "Horn.state": Vocabulary(
        {"Activated": "activate active on start", "Unactivated": "deactivated deactivate unactivate off stop inactive"}
    ),
    "WakeUp.action": Vocabulary({"WakeUp": "state refresh"}),
    "Occurrence.day": Vocabulary(dict.fromkeys(DAYS, "")),
    "AirProgram.recurrence": Vocabulary({"None": "once never", "Daily": "weekly every_day"}),
    "AirProgram.actionsType": Vocabulary({"Set": "create update", "Delete": "remove"}),
    "ChargePreferences.level": Vocabulary({f"Level{n}": str(n) for n in range(1, 6)}),
    "ChargePreferences.type": Vocabulary({"Partial": "partly", "Full": "complete"}),
    "Point.type": Vocabulary({"Point": ""}),
}
SWITCH = Vocabulary(
    {
        "true": "1 on yes activate activated start enable enabled",
        "false": "0 off no deactivate deactivated unactivated stop disable disabled",
    }
)
# Other names of parameters, beside case and "_".
FIELD: Mapping[str, str] = {
    "occurrence": "occurence",
    "days": "day",
    "airconditioner": "airConditioning",
    "actiontype": "actionsType",
    "starttime": "start",
    "endtime": "end",
    "immediately": "immediate",
    "position": "positions",
    "activated": "activate",
}


def kind_of_name(name: str) -> Kind | None:
    """The command that goes by this name in the vendor's API, its pages or its notifications."""
    known = KIND.read(name)
    return None if known is None else Kind(known)


def cause_of_word(word: str) -> str:
    """The vendor's own spelling of a cause; a word that is none stays as it is."""
    return CAUSE.read(word) or word
