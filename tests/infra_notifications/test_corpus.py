"""What the seeded rules make of texts and codes of real charging stations; see `data/README.md` for the judgements."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.ingest import observe
from infra_notifications.rules.matching import RuleBook, effect_of
from infra_notifications.rules.phrases import GONE, NAMES
from infra_notifications.services.mapping import rule_book

pytestmark = pytest.mark.django_db

FUSE, SENSORS, OTHER, END, NOTHING = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT", "END", "nothing"
CORPUS = Path(__file__).parent / "data" / "corpus.jsonl"
ENTRIES: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
# Every third text: the spellings below are of kinds, not of texts.
TEXTS = [entry for entry in ENTRIES if entry["payload"].get("info")][::3]
DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
REQUIRED = {
    ("ocpp1", "StatusNotification"): {"connectorId", "errorCode", "status"},
    ("ocpp2", "StatusNotification"): {"timestamp", "connectorStatus", "evseId", "connectorId"},
    ("ocpp2", "NotifyEvent"): {"generatedAt", "seqNo", "eventData"},
    ("ocpp1", "SecurityEventNotification"): {"type", "timestamp"},
    ("ocpp2", "SecurityEventNotification"): {"type", "timestamp"},
}
# Not understood yet, each with the reason; this is to become empty.
KNOWN_MISSES = {
    "Short circuit removed, fault is over": "the end stands in a clause of its own",
    "Noodstop is nu uitgeschakeld.": "what is switched off may as well be what tripped",
}


def wanted(entry: dict[str, Any]) -> str:
    """What the rules should make of an entry: its case, END, or nothing."""
    return entry["case"] or NOTHING


def made_of(entry: dict[str, Any], book: RuleBook) -> str:
    """The gravest that the rules make of an entry: a case that is raised, its END, or nothing."""
    made = set()
    for observation in observe(entry["protocol"], entry["action"], entry["payload"]):
        rule = book.match(observation)
        effect = effect_of(rule, observation) if rule else "info"
        if rule and effect == "raise":
            made.add(rule.case)
        elif observation.over or (rule and effect == "clear" and entry.get("ends", "") in ("ANY", "", rule.case)):
            made.add(END)
    return next((what for what in (FUSE, SENSORS, OTHER, END) if what in made), NOTHING)


def is_right(entry: dict[str, Any], made: str) -> bool:
    """An end of what nobody raised is as calm as silence."""
    return made == wanted(entry) or (entry["case"] is None and made == END)


def says(entry: dict[str, Any]) -> str:
    """The text of an entry, for people and for the list of known misses."""
    (event,) = entry["payload"].get("eventData", [{}])
    return entry["payload"].get("info") or event.get("techInfo") or ""


def test_corpus_covers_languages_and_meanings() -> None:
    assert len(ENTRIES) >= 2_000
    assert {entry["language"] for entry in ENTRIES} == {"en", "de", "fr", "es", "nl", "it"}
    assert {entry["case"] for entry in ENTRIES} == {FUSE, SENSORS, "OTHER_FAULT", END, None}
    assert len({entry["source"] for entry in ENTRIES}) > 30


def test_every_entry_is_a_message_as_it_is_on_the_wire() -> None:
    for entry in ENTRIES:
        required = REQUIRED[entry["protocol"][:5], entry["action"]]
        assert required <= set(entry["payload"]), entry
        assert ("ends" in entry) is (entry["case"] == END), entry
    assert len({json.dumps(entry["payload"]) + entry["protocol"] for entry in ENTRIES}) == len(ENTRIES)


def test_calm_messages_raise_nothing() -> None:
    book = rule_book()
    alarms = [entry for entry in ENTRIES if entry["case"] is None and made_of(entry, book) not in (NOTHING, END)]
    assert alarms == []


def test_every_fault_is_heard_in_some_case_and_none_is_read_as_an_end() -> None:
    book = rule_book()
    silent = [e for e in ENTRIES if e["case"] in (FUSE, SENSORS, OTHER) and made_of(e, book) in (NOTHING, END)]
    assert silent == []


def test_each_fault_and_each_end_is_heard_in_its_case() -> None:
    book = rule_book()
    seen = Counter((wanted(entry), made_of(entry, book)) for entry in ENTRIES)
    for case in (FUSE, SENSORS, OTHER, END):
        right = seen[case, case]
        told = sum(number for (_, made), number in seen.items() if made == case)
        meant = sum(number for (want, _), number in seen.items() if want == case)
        print(f"{case}: precision {right / told:.3f}, recall {right / meant:.3f} of {meant}")
    wrong = [(e, made) for e in ENTRIES if not is_right(e, made := made_of(e, book)) and says(e) not in KNOWN_MISSES]
    assert wrong == []


def test_what_is_not_understood_yet_is_still_not_understood() -> None:
    book = rule_book()
    assert {says(e) for e in ENTRIES if not is_right(e, made_of(e, book))} == set(KNOWN_MISSES)


def _as_code(text: str) -> str:
    return "ERR_" + "_".join(re.findall(r"[^\W_]+", text)).upper()


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(str.upper, id="in capitals"),
        pytest.param(lambda text: unicodedata.normalize("NFD", text), id="with accents apart"),
        pytest.param(lambda text: text.translate(DIGRAPHS), id="with ae, oe, ue"),
        pytest.param(lambda text: "[EVSE 1] ALARM - " + text, id="below a heading"),
        pytest.param(lambda text: f"{text} (L1)", id="with the phase"),
    ],
)
def test_other_spellings_of_a_text_mean_the_same(spell: Callable[[str], str]) -> None:
    book, changed = rule_book(), []
    for entry in TEXTS:
        text = spell(entry["payload"]["info"])
        spelled = {**entry, "payload": {**entry["payload"], "info": text}}
        if text != entry["payload"]["info"] and not is_right(entry, made_of(spelled, book)):
            changed.append(text)
    print(f"{len(changed)} of {len(TEXTS)} are read otherwise")
    assert len(changed) <= len(TEXTS) * 0.003, changed


def test_names_of_constants_mean_what_their_words_mean() -> None:
    book, changed = rule_book(), []
    texts = [entry for entry in TEXTS if re.fullmatch(r"[\w ]{6,60}", entry["payload"]["info"])]
    for entry in texts:
        spelled = {**entry, "payload": {**entry["payload"], "info": _as_code(entry["payload"]["info"])}}
        if not is_right(entry, made_of(spelled, book)):
            changed.append(spelled["payload"]["info"])
    assert len(changed) <= len(texts) * 0.005, changed


def case_of(text: str, status: str = "Faulted", code: str = "OtherError") -> str:
    """What the rules make of a text beside a status and a code."""
    payload = {"connectorId": 1, "errorCode": code, "status": status, "info": text}
    return made_of({"protocol": "ocpp1.6", "action": "StatusNotification", "payload": payload}, rule_book())


@pytest.mark.parametrize("gap", [" ", "-", "_", ""])
def test_names_that_hold_a_word_for_a_fault_name_none(gap: str) -> None:
    said = {name: case_of(f"{gap.join(name.title().split())} stopped") for name in NAMES}
    assert {name: case for name, case in said.items() if case != OTHER} == {}


def test_what_flows_or_burns_is_over_when_it_is_gone_but_a_part_is_not() -> None:
    words = [word.replace("*", "a") for word in GONE]
    for fault, case in (("Overcurrent", FUSE), ("Kurzschluss", FUSE), ("Overtemperature", SENSORS)):
        assert case_of(fault, "Unavailable") == case
        assert {word for word in words if case_of(f"{fault} {word}", "Unavailable") != END} == set()
        assert case_of(f"{fault} not gone", "Unavailable") == case
    assert [case_of(text, "Unavailable") for text in ("Fuse gone", "Breaker has gone", "Kabel weg")] == [
        FUSE,
        FUSE,
        SENSORS,
    ]


def test_a_test_of_a_part_beside_no_error_is_no_alarm_and_what_happens_in_one_is() -> None:
    for text in ("Emergency stop test running", "Not-Aus-Test läuft", "Test arrêt d'urgence", "RCD trip test planned"):
        assert case_of(text, "Charging", "NoError") == END, text
    for text in ("Emergency stop pressed", "Emergency stop pressed during test", "RCD tripped"):
        assert case_of(text, "Charging", "NoError") == FUSE, text


def test_a_letter_that_is_wrong_in_a_long_word_changes_neither_a_fault_nor_what_denies_it() -> None:
    for text in ("Emergancy stop", "RCD trippd", "Sicherung ausgelsöt", "Disjonteur ouvert", "Kurzschlus", "Lekstrom"):
        assert case_of(text) == FUSE, text
    for text in ("Overtemperture", "Überhitzunng", "Surchaufe", "Sobretemprratura", "Vandalsm"):
        assert case_of(text) == SENSORS, text
    assert case_of("Vibration sensor calibated", "Available") == NOTHING
    assert case_of("Température anormale") == SENSORS
    assert case_of("Door lock jammed") == OTHER
