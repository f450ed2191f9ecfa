"""The words by which vendors' own messages (DataTransfer) name faults, ends, switches and states. Pure."""

from __future__ import annotations

import re
from typing import Any

from infra_notifications.rules import phrases
from infra_notifications.rules.action_names import fold
from infra_notifications.rules.lettering import plain
from infra_notifications.rules.vocabulary import (
    BLANK_CODES,
    FALSE_WORDS,
    FAULT_CODES,
    FAULTY_WORDS,
    FOLDED_VALUES,
    MAX_TEXT,
    text,
    truth,
)
from infra_notifications.rules.wording import denies, readings

# "Default" holds no fault, "Terror" would be none of ours either.
GRAVE = re.compile(
    r"(?<!de)fault|alarm|(?<!t)error|failure|emergency|tripped|malfunction|problem|stoerung|fehler|erreur|averia|guasto"
    r"|dtc"
)
# What some attempt did, "failed", is none of a station's.
BROKEN = {"faulted", *map(str.lower, FAULTY_WORDS)} - {"failed", "blocked", "blockiert", "bloqué", "bloqueado"}
WARNING = re.compile(r"alert|warning")
REPORT = re.compile(r"status|state|event|notif|report|diagnos|health|condition")
# What is asked of a station or set, what is listed of the past, what is shown: none of it says what is so now.
_OTHER_WORDS = """
    get set config configuration configure setting settings list history log logs threshold limit simulate simulation
    test export upload download count counter counters statistics subscribe enable disable mask display screen price
    tariff acknowledge ack request translation language
"""
_END_WORDS = """
    clear cleared reset resolved end ended off gone recovered recovery closed over removed inactive deactivated false
    ok released disappeared
"""
_BEGIN_WORDS = "active activated raised triggered begin began started occurred fault faulted error"
# What a name is called by in any of its states, and what every alarm is called by.
_UNSAID_WORDS = """
    on set open opened close tripped pressed detected present latched failed failure alarm alarms warning warnings alert
    event events notification notify report message status state info new no not is has been a an the of and fehler
    ausgelöst offen geöffnet betätigt gedrückt störung gestört detail details data faults errors current
"""
OTHER, END, BEGIN = (frozenset(words.split()) for words in (_OTHER_WORDS, _END_WORDS, _BEGIN_WORDS))
UNSAID = (
    {word.strip("*").lower() for word in (*phrases.ENDS, *phrases.GONE, *phrases.FINE) if " " not in word} | END | BEGIN
)
UNSAID |= FALSE_WORDS | {*_UNSAID_WORDS.split()}
ENDS = END | {
    *(
        "recover",
        "remove",
        "restore",
        "restored",
        "resolve",
        "disappear",
        "finish",
        "finished",
        "stop",
        "stopped",
        "relieved",
    ),
    *("eliminated", "dismissed", "rearmed", "normal", "normalized", "normalised", "deasserted"),
}
ENDS_IN_CHINESE = re.compile(r"(?<![无未不])(?<!无法)(?:恢复|消失|解除|清除|结束|消警)")
CALM = {fold(word) for word in FALSE_WORDS} | {"healthy", "fine"}
# In the name of what is yes or no: "closed" or "online" is no fault that ends when it is not so.
CALM_WORDS = END | FALSE_WORDS | {"online", "connected", "locked", "charging", "running", "working", "valid", "powered"}
# The fields of codes, of texts and of states, folded; what names a fault comes first.
_ABOUT = ("error", "fault", "alarm", "err", "problem", "failure")
_FAULT_CODES = [
    *("errorcode", "faultcode", "alarmcode", "vendorerrorcode", "errcode", "errno", "fehlercode"),
    *(about + number for about in _ABOUT for number in ("code", "no", "id", "number", "num", "nr")),
]
_TEXTS_OF = """
    name text description desc descr message msg info information content detail details reason cause remark remarks
    title note comment string label
"""
_FAULT_TEXTS = [
    *("alarmname", "faultname", "errorname", "alarm", "fault", "error", "err", "problem", "failure"),
    *(about + said for about in (*_ABOUT, "fehler") for said in _TEXTS_OF.split()),
    *("fehlermeldung", "fehlerbeschreibung", "stoerung", "stoerungstext", "stoermeldung"),
]
_OTHER_TEXTS = """
    title event type info message description desc text reason detail details cause msg component part body content
    remark remarks note comment eventname eventtext eventdescription eventdesc eventmessage eventinfo eventreason
"""
FAULT_CODE_NAMES, FAULT_TEXT_NAMES = frozenset(_FAULT_CODES), frozenset(_FAULT_TEXTS)
CODES, TEXTS = FAULT_CODE_NAMES | {"eventcode", "code"}, ("name", *_FAULT_TEXTS, *_OTHER_TEXTS.split())
STATES = frozenset(
    a + b
    for a in ("", "alarm", "fault", "error", "event", "warning", "new", "current", "present", "to")
    for b in ("state", "status")
)
STEPS = frozenset(("action", "phase", "operation", "alarmtype", "faulttype", "eventtype"))
# When it ended, where that is a moment and not 0 or the last of all.
ENDED_AT = frozenset(
    owner + verb + unit
    for owner in ("", "alarm", "fault", "error", "event")
    for verb in (*ENDS, "close")
    for unit in ("time", "at", "date", "timestamp")
)
NO_MOMENT = re.compile(r"[\s0:.,TZ-]*|null|none|(?:0001|19\d\d|9\d\d\d)-.*", re.IGNORECASE)
# What is on while something is so; of those, what says by its name that something is broken, and what says how.
FAULT_SWITCHES = frozenset(
    ("alarm", "fault", "error", "err", "problem", "failure", "alarmactive", "faultactive", "faulted")
)
HAPPENS = frozenset(
    ("pressed", "tripped", "triggered", "opened", "open", "detected", "latched", "raised", "leaking", "blown")
) | {"welded", "shorted"}
SWITCHES = FAULT_SWITCHES | HAPPENS | {"active", "isactive", "value", "on", "ison", "occurred", "present", "isset"}
ON, OFF = frozenset(("true", "1", "yes", "y", "on", "active")), frozenset(("false", "0", "no", "n", "off", "inactive"))
# Of what may be 0 while something is broken.
MEASURED = re.compile(
    r"volt|current|temp|power|phase|freq|speed|pressure|level|soc|ampere|resist|humid|spannung|strom|druck"
)
# In what state a part is that is broken by that alone, and in what state others are all the time.
BROKEN_PARTS = (BROKEN - {"error", "err", "alarm", "fout"}) | {"welded", "stuck", "jammed", "shorted", "burnt", "blown"}
PART_STATES = (
    BROKEN_PARTS | HAPPENS | {"pushed", "activated", "failed", "failure", "error", "alarm", "missing", "ausgelöst"}
)
# What sorts a message among others: "type": "fault", "level": "error".
GRAVE_WORDS = frozenset(
    ["fault", "error", "alarm", "critical", "fatal", "failure", "emergency", "err", "crit", "emerg"]
)
SORTS = frozenset(["title", "type", "event", "eventtype", "category", "severity", "level", "kind", "class"])
# How a test of oneself came out, and what says so, whatever else a result may be of.
SELF_TESTS = frozenset(("selftest", "selftestresult", "selftestresults", "selfteststatus", "selftestoutcome"))
RESULTS = SELF_TESTS | {"result"}
# The faults of a station as the bits of a number.
BITS = re.compile(r"(?:fault|error|alarm|err)s?(?:bits?|flags?|bitmap|bitfield|word|register|vector)")
# What is a fault where 1 or true stands behind its name, below a name for faults.
_FAULTY_PARTS = """
    rcd rccb rcbo rcm mcb mccb gfci gfi breaker fuse spd imd afdd estop emergency epo door cover lid tilt smoke fire
    water flood leak leakage shock impact tamper vibration overtemp overtemperature overheat overcurrent overload
    overvoltage undervoltage contactor relay fan lock meter insulation isolation ground earth short
"""
FAULTY_PARTS = frozenset(_FAULTY_PARTS.split())
# Of those, what is no part but what happened to one, so that it is wrong where it is so; and what is no measured value
# even where that is 1.
_HAPPENINGS = frozenset(("estop", "epo", "smoke", "fire", "flood"))
_SENSED = _HAPPENINGS | {"tilt", "tamper", "shock", "impact", "leak", "leakage", "water"}
# What is no part, whatever state it has.
NO_PARTS = SORTS | STATES | STEPS | RESULTS | {*CODES, *TEXTS, "mode", "reply", "response"}
HARMLESS = frozenset(("warning", "warn", "notice", "info", "informational", "information", "debug"))
LEVELS = frozenset(("severity", "level"))
# IEC 61851: the states of what has an error or no power.
PILOT_FAULTS = ("E", "F")
PLACES = ("evseid", "connectorid", "evse", "connector", "outlet")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
CLAUSE = re.compile(r"[.,;!|]\s")
MOST_NAME = 50
_SAYS_BROKEN = re.compile(
    r"\bweld|stuck|jammed|broken|burn[te]|blown|shorted|short.?circuit|\bfail|defe[ck]t|malfunc|\blost\b|\bloss\b|missing"
    r"|tripped|not respond|unresponsive|no response|damag|overheat|verschweisst|verklebt|klemmt|ausgefallen|verloren"
    r"|unterbrochen|soude|colle|\bperdu|bloqu|soldado|pegado|\bperdid|averiad|saldat|incollat|\bpers[oa]\b|bloccat"
    r"|vastgelast|kapot|verbroken|geblokkeerd"
)
# The fields that are read, folded; what else a vendor's message holds says nothing here.
FIELDS = {
    *RESULTS,
    *CODES,
    *TEXTS,
    *STATES,
    *STEPS,
    *SWITCHES,
    *LEVELS,
    *PLACES,
    *ENDS,
    "timestamp",
    "endtime",
    "isrecover",
}


# What says nothing where it ends a name; what ends one of an end and begins others: "AlarmOver", "OverCurrent".
_GENERAL = frozenset(["notification", "notify", "event", "report", "message", "msg", "info", "status", "state", "data"])
_EITHER = frozenset(["over", "reset", "closed", "off", "ok", "release", "released", "false", "end", "gone"])
_ENDING = frozenset(("alarm", "fault"))
# What ends every day, and no fault with it: "ChargeEnd", "SessionClosed".
_COURSES = frozenset(["charge", "charging", "session", "transaction", "reservation", "booking", "delivery", "load"])
_COURSE_ENDS = frozenset(["end", "ended", "over", "closed", "off"])
# How a name says that something is so.
HAPPENED = HAPPENS | (BEGIN - {"fault", "error"})


def words_of(name: str) -> list[str]:
    """A name in its words, in lower case: `FaultCleared` is "fault", "cleared"."""
    return [word.lower() for word in WORD.findall(name[:200])]


def is_on(value: Any) -> bool | None:
    """What a switch says, in a word or a number; None where it says something else."""
    said = truth(value)
    word = text(value).lower()
    return said if said is not None else True if word in ON else False if word in OFF else None


def is_sensed(name: str, value: Any) -> bool:
    """Whether a name is that of what is wrong where it is so: "smoke": true."""
    words = {*words_of(name)}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return bool(words) and words <= (_HAPPENINGS if is_number else _SENSED)


def name_of(said: str) -> str:
    """What a text is about, whether it begins or ends: "Door opened" and "doorClosed" are about a door."""
    words = words_of(said)
    parts = (word for word in words if word not in UNSAID and not (word.isdecimal() and len(word) > 1))
    return ("over" * (words[:1] == ["over"] and len(words) > 1) + "".join(parts))[:MOST_NAME]


def is_of_end(words: list[str]) -> bool:
    """Whether a name in its words is that of an end: "FaultCleared", "DoorClosedEvent", not "OverCurrent"."""
    said = [word for word in words if word not in _GENERAL]
    for place, word in enumerate(said):
        is_behind_fault = place > 0 and said[place - 1] in _ENDING
        if word in _COURSE_ENDS and place > 0 and said[place - 1] in _COURSES:
            continue
        if word in END and (word not in _EITHER or place == len(said) - 1 or is_behind_fault):
            return True
    return said in (["reset", "alarm"], ["reset", "fault"])


def without_course(words: list[str]) -> list[str]:
    """The words of a name without the end of what ends every day, which is none of the fault that it tells."""
    is_course = not _COURSES.isdisjoint(words) and not is_of_end(words)
    return [word for word in words if word not in ENDS and word != "completed"] if is_course else words


def names_end(said: str) -> bool:
    """Whether a text, or the name of a field, says that something is over and not what: "AlarmEnd", "isRecover"."""
    words = words_of(said)
    ends = ENDS.intersection(words[words[:1] == ["over"] and len(words) > 1 :])  # "OverCurrent"
    return bool(ends and set(words) <= UNSAID | ENDS) or bool(ENDS_IN_CHINESE.search(said))


def asserts(said: str) -> bool:
    """Whether a text says that something is so, and not that it is not, or no longer."""
    first = CLAUSE.split(readings(said[:MAX_TEXT])[-1], maxsplit=1)[0]
    return not denies(first, first)


def names_fault(said: str) -> bool:
    """Whether a text names a fault, and does not say that there is none, or no longer."""
    folded = fold(plain(said.lower()).replace("ö", "oe"))
    is_named = bool(GRAVE.search(folded)) or any(code in folded for code in FAULT_CODES)
    return (is_named or not BROKEN.isdisjoint(words_of(said))) and asserts(said)


def says_broken(said: str) -> bool:
    """Whether a text says that something is broken, in a word of any kind: "Contactor welded", "module lost"."""
    return names_fault(said) or bool(_SAYS_BROKEN.search(plain(said.lower()).replace("_", " ")) and asserts(said))


def is_fine(code: str) -> bool:
    """Whether a code says that there is no error: none, 0, 0x00, OK, NoError, Success."""
    folded = fold(code)
    if code.strip() in BLANK_CODES or folded == "success" or FOLDED_VALUES["errorCode"].get(folded) == "NoError":
        return True
    if not folded:  # in another alphabet
        return not any(map(str.isalnum, code))
    return not folded.removeprefix("e").removeprefix("0x").strip("0")


def names_more(code: str) -> bool:
    """Whether a code says more than that there is no error, or none any longer, so that what it names has an end."""
    return not (is_fine(code) or code.lower() in FALSE_WORDS or (len(words_of(code)) == 1 and names_end(code)))
