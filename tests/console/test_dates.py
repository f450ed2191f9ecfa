"""Days, moments and numbers are written in one way, by the language and the zone of whoever reads."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse as url
from django.utils import timezone, translation

from console.templatetags.console import ago, exact, until
from core.time_zones import clock_text, day_text, moment_text, month_text, number_text, short_day_text
from outbox.transports.rendering.words import fact_value, mail_time
from tests.dead_code import PRODUCT
from tests.factories.infra_notifications import online

MOMENT = datetime(2026, 11, 29, 13, 29, 45, tzinfo=UTC)
# Filters and tags of Django and Jinja that would write them in another.
OTHERS = re.compile(
    r"\|\s*(date|time|timesince|timeuntil|naturaltime|naturalday|floatformat|intcomma|intword|localize|unlocalize|localtime"
    r"|stringformat|utc|timezone|format|round)\b|{%-?\s*(now|localtime|timezone|localize)\b"
    r"|{%\s*load [^%]*\b(humanize|tz|l10n)\b"
)
WRITES = re.compile(r"\b(date_format|number_format|time_format|naturaltime|intcomma)\(")
# The mechanism; drivers' texts, which are written in languages of their own.
MAY = {"core/time_zones.py", "vehicles/services/texts.py"}


@pytest.mark.parametrize(
    ("language", "day", "number", "month", "short"),
    [
        ("en", "4 Nov 2026", "12,345.60", "November 2026", "4 Nov"),
        ("de", "04.11.2026", "12.345,60", "November 2026", "4 Nov."),
        ("fr", "04/11/2026", "12\xa0345,60", "novembre 2026", "4 nov."),
        ("sv", "2026-11-04", "12\xa0345,60", "november 2026", "4 Nov"),
    ],
)
def test_nobody_reads_another_day_or_number(language: str, day: str, number: str, month: str, short: str) -> None:
    fourth = date(2026, 11, 4)
    with translation.override(language), timezone.override("Europe/Berlin"):
        moment = datetime(2026, 11, 4, 13, 29, 45, tzinfo=UTC)
        assert moment_text(moment) == f"{day} 14:29:45"
        assert mail_time(moment) == moment_text(moment, zone=True) == f"{day} 14:29:45 CET"
        assert (day_text(fourth), month_text(fourth)) == (day, month)
        assert short_day_text(fourth).lower().rstrip(".") == short.lower().rstrip(".")
        assert number_text(12345.6, 2).replace("\u202f", "\xa0") == number
        assert clock_text(moment) == clock_text(time(14, 29)) == "14:29"


def test_a_moment_is_exact_on_hover_and_in_text_for_who_hears_the_page() -> None:
    whole, zone = "29 Nov 2026 14:29:45 CET", "Europe/Berlin"
    with timezone.override(zone):
        assert f'title="{whole}">29 Nov 2026 14:29:45</time>' in exact(MOMENT)
        for text in (ago(MOMENT), until(MOMENT)):
            assert f'title="{whole}"' in text
            assert f'<span class="visually-hidden">, {whole}</span></time>' in text
        assert exact(MOMENT + timedelta(days=200)).count("CEST") == 1
    with timezone.override("Asia/Tehran"):
        assert mail_time(MOMENT) == "29 Nov 2026 16:59:45 UTC+03:30"


@pytest.mark.django_db
def test_the_zone_is_chosen_or_the_browsers(viewer: Client) -> None:
    zone = url("console:time_zone")

    def shown() -> str:
        page = viewer.get("/infrastructure/charge-points/").content.decode()
        return str(re.findall(r'<time [^>]*title="[^"]* (\w+)"', page)[0])

    online(evse_id="A")
    viewer.cookies["signalbox_tz"] = "Asia%2FTokyo"
    assert shown() == "JST"
    viewer.post(zone, {"time_zone": "Asia/Kolkata"})
    assert shown() == "IST"
    assert "<option selected>Asia/Kolkata</option>" in viewer.get("/account/").content.decode()
    viewer.post(zone, {"time_zone": "Nowhere/Else"})
    assert shown() == "JST"


def test_facts_of_mails_lose_no_digit() -> None:
    assert [fact_value(value) for value in (48.85661, 12345, 7.0, True)] == ["48.85661", "12,345", "7.0", "yes"]


def test_templates_write_days_moments_and_numbers_in_no_other_way() -> None:
    files = [path for path in (settings.BASE_DIR / "templates").rglob("*.*") if path.suffix in (".html", ".txt")]
    assert len(files) > 300
    wrong = [(path.name, found[0]) for path in files for found in OTHERS.finditer(path.read_text())]
    assert wrong == []


def test_code_writes_days_moments_and_numbers_in_no_other_way() -> None:
    files = {path for app in PRODUCT for path in (settings.BASE_DIR / app).rglob("*.py")}
    wrong = [str(path.relative_to(settings.BASE_DIR)) for path in files if WRITES.search(path.read_text())]
    assert set(wrong) == MAY


@pytest.mark.parametrize("text", ["{{ x|date:'c' }}", "{% load i18n humanize %}", "{{ x | round(1) }}", "{% now %}"])
def test_the_rule_sees_what_it_is_for(text: str) -> None:
    assert OTHERS.search(text)
