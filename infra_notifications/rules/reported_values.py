"""What the values of OCPP 2.x variables say in words: states of stations and parts, texts of errors. Pure.

OCPP has AvailabilityState, Problem and Tripped; stations report the same as OperatingState, State or LastError, in the
words of their makers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from infra_notifications.rules.action_names import fold
from infra_notifications.rules.placeholders import tells_more
from infra_notifications.rules.transfer_words import (
    HARMLESS,
    OTHER,
    asserts,
    is_fine,
    names_fault,
    says_broken,
    words_of,
)
from infra_notifications.rules.vocabulary import (
    CODE_VARIABLES,
    DEFECTS,
    FALSE_WORDS,
    FOLDED_VALUES,
    TRAITS,
    TRUE_WORDS,
    object_of,
    text,
    truth,
)

FAULTED = "Faulted"
# What has a state that says whether one can charge, and how that is called.
CHARGES = {"chargingstation", "evse", "connector", "chargepoint", "station"}
STATES = {
    "state",
    "status",
    *(a + b for a in ("operating", "operational", "availability") for b in ("state", "status")),
}
STATES |= {owner + end for owner in CHARGES for end in ("state", "status")}
# The answer that tells states as a report does.
ANSWER = "GetVariablesResponse"
# The variables of a NotifyReport that say whether something is broken.
TOLD_BY_REPORTS = DEFECTS | CODE_VARIABLES | STATES | {"active"}
# What part of a station says of itself in any of its states; words such as "failed" may speak of what it tried to do.
_BROKEN = {
    "fault",
    "faulted",
    "faulty",
    "broken",
    "defective",
    "tripped",
    "welded",
    "stuck",
    "jammed",
    "shorted",
    "burnt",
}
# What says that it happened, not what: the name of its part and variable tells that.
_HAPPENED = {
    *("open", "opened", "tripped", "triggered", "activated", "pressed", "latched", "detected", "blown", "alarm"),
    *("overheated", "flooded", "tilted", "removed", "broken"),
}
_CALM = FALSE_WORDS | {
    *(
        "operative",
        "inservice",
        "in service",
        "ready",
        "standby",
        "running",
        "online",
        "connected",
        "closed",
        "enabled",
    ),
    *("armed", "charging", "available", "occupied", "not pressed", "untripped", "healthy", "fine", "no fault", "good"),
}
# A value that says that all is well, whatever else is said beside it.
_WELL = {
    *("ok", "okay", "normal", "none", "cleared", "clear", "resolved", "noerror", "no error", "nofault", "no fault"),
    *("noproblem", "no problem", "not tripped", "untripped", "not pressed", "healthy", "fine", "good", "no alarm"),
}
# A variable that is of something broken, and what is active only when something is.
_OF_FAULTS = re.compile(
    r"(?<!de)fault|alarm|error|fail|problem|trip|detect|open|leak|tilt|flood|smoke|fire|shock|tamper|pressed|emergency"
    r"|over-?_?(?:temp|heat|current|load|volt)"
)
_WATCHES = re.compile(r"sensor|detector|protect|rcd|breaker|emergency|alarm|fault|error|monitor")
_ABOUT_ERRORS = re.compile(r"(?<!de)fault|error|alarm")
# A variable that is on while something is broken: "AlarmActive", "Problems"; not what is asked for: "StopOnError".
_NAMES_DEFECT = re.compile(
    r"(?:(?<!de)fault|alarm|error|problem|failure|malfunction)(s|ed)?"
    r"(?:active|present|detected|occurred|raised|triggered|flag|state|status)?$"
)
_ASKED_FOR = OTHER | {*("silence", "clear", "reset", "stop", "on", "report", "send", "notify", "ignore", "auto")}
_ASKED_FOR |= {"allow", "last", "previous", "max", "min"}
_NUMBERED = re.compile(r"[a-z]{0,5}[-_ ]?\d{1,6}")
_ON = {"true", "active", "yes", "on"}
# A text for people beside an alert, and what says it to those who charge.
_MESSAGES = {"message", "description", "text", "info", "details", "reason", "statusmessage", "eventmessage"}
_DISPLAYS = re.compile(r"display|screen|tariff|hmi|token|auth|network|comm")
# What else is called a state, where it is said of what one charges at.
_ALSO_STATES = {"availability", "mode", "operatingmode", "operativestatus", "operativestate", "condition"}
_CHARGEABLE = {"available", "occupied", "charging", "preparing", "finishing", "reserved"}
# Codes beside a value that say that nothing is broken, and what is said of the link to others.
_HARMLESS_CODES = {"noerror", "evcommunicationerror", "weaksignal", "locallistconflict"}
_OF_LINKS = re.compile(
    r"network|backend|csms|internet|wi-?fi|wlan|gsm|lte|[345]g\b|sim\b|websocket|ocpp|server|ethernet|update|upload|download|vehicle|\bev\b|\bcar\b"
)


class Reported(msgspec.Struct, frozen=True):
    """`status` is one of OCPP's where the value is the state of what one charges at; `words` are for rules to search.

    `over` is True where the value says that all is well. `is_past`: the value stays when what it names is over.
    `is_sensed`: a sensor says that what it watches for is so, as its Active would.
    """

    status: str = ""
    is_state: bool = False
    is_broken: bool = False
    over: bool = False
    words: str = ""
    is_past: bool = False
    is_sensed: bool = False


NOTHING = Reported()
_STATE_WORDS = {fold(word) for word in (*FOLDED_VALUES["status"], *TRUE_WORDS, *_CALM, *_BROKEN, *_HAPPENED)}


def tells_of_faults(variable: str) -> bool:
    """Whether the value of a variable is one that `reported` or an event reads in words."""
    name = variable.lower()
    is_read = bool(_ABOUT_ERRORS.search(name)) or name.endswith(("state", "status")) or fold(name) in _MESSAGES
    return is_read or fold(name) in TOLD_BY_REPORTS


def is_word_of_state(value: Any) -> bool:
    """Whether a value says how something is, and so nothing else."""
    return isinstance(value, bool) or fold(text(value)) in _STATE_WORDS


def defect_truth(component: str, variable: str, value: Any, *, alerting: bool) -> bool | None:
    """Whether something is broken by a variable that says so by its name, or in an alert by that of its component,
    while it is on; None where it is none of these."""
    name, word = fold(variable), text(value).lower()
    is_on = value is True or word in _ON
    found = _NAMES_DEFECT.search(name) if _ASKED_FOR.isdisjoint(words_of(variable)) else None
    is_listed = name == "active" or bool(_NUMBERED.fullmatch(variable.lower()))
    if not found and not (alerting and is_listed and _ABOUT_ERRORS.search(component.lower())):
        return None
    if word in FALSE_WORDS:
        return False
    # A number may be how many there are.
    return True if is_on or (found and found[1] != "s" and truth(value)) else None


def tells_broken(words: str, codes: tuple[str, ...]) -> bool:
    """Whether the words or codes of an alert of no severity say that something of the station is broken: any code that
    is none of no error and of no link."""
    said = " ".join((words, *codes))
    if names_fault(said) or (len(words.split()) > 1 and says_broken(words) and not _OF_LINKS.search(words.lower())):
        return True
    return any(
        not is_fine(code)
        and code.lower() not in _HARMLESS_CODES
        and asserts(code)
        and HARMLESS.isdisjoint(words_of(code))
        and not (words and not asserts(words))
        for code in codes
    )


def _told_otherwise(component: str, name: str, said: str, *, alerting: bool) -> Reported:
    """What variables say that are called neither a state nor an error: that something is Faulted, or a text."""
    lowered = said.lower()
    if lowered in ("faulted", *_CHARGEABLE):
        if fold(name) in _ALSO_STATES and component.lower() in CHARGES:
            return Reported(FOLDED_VALUES["status"][lowered], is_state=True)
        return Reported(is_broken=lowered == "faulted", over=lowered != "faulted")
    if not alerting or fold(name) not in _MESSAGES or _DISPLAYS.search(component.lower()):
        return NOTHING
    if lowered in _WELL:
        return Reported(over=True)
    return Reported(words=said, is_past=True) if any(map(str.isalpha, said)) else NOTHING


def reported(component: str, variable: str, value: Any, *, alerting: bool = False) -> Reported:
    """What the value of a variable says in words; numbers, yes and no, and variables of other kinds say nothing, but
    that something is Faulted, and the text of an alert."""
    name, is_error = variable.lower(), bool(_ABOUT_ERRORS.search(variable.lower()))
    if isinstance(value, str) and not (is_error or name.endswith(("state", "status"))) and name not in CODE_VARIABLES:
        return _told_otherwise(component, name, text(value), alerting=alerting)
    if not (is_error or name.endswith(("state", "status"))) or name in CODE_VARIABLES or not isinstance(value, str):
        return NOTHING
    said = text(value)
    lowered, is_past = said.lower(), name.startswith("last")
    status = FOLDED_VALUES["status"].get(fold(said), FAULTED if name in STATES and names_fault(said) else "")
    if name in STATES and component.lower() in CHARGES:
        if status:
            return Reported(status, is_state=True, words=said if status == FAULTED and tells_more(said) else "")
        if lowered in _CALM:
            return Reported(is_state=True, over=True)
    is_broken = lowered in _BROKEN or (name in STATES and status == FAULTED)
    if not is_broken and (lowered in _CALM or (is_error and not said)):
        return Reported(over=name not in DEFECTS)
    if not any(map(str.isalpha, said)) or lowered in ("true", "yes", "on", "active"):
        return NOTHING
    has_happened = lowered in _HAPPENED
    words = f"{component} {variable} {said}" if has_happened else said
    is_sensed = has_happened and name in STATES and component.lower().endswith("sensor")
    return Reported(is_broken=is_broken, words=words, is_past=is_past, is_sensed=is_sensed)


def is_answer(component: str, variable: str, value: Any) -> bool:
    """Whether the value says by itself whether something is broken, so that one that reads as no says that nothing is.
    A fan at 0 or a link that is off may be what an alert is about."""
    name, lowered = variable.lower(), text(value).lower()
    if name in DEFECTS or name in CODE_VARIABLES or lowered in _WELL or _OF_FAULTS.search(name):
        return True
    if name == "active":
        return bool(_WATCHES.search(component.lower()))
    is_boolean = value is False or lowered == "false"
    return is_boolean and name not in STATES and not name.endswith(TRAITS)


def told_by_report(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """The part and the actual value of what a NotifyReport, or the answer to GetVariables, holds of the variables that
    say what is broken."""
    reports = _answered(body) if "getVariableResult" in body else body.get("reportData")
    for report in map(object_of, reports if isinstance(reports, list) else [reports]):
        if text(object_of(report.get("variable")).get("name")).lower() not in TOLD_BY_REPORTS:
            continue
        attributes = report.get("variableAttribute")
        for attribute in map(object_of, attributes if isinstance(attributes, list) else [attributes]):
            value = attribute.get("value")
            if text(attribute.get("type")).lower() in ("", "actual") and value not in (None, ""):
                yield report, value
                break


def _answered(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer to GetVariables as the report that holds the same values."""
    results = body.get("getVariableResult")
    return [
        result | {"variableAttribute": {"type": result.get("attributeType"), "value": result.get("attributeValue")}}
        for result in map(object_of, results if isinstance(results, list) else [results])
        if text(result.get("attributeStatus") or "Accepted").lower() == "accepted"
    ]
