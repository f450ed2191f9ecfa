"""Days of the week and times of day as people write them, in six languages."""

from __future__ import annotations

import pytest
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import override

from fleet_remotes.catalogue.words import DAY_NAMES, DAYS
from fleet_remotes.ingest.commands import read_command
from fleet_remotes.ingest.times import UnknownDay, days_meant, seconds_of_day

WEEK = list(DAYS)


@pytest.mark.parametrize("language", DAY_NAMES)
def test_every_day_is_known_as_django_translates_it(language: str) -> None:
    with override(language):
        names, short = [str(WEEKDAYS[n]) for n in range(7)], [str(WEEKDAYS_ABBR[n]) for n in range(7)]
    for name, day in zip(names, WEEK, strict=True):
        assert [days_meant([spelt]) for spelt in (name, name.upper(), f" {name}. ")] == [[day]] * 3
    for said in (short, [", ".join(short)], [f"{short[0]}.-{short[6]}."], [" ".join(reversed(names))]):
        assert days_meant(said) == WEEK


@pytest.mark.parametrize(
    ("said", "days"),
    [
        (["mar."], ["Tue"]),
        (["Lu"], ["Mon"]),
        (["Mon-Fri"], WEEK[:5]),
        (["Sun..Thu"], [*WEEK[:4], "Sun"]),
        (["Mon ... Wed.", "Sa"], [*WEEK[:3], "Sat"]),
        (["lun…mer"], WEEK[:3]),
        (["Mon→Fri"], WEEK[:5]),
        (["Mo–Fr, So"], [*WEEK[:5], "Sun"]),
        (["du lundi au jeudi et sam."], [*WEEK[:4], "Sat"]),
        (["ma t/m vr"], WEEK[:5]),
        (["lunes a viernes"], WEEK[:5]),
        (["Sat - Mon"], ["Mon", "Sat", "Sun"]),
        (["montags und freitags"], ["Mon", "Fri"]),
        (["Mo, Di"], ["Mon", "Tue"]),
        (["sa", "di", "lu"], ["Mon", "Sat", "Sun"]),
        (["Samedi", "sun"], ["Sat", "Sun"]),
        (["tous les jours"], WEEK),
        (["Week-End", "weekdays"], WEEK),
        ([""], []),
    ],
)
def test_ranges_lists_and_groups(said: list[str], days: list[str]) -> None:
    assert days_meant(said) == days


@pytest.mark.parametrize(
    ("said", "place", "sentence"),
    [
        (["di"], 0, "Tue or Sun"),
        (["Mon", "Someday"], 1, "none of Mon"),
        (["Mon-"], 0, "from one day to another"),
        (["- Fri"], 0, "from one day to another"),
        (["Mon", "5"], 1, "none of Mon"),
    ],
)
def test_what_has_no_meaning_or_two_is_said(said: list[str], place: int, sentence: str) -> None:
    with pytest.raises(UnknownDay, match=sentence) as error:
        days_meant(said)
    assert error.value.place == place


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        *[(text, 6, 30) for text in ("6:30", "06:30:00", "6h30", "6 h 30", "6.30 Uhr", "6 Uhr 30", "0630", "6:30 AM")],
        *[(text, 18, 30) for text in ("6:30 PM", "6:30pm", "6.30 p.m.", "18u30", "18:30 uur", "18:30:00", "PT18H30M")],
        *[(text, 6, 0) for text in ("6h", "6 am", "6 Uhr", "6 o'clock", "6 heures", "PT6H")],
        *[(text, 0, 0) for text in ("12 AM", "midnight", "minuit", "0:00")],
        *[(text, 12, 0) for text in ("12 pm", "Noon", "Mittag", "mediodía")],
    ],
)
def test_a_clock_is_read(text: str, hour: int, minute: int) -> None:
    assert seconds_of_day(text) == hour * 3600 + minute * 60


@pytest.mark.parametrize(
    "text", ["6", "12", "630", "24:00", "6:75", "13 PM", "0 am", "6:30:00Z", "soon", "", "P", "-6:30"]
)
def test_what_no_clock_shows_is_none(text: str) -> None:
    assert seconds_of_day(text) is None


def test_a_command_takes_the_same_words() -> None:
    program = {"slot": 1, "start": "6:30 PM", "occurrence": {"days": "lun.-ven."}}
    read = read_command("preconditioning", {"programs": [program]}).parameters["airConditioning"]["programs"][0]
    assert (read["start"], read["occurence"]["day"]) == ("PT18H30M", WEEK[:5])
