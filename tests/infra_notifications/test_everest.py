"""What EVerest's own library writes, recorded: each of its errors opens its case, once, and ends with its end."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.models import Incident, Source, StationConnection
from infra_notifications.rules.mqtt_topics import MESSAGES, read_publication
from infra_notifications.services.mqtt import MqttIntake
from tests.infra_notifications.helpers import at
from tests.infra_notifications.test_mqtt import Arrival, open_cases, station

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "data/everest.jsonl").read_text().splitlines()]
ERRORS = [each for each in RECORDED if "error_history_consumer" in each["topic"]]
WARNING = "VendorWarning"


def type_of(recorded: dict[str, Any]) -> str:
    return str(json.loads(recorded["body"])["type"])


def test_every_kind_of_message_was_recorded() -> None:
    assert {each["topic"].rpartition("/")[2] for each in RECORDED} >= MESSAGES.keys()
    assert len({type_of(each) for each in ERRORS}) == 82


@pytest.mark.django_db
def test_each_error_opens_its_case_once_and_ends() -> None:
    station()
    intake, seconds = MqttIntake("broker.example"), count()
    wrong = []

    def take(each: dict[str, Any]) -> None:
        told = intake.take([Arrival(f"CP-1/{each['topic']}", each["body"].encode(), at(next(seconds)))], at(3_600))
        assert set(told) <= {"accepted"}, (each, told)

    raised: list[dict[str, Any]] = []
    for each in ERRORS:
        is_end = each["topic"].endswith("error_cleared")
        if raised and not is_end and type_of(each) != "evse_manager/Inoperative":
            opened, expected = list(Incident.objects.values_list("case", flat=True)), raised[0]["case"]
            if opened != [expected] * (expected is not None) or open_cases():
                wrong.append((type_of(raised[0]), expected, opened, open_cases()))
            Incident.objects.all().delete()
            raised = []
        if not is_end:
            raised.append(each)
        take(each)
    assert not wrong


@pytest.mark.django_db
def test_all_of_it_is_understood_in_one_batch() -> None:
    station()
    intake = MqttIntake("broker.example")
    arrivals = [Arrival(f"CP-1/{each['topic']}", each["body"].encode(), at(n)) for n, each in enumerate(RECORDED)]
    assert "rejected" not in intake.take(arrivals, at(3_600))
    assert open_cases() == []
    opened = Counter(Incident.objects.values_list("case", flat=True))
    assert opened.keys() >= {each["case"] for each in ERRORS if each.get("case")}
    assert StationConnection.objects.get().connected
    assert Source.objects.get().rejected == 0


def test_a_warning_is_no_fault_and_whatever_else_prevents_charging_is() -> None:
    """As EvseManager has it: of a severity nobody chose it is the lowest."""
    for each in ERRORS:
        frame = read_publication(f"CP-1/{each['topic']}", each["body"].encode()).frame
        if frame is not None:
            variable = frame.payload["eventData"][0]["variable"]["name"]
            assert variable == ("Warning" if WARNING in type_of(each) else "Problem"), each
