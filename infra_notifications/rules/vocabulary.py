"""The words by which stations name what OCPP names: statuses, codes, yes and no, in other spellings and languages.

Pure; what a message's reader and its corrector both ask.
"""

from __future__ import annotations

import re
from typing import Any

from core.text import visible
from infra_notifications.rules.action_names import fold

MAX_TEXT = 500
# A connector or EVSE has a number below this.
MOST_CONNECTORS = 32_768
MOST_PLACE_NAME = 20
NO_CONNECTOR = f"`connector` must be a number from 0 to {MOST_CONNECTORS - 1}."
_STATUSES = """
    Available Preparing Charging SuspendedEVSE SuspendedEV Finishing Reserved Unavailable Faulted Occupied
"""
_ERROR_CODES = """
    ConnectorLockFailure EVCommunicationError GroundFailure HighTemperature InternalError LocalListConflict NoError
    OtherError OverCurrentFailure OverVoltage PowerMeterFailure PowerSwitchFailure ReaderFailure ResetFailure
    UnderVoltage WeakSignal
"""
STANDARD_CODES = frozenset(code.lower() for code in (*_ERROR_CODES.split(), "Mode3Error"))
# Those that say by themselves that something is broken, also beside a value (CharIN names them in OCPP 2.x).
FAULT_CODES = STANDARD_CODES - {
    *("noerror", "othererror", "evcommunicationerror", "weaksignal", "locallistconflict", "mode3error"),
}
VALUES = {
    "status": frozenset(_STATUSES.split()),
    "connectorStatus": frozenset(_STATUSES.split()),
    "errorCode": frozenset(_ERROR_CODES.split()),
    "trigger": frozenset(("Alerting", "Delta", "Periodic")),
}
_STATUS_NAMES = {status.lower() for status in VALUES["status"]}
# What stations, other standards (OCPI) and six languages call a fault.
_FAULTY = """
    Fault Faulty Error Err Failed Failure Broken Defective OutOfOrder Blocked Alarm Tripped Störung Gestört Fehler
    Defekt Fehlerhaft Blockiert En_panne Panne En_défaut Défaut Défectueux Erreur Bloqué Avería Averiado Fallo
    En_fallo Bloqueado Storing Gestoord Defect Fout Kapot Geblokkeerd Guasto Errore In_errore Bloccato Difettoso
"""
# What they call a station that nobody can charge at, of which OCPP says that it is Unavailable.
_OUT_OF_SERVICE = """
    OutOfService Inoperative Inoperable NotOperative NotInService NotAvailable Unoperational NotOperational Disabled
    Out_of_use UnderMaintenance Maintenance Außer_Betrieb Ausser_Betrieb Außer_Funktion Nicht_verfügbar
    Nicht_betriebsbereit Deaktiviert Wartung In_Wartung Hors_service Hors_usage Indisponible Non_disponible
    Désactivé En_maintenance Fuera_de_servicio No_disponible Inoperativo Deshabilitado Desactivado En_mantenimiento
    Buiten_gebruik Buiten_dienst Buiten_bedrijf Niet_beschikbaar Uitgeschakeld In_onderhoud Fuori_servizio Fuori_uso
    Non_operativo Inoperativa Disattivato In_manutenzione
"""
_NO_ERROR = """
    NoError NoErr None OK Okay 0 00 No NoFault NoErrors NoFaults Null Nil NA NAN Normal Fine
    NormalOperation Undefined False KeinFehler Keine
    Kein AucuneErreur PasDErreur Aucune SinError Ninguno GeenFout Geen NessunErrore Nessuno
"""
FAULTY_WORDS, OUT_OF_SERVICE_WORDS = _FAULTY.split(), _OUT_OF_SERVICE.split()
BLANK_CODES = {"-", "--", "_", "/", "?"}
# OCPP 2.x variables that say that something is broken when they are true.
DEFECTS = {"problem", "tripped", "fault", "failure", "error", "alarm"}
# Those that hold the code of what is broken.
CODE_VARIABLES = {"errorcode", "faultcode", "errorstatus", "faultstatus"}
# What a part can do or has, be it true or not; its name beside these says nothing of a fault.
TRAITS = ("available", "enabled", "present", "supported", "configured", "ready", "operated", "installed", "limit")
# Parts of which OCPP itself says what each of their variables means.
STANDARD_PROTECTION = {
    *("overcurrentprotection", "overcurrentprotectionrecloser", "rcd", "rcdrecloser", "upstreamprotectiontrigger"),
    *("groundisolationprotection", "emergencystopsensor"),
}
TRUE_WORDS = {"true", "1", "yes", "y", "on", "active", "tripped", "set", "present", "triggered", "raised", "pressed"}
FALSE_WORDS = {
    *("false", "0", "no", "n", "off", "inactive", "ok", "okay", "none", "normal", "cleared", "clear", "resolved"),
    *("reset", "noerror", "no error", "nofault", "no fault", "noproblem", "no problem", "not tripped", "released"),
    *("idle", "good"),
}


FOLDED_VALUES = {key: {fold(value): value for value in values} for key, values in VALUES.items()}
for _key in ("status", "connectorStatus"):
    FOLDED_VALUES[_key] |= {fold(word): "Unavailable" for word in OUT_OF_SERVICE_WORDS}
    FOLDED_VALUES[_key] |= {fold(word): "Faulted" for word in FAULTY_WORDS}
FOLDED_VALUES["errorCode"] |= {fold(word): "NoError" for word in _NO_ERROR.split()}
# The severities of OCPP 2.1 by number, and what else they are called.
_SEVERITY_NAMES = "danger hardwarefailure systemfailure critical error alert warning notice informational debug"
_SEVERITIES = {name: number for number, name in enumerate(_SEVERITY_NAMES.split())}
_SEVERITIES |= {"emergency": 0, "fatal": 0, "warn": 6, "info": 8}
_SEPARATORS = re.compile(r"[,;|\s]+")
_NUMBER, _LEADING_NUMBER = re.compile(r"\+?\d{1,5}(\.0*)?"), re.compile(r"\d\b")


def is_status(said: str) -> bool:
    """Whether it is a status of OCPP, or none at all."""
    return not said or said.lower() in _STATUS_NAMES


def in_words(*parts: str) -> str:
    """Texts and, at last, a status, which is a text as well where it is none of OCPP's."""
    return " ".join(filter(None, (*parts[:-1], "" if is_status(parts[-1]) else parts[-1])))


def pascal(name: str) -> str:
    """snake_case as OCPP writes names; what is written without "_" stays."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_")) if "_" in name else name


# How what was XML writes the text of an element, and libraries the value of an enumeration.
_VALUE_KEYS = frozenset(("value", "text", "code", "#text", "$", "_"))


def alone(value: Any) -> Any:
    """What stands alone in a list or an object that is there for it; anything else as it is."""
    for _depth in range(3):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif isinstance(value, dict) and len(value) == 1 and (key := next(iter(value))).lower() in _VALUE_KEYS:
            value = value[key]
        else:
            break
    return value


def text(value: Any) -> str:
    """A value as text of reasonable length, those of a list one after the other; objects give nothing."""
    if isinstance(value, str):
        return visible(value.strip()[:MAX_TEXT])
    if value is None:  # most fields of most messages
        return ""
    value = alone(value)
    if isinstance(value, str):
        return visible(value.strip()[:MAX_TEXT])
    if isinstance(value, list):
        return ",".join(each.strip() for each in value if isinstance(each, str))[:MAX_TEXT]
    return str(value)[:MAX_TEXT] if isinstance(value, int | float) and not isinstance(value, bool) else ""


# Fields for people, in which some send objects.
TEXT_FIELDS = ("info", "vendorErrorCode", "techInfo", "techCode")


def spoken(value: Any, depth: int = 0) -> str:
    """What a list or an object says in words: its texts and numbers, and the names of what is true."""
    if isinstance(value, dict | list) and depth < 4:
        pairs = value.items() if isinstance(value, dict) else (("", each) for each in value)
        return " ".join(filter(None, (key if each is True else spoken(each, depth + 1) for key, each in pairs)))
    return text(value)


_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def truth(value: Any) -> bool | None:
    """What a 2.x actualValue says of a boolean variable."""
    if value is None or isinstance(value, bool):
        return value
    return _TRUTHS.get(text(value).lower())


def event_truth(variable: str, value: Any) -> bool | None:
    """What the value of a variable says, None where it is no yes or no: in words where the variable asks for it. A
    defect that is reported without a value that is known is one."""
    said = truth(value)
    if said is not None or (variable not in DEFECTS and variable not in CODE_VARIABLES and variable != "active"):
        return said
    word = text(value).lower()
    if variable in ("errorcode", "faultcode") and word.isdecimal():
        return int(word) != 0
    if word not in TRUE_WORDS and re.fullmatch(r"[\d.,+-]+", word):
        return None
    if word in FALSE_WORDS or (not word and variable in CODE_VARIABLES):
        return False
    return True if word in TRUE_WORDS or variable != "active" else None


def may_name(component: str, variable: str) -> bool:
    """Whether the name of a part beside this variable says what is broken."""
    return component.lower() not in STANDARD_PROTECTION and not variable.lower().endswith(TRAITS)


def whole(value: Any) -> int | None:
    """A small whole number in any spelling: as text, with a fraction of nothing, as the only one of a list."""
    if value is None or type(value) is int:
        return value if value is not None and 0 <= value < MOST_CONNECTORS else None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_CONNECTORS else None


_NAMED_NUMBER = re.compile(r"(?:connector|evse|outlet|gun|port|plug|socket)[\s_#:.-]*(\d{1,5})", re.IGNORECASE)


def place_number(value: Any) -> int | None:
    """The number of a connector or EVSE; 0, the whole station, for what is none of those that we know."""
    number = whole(value)
    return 0 if number is None and value is not None else number


def place_names(*values: Any) -> tuple[str, ...]:
    """What connectors or EVSEs are called that have no number: "A", "left"."""
    return tuple(name for value in values if (name := _place_name(value)))


def _place_name(value: Any) -> str:
    if value is None or type(value) is int or whole(value) is not None:
        return str(value) if type(value) is int and value >= MOST_CONNECTORS else ""
    said = text(value)
    return "" if said.startswith("-") else "".join(filter(str.isalnum, said.lower()))[:MOST_PLACE_NAME]


def numbered(value: Any) -> int | None:
    """The number in the name of a connector or EVSE that says what it is as well: "Connector 1"."""
    found = _NAMED_NUMBER.fullmatch(text(value)) if isinstance(value, str) else None
    return whole(found[1]) if found else None


def severity_of(value: Any) -> int | None:
    """A severity of OCPP 2.1, 0 (danger) to 9 (debug), by its number or its name; None for anything else."""
    number = whole(value)
    if number is None:
        words = text(value[0] if isinstance(value, list) and len(value) == 1 else value).lower()
        number = _SEVERITIES.get("".join(filter(str.isalpha, words)))
        if number is None and (leading := _LEADING_NUMBER.match(words)):
            number = int(leading[0])
    return number if number is not None and number < 10 else None


def object_of(value: Any) -> dict[str, Any]:
    """What is an object as it is, anything else as one that says nothing."""
    return value if isinstance(value, dict) else {}


def codes_of(*values: Any) -> tuple[str, ...]:
    """Codes of several fields, each of which may hold a list: "F001,F003"."""
    found = [code for value in values for code in _SEPARATORS.split(text(value)) if code]
    return tuple(dict.fromkeys(found))


def evse_of(payload: Any) -> int | None:
    """The connector or EVSE that a payload of any action names."""
    body = object_of(payload)
    # 2.x counts connectors within an EVSE, so the EVSE says more.
    for key in ("evseId", "connectorId"):
        if (number := place_number(body.get(key))) is not None:
            return number
    return place_number(object_of(body.get("evse")).get("id"))
