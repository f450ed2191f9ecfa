"""What the seeded rules make of texts and codes of real charging stations; see `data/README.md` for the judgements."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.ingest import observe
from infra_notifications.rules.matching import RuleBook, effect_of
from infra_notifications.services.mapping import rule_book

pytestmark = pytest.mark.django_db

FUSE, SENSORS, END, NOTHING = "FUSE_TRIPPED", "SENSORS", "END", "nothing"
CORPUS = Path(__file__).parent / "data" / "corpus.jsonl"
ENTRIES: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
REQUIRED = {
    ("ocpp1", "StatusNotification"): {"connectorId", "errorCode", "status"},
    ("ocpp2", "StatusNotification"): {"timestamp", "connectorStatus", "evseId", "connectorId"},
    ("ocpp2", "NotifyEvent"): {"generatedAt", "seqNo", "eventData"},
    ("ocpp1", "SecurityEventNotification"): {"type", "timestamp"},
    ("ocpp2", "SecurityEventNotification"): {"type", "timestamp"},
}
# Not understood yet, each with the reason; this is to become empty.
KNOWN_MISSES = {
    "RCD triggered": "beside AvailabilityState = Faulted: the state of a component is judged with OTHER_FAULT",
    "Emergency stop pressed": "beside AvailabilityState = Faulted: the state of a component is judged with OTHER_FAULT",
}


def wanted(entry: dict[str, Any]) -> str:
    """What the rules should make of an entry as long as no rule knows OTHER_FAULT."""
    if entry["case"] == END:
        return NOTHING if entry["ends"] == "OTHER_FAULT" else END
    return entry["case"] if entry["case"] in (FUSE, SENSORS) else NOTHING


def made_of(entry: dict[str, Any], book: RuleBook) -> str:
    """The gravest that the rules make of an entry: a case that is raised, its END, or nothing."""
    made = set()
    for observation in observe(entry["protocol"], entry["action"], entry["payload"]):
        rule = book.match(observation)
        effect = effect_of(rule, observation) if rule else "info"
        if rule and effect == "raise":
            made.add(rule.case)
        elif rule and effect == "clear" and entry.get("ends", "") in ("ANY", "OTHER_FAULT", "", rule.case):
            made.add(END)
    return next((what for what in (FUSE, SENSORS, END) if what in made), NOTHING)


def says(entry: dict[str, Any]) -> str:
    """The text of an entry, for people and for the list of known misses."""
    (event,) = entry["payload"].get("eventData", [{}])
    return entry["payload"].get("info") or event.get("techInfo") or ""


def is_known(entry: dict[str, Any]) -> bool:
    events = entry["payload"].get("eventData", [])
    return says(entry) in KNOWN_MISSES and [e["variable"]["name"] for e in events] == ["AvailabilityState"]


def test_corpus_covers_languages_and_meanings() -> None:
    assert len(ENTRIES) >= 500
    assert {entry["language"] for entry in ENTRIES} == {"en", "de", "fr", "es", "nl", "it"}
    assert {entry["case"] for entry in ENTRIES} == {FUSE, SENSORS, "OTHER_FAULT", END, None}
    assert len({entry["source"] for entry in ENTRIES}) > 30


def test_every_entry_is_a_message_as_it_is_on_the_wire() -> None:
    for entry in ENTRIES:
        required = REQUIRED[entry["protocol"][:5], entry["action"]]
        assert required <= set(entry["payload"]), entry
        assert ("ends" in entry) is (entry["case"] == END), entry
    assert len({json.dumps(entry["payload"]) + entry["protocol"] for entry in ENTRIES}) == len(ENTRIES)


def test_calm_messages_other_faults_and_ends_raise_neither_fuse_nor_sensors() -> None:
    book = rule_book()
    alarms = [entry for entry in ENTRIES if wanted(entry) in (NOTHING, END) and made_of(entry, book) in (FUSE, SENSORS)]
    assert alarms == []


def test_ends_end_their_case_and_faults_are_not_read_as_ends() -> None:
    book = rule_book()
    missed = [entry for entry in ENTRIES if wanted(entry) == END and made_of(entry, book) != END]
    ended = [entry for entry in ENTRIES if entry["case"] not in (END, None) and made_of(entry, book) == END]
    assert (missed, ended) == ([], [])


def test_fuses_and_sensors_are_heard() -> None:
    book = rule_book()
    seen = Counter((wanted(entry), made_of(entry, book)) for entry in ENTRIES)
    for case in (FUSE, SENSORS, END):
        right = seen[case, case]
        told = sum(number for (_, made), number in seen.items() if made == case)
        meant = sum(number for (want, _), number in seen.items() if want == case)
        print(f"{case}: precision {right / told:.3f}, recall {right / meant:.3f} of {meant}")
    missed = [e for e in ENTRIES if wanted(e) in (FUSE, SENSORS) and made_of(e, book) != wanted(e) and not is_known(e)]
    assert missed == []
