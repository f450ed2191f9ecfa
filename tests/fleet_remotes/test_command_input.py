"""Commands as they are given: nine actions, strict parameters, sentences that say what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import Kind
from fleet_remotes.forms import COMMANDS, CommandForm
from fleet_remotes.ingest.commands import CommandError, read_command

POINT = {"type": "Point", "coordinates": [6.96, 50.94]}
GOOD: list[tuple[str, Any, str]] = [
    ("preconditioning", {"airConditioning": {"immediate": True}}, "Start preconditioning"),
    ("preconditioning", {"airConditioning": {"immediate": False}}, "Stop preconditioning"),
    (
        "preconditioning",
        {
            "airConditioning": {
                "programs": [
                    {
                        "slot": 4,
                        "start": "PT14H30M",
                        "enabled": True,
                        "recurrence": "Daily",
                        "occurence": {"day": ["Mon", "Sun"]},
                        "actionsType": "Set",
                    }
                ]
            }
        },
        "Set preconditioning programs",
    ),
    ("charging", {"immediate": True}, "Start charging"),
    ("charging", {"immediate": False}, "Stop charging"),
    ("charging", {"schedule": {"nextDelayedTime": "PT22H5M"}}, "Set the charging schedule"),
    (
        "charging",
        {"immediate": False, "schedule": {"programs": [{"slot": 1, "start": "PT0H", "enabled": False}]}},
        "Set the charging schedule",
    ),
    ("charging", {"preferences": {"level": "Level3", "type": "Full"}}, "Set charging preferences"),
    ("door", {"state": "Locked"}, "Lock the doors"),
    ("door", {"state": "Unlocked"}, "Unlock the doors"),
    ("horn", {"state": "Activated"}, "Sound the horn"),
    ("horn", {"state": "Unactivated"}, "Silence the horn"),
    ("lights", {"on": True}, "Switch the lights on"),
    ("lights", {"on": False}, "Switch the lights off"),
    ("immobilization", {"activate": True}, "Immobilise"),
    ("immobilization", {"activate": False}, "Release the immobiliser"),
    ("stolen", {"stolen": True}, "Declare stolen"),
    ("stolen", {"stolen": False}, "Declare found again"),
    ("stolen", {"trackingPeriod": {"running": 5, "shutdown": 60}}, "Track the stolen vehicle"),
    ("stolen", {"immobilization": {"activate": True}}, "Immobilise"),
    ("wakeUp", {"action": "WakeUp"}, "Wake up"),
    ("navigation", {"positions": [POINT]}, "Send a destination"),
    ("navigation", {"positions": [POINT] * 10}, "Send a route of 10 points"),
]


@pytest.mark.parametrize(("name", "parameters", "summary"), GOOD)
def test_good_commands_are_taken_as_they_are(name: str, parameters: Any, summary: str) -> None:
    command = read_command(name, parameters)
    assert command.kind == name
    assert command.parameters == parameters
    assert summary_of(command.kind, command.parameters) == summary
    assert command.body("l") == {"label": "l", name: command.parameters}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Doors", Kind.DOOR),
        ("wakeup", Kind.WAKE_UP),
        ("WAKE_UP", Kind.WAKE_UP),
        (" Lights ", Kind.LIGHTS),
        ("immobilisation", Kind.IMMOBILIZATION),
    ],
)
def test_other_spellings_of_a_kind_are_understood(name: str, kind: Kind) -> None:
    good = next(parameters for known, parameters, _summary in GOOD if known == kind)
    assert read_command(name, good).kind == kind


def test_a_wake_up_needs_no_parameters() -> None:
    for given in (None, {}, {"action": "WakeUp"}):
        assert read_command("wakeUp", given).parameters == {"action": "WakeUp"}


@pytest.mark.parametrize(
    ("name", "parameters", "pointer"),
    [
        ("fly", {}, "/type"),
        ("", {}, "/type"),
        ("door", {}, "/parameters/state"),
        ("door", None, "/parameters/state"),
        ("door", [], "/parameters"),
        ("door", {"state": "Ajar"}, "/parameters/state"),
        ("door", {"state": "Locked", "quietly": True}, "/parameters"),
        ("lights", {"on": "perhaps"}, "/parameters/on"),
        ("horn", {"state": True}, "/parameters/state"),
        ("charging", {}, "/parameters"),
        ("charging", {"immediate": True, "preferences": {"type": "Full"}}, "/parameters"),
        ("charging", {"preferences": {}}, "/parameters/preferences"),
        ("charging", {"preferences": {"level": "Level6"}}, "/parameters/preferences/level"),
        ("charging", {"schedule": {}}, "/parameters/schedule"),
        ("charging", {"schedule": {"nextDelayedTime": "tonight"}}, "/parameters/schedule/nextDelayedTime"),
        ("charging", {"schedule": {"nextDelayedTime": "PT24H"}}, "/parameters/schedule/nextDelayedTime"),
        ("charging", {"schedule": {"nextDelayedTime": "PT1H", "programs": []}}, "/parameters/schedule/programs"),
        ("preconditioning", {"airConditioning": {}}, "/parameters/airConditioning"),
        (
            "preconditioning",
            {"airConditioning": {"programs": [{"slot": 0, "start": "PT1H"}]}},
            "/parameters/airConditioning/programs/0/slot",
        ),
        ("stolen", {}, "/parameters"),
        ("stolen", {"stolen": True, "immobilization": {"activate": True}}, "/parameters"),
        ("stolen", {"trackingPeriod": {"running": 4, "shutdown": 60}}, "/parameters/trackingPeriod/running"),
        ("stolen", {"trackingPeriod": {"running": 5, "shutdown": 59}}, "/parameters/trackingPeriod/shutdown"),
        ("wakeUp", {"action": "Sleep"}, "/parameters/action"),
        ("navigation", {"positions": []}, "/parameters/positions"),
        ("navigation", {"positions": [POINT] * 11}, "/parameters/positions"),
        (
            "navigation",
            {"positions": [{"type": "Point", "coordinates": [181, 0]}]},
            "/parameters/positions/0/coordinates/0",
        ),
        ("navigation", {"positions": [{"type": "Line", "coordinates": [1, 0]}]}, "/parameters/positions/0/type"),
    ],
)
def test_bad_commands_are_refused_with_the_place(name: str, parameters: Any, pointer: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_command(name, parameters)
    assert str(refused.value)
    assert refused.value.pointer == pointer


def test_dangerous_are_unlocking_immobilisation_and_stolen() -> None:
    dangerous = {summary for name, parameters, summary in GOOD if read_command(name, parameters).is_dangerous}
    assert dangerous == {
        "Unlock the doors",
        "Immobilise",
        "Release the immobiliser",
        "Declare stolen",
        "Declare found again",
        "Track the stolen vehicle",
    }


MORE = {
    "charge_later": {"time": "22:05"},
    "charge_type": {"charge_to": "Full"},
    "navigate": {"latitude": "50.94", "longitude": "6.96"},
}


@pytest.mark.parametrize("chosen", COMMANDS)
def test_every_choice_of_the_form_makes_a_good_command(chosen: str) -> None:
    form = CommandForm({"command": chosen, "reason": "because", **MORE.get(chosen, {})})
    assert form.is_valid(), form.errors
    assert form.made is not None
    assert form.made.kind == COMMANDS[chosen][0]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "command"),
        ({"command": "fly"}, "command"),
        ({"command": "unlock"}, "reason"),
        ({"command": "stolen", "reason": "  x "}, "reason"),
        ({"command": "charge_later"}, "time"),
        ({"command": "charge_later", "time": "25:00"}, "time"),
        ({"command": "navigate", "latitude": "91", "longitude": "0"}, "latitude"),
        ({"command": "navigate", "latitude": "1"}, "longitude"),
        ({"command": "custom"}, "kind"),
        ({"command": "custom", "kind": "door", "parameters": "{"}, "parameters"),
        ({"command": "custom", "kind": "door", "parameters": '{"state": "Ajar"}'}, "parameters"),
        ({"command": "custom", "kind": "door", "parameters": '{"state": "Unlocked"}'}, "reason"),
    ],
)
def test_form_says_at_which_field_what_is_wrong(given: dict[str, str], field: str) -> None:
    form = CommandForm(given)
    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_form_takes_what_is_spelled_by_hand() -> None:
    parameters = '{"preferences": {"level": "Level2"}}'
    form = CommandForm({"command": "custom", "kind": "charging", "parameters": parameters})
    assert form.is_valid()
    assert form.made is not None
    assert form.made.parameters == {"preferences": {"level": "Level2"}}
