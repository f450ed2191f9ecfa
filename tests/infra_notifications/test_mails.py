"""The mails of notification groups, as a mail server gets them and a technician reads them."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from infra_notifications.choices import CASE_EXPLANATIONS, Case
from infra_notifications.mailing import map_link, model_line, reported, station_line
from infra_notifications.models import Acknowledgement, ChargePoint, GroupAddress, Incident, NotificationGroup
from infra_notifications.services import mail_links
from infra_notifications.services.groups import update_group
from outbox.dispatcher import deliver_due
from outbox.models import Delivery
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import (
    HOUR,
    NOW,
    at,
    fault,
    fine,
    message,
    say,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)
from tests.mailserver import Mail, MailServer

pytestmark = pytest.mark.usefixtures("committed")
ADDRESS = "night@example.org"
LABELS = {"en": "Fuse tripped", "de": "Sicherung ausgelöst", "fr": "Fusible déclenché"}
STATES = {
    "en": ("New error", "Still open", "All clear"),
    "de": ("Neuer Fehler", "Noch offen", "Entwarnung"),
    "fr": ("Nouvelle erreur", "Toujours ouvert", "Fin d’alerte"),
}
# As each language writes a moment, in the group's zone.
SINCE = {"en": "%d %b %Y %H:%M:%S %Z", "de": "%d.%m.%Y %H:%M:%S %Z", "fr": "%d/%m/%Y %H:%M:%S %Z"}


@pytest.fixture
def points() -> list[ChargePoint]:
    return [a_point(1), a_point(2)]


def a_point(connector: int, **more: Any) -> ChargePoint:
    given = {
        "evse_id": f"DE*CP-1*{connector}",
        "station": "CP-1",
        "connector": connector,
        "expected_interval_s": 30 * 86_400,
        "name": "Deck 2",
        "location": "Parkhaus Süd",
        "street": "Bahnhofstr. 1",
        "postal_code": "50667",
        "city": "Köln",
        "vendor": "ABB",
        "model": "Terra 54",
        "latitude": "50.9375",
        "longitude": "6.9603",
    }
    point: ChargePoint = ChargePointFactory(**(given | more))
    return point


def group_of(points: list[ChargePoint], **more: Any) -> NotificationGroup:
    given = {"name": "Köln", "emails": [ADDRESS], "reminder_s": 3600, "time_zone": "Europe/Berlin"} | more
    group: NotificationGroup = NotificationGroupFactory(members=points, **given)
    return group


def parts(mail: Mail) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    message = mail.message
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    return str(message["Subject"]), mail.text, str(html.get_content())


def link_in(mail: Mail) -> str:
    """The path of a mail's link to acknowledge."""
    found = re.search(r"https?://[^/\s]+(/\S*/acknowledge/\S+/)", mail.text)
    assert found, mail.text
    assert f'href="http://testserver{found[1]}"' in parts(mail)[2]
    return found[1]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Störungsstelle <desk@x.example>", "Störungsstelle <desk@x.example>"),
        ('"Störungsstelle, Nacht" <desk@x.example>', '"Störungsstelle, Nacht" <desk@x.example>'),
        ("Störungsstelle (Nacht), Köln <desk@x.example>", '"Störungsstelle (Nacht), Köln" <desk@x.example>'),
        ('"Desk \\"N\\"" <desk@x.example>', '"Desk \\"N\\"" <desk@x.example>'),
        ("<desk@x.example>", "desk@x.example"),
        ("電話 <desk@x.example>\r\nBcc: a@b.example", ""),
        ("Desk <desk@x.example>, b@x.example", ""),
        ("Desk <desk>", ""),
    ],
)
def test_answers_go_to_a_desk_with_a_name_in_any_letters(
    smtp: MailServer, api: ApiClient, typed: str, stored: str
) -> None:
    point = a_point(1)
    path = f"/charging/groups/{group_of([point]).pk}"
    answer = api.patch(path, {"reply_to": typed})
    assert (answer.status_code, answer.json().get("reply_to", "")) == (200 if stored else 422, stored)
    say(point, fault())
    deliver_due()
    header = smtp.mails[0].message["Reply-To"]
    if stored:
        (mailbox,) = header.addresses
        assert (mailbox.addr_spec, mailbox.display_name) == ("desk@x.example", parseaddr(stored)[0])


@pytest.mark.parametrize("language", LABELS)
def test_alert_reminder_and_all_clear_are_one_conversation_in_words(
    language: str, points: list[ChargePoint], smtp: MailServer
) -> None:
    group_of(points, language=language)
    # Before NOW, because mails are delivered by the clock, whatever the hour at which this runs.
    opened = at(5) - 3 * HOUR
    say(points[0], fault(), now=opened)
    deliver_due()
    sweep(opened + HOUR + timedelta(minutes=5))
    deliver_due()
    say(points[0], fine(), now=opened + 2 * HOUR)
    deliver_due()
    assert len(smtp.mails) == 3
    colon = " :" if language == "fr" else ":"
    subject = f"{LABELS[language]}{colon} {points[0].evse_id}, Parkhaus Süd, Köln (FUSE_TRIPPED)"
    first = smtp.mails[0].message["Message-ID"]
    for mail, state, prefix in zip(smtp.mails, STATES[language], ("", "Re: ", "Re: "), strict=True):
        said, text, html = parts(mail)
        assert said == prefix + subject
        assert text.startswith(state)
        assert f">{state}</span>" in html
        assert mail.message["References"] == (first if prefix else None)
        since = opened.astimezone(ZoneInfo("Europe/Berlin")).strftime(SINCE[language])
        for words in (text, html):
            assert since in words or since.lstrip("0") in words
            for fact in (points[0].evse_id, "CP-1", "ABB Terra 54", "Faulted · OverCurrentFailure", "Bahnhofstr. 1"):
                assert fact in words
            assert "mlat=50.937500" in words
        assert ("/acknowledge/" in text) is (state != STATES[language][2])


def test_errors_and_charge_points_are_counted_apart(points: list[ChargePoint], smtp: MailServer) -> None:
    group_of(points)
    take_neutral(signal(points[0], "raised"), signal(points[0], "raised", case="SENSORS"), signal(points[1], "raised"))
    deliver_due()
    number = Incident.objects.count()
    subject, text, _html = parts(smtp.mails[0])
    assert number == 3
    assert subject == "Köln: 3 errors at 2 charge points"
    assert "3 errors occurred at charge points of the group “Köln”." in text
    take_neutral(signal(points[1], "cleared"), now=at(100))
    deliver_due()
    assert parts(smtp.mails[1])[0] == f"Re: {subject}"  # of one of the three, in the same conversation
    assert "All clear: Fuse tripped" in smtp.mails[1].text


def test_two_errors_at_one_charge_point_are_not_two_charge_points(points: list[ChargePoint], smtp: MailServer) -> None:
    group_of(points, language="de")
    take_neutral(signal(points[0], "raised"), signal(points[0], "raised", case="SENSORS"))
    deliver_due()
    assert Incident.objects.count() == 2
    assert parts(smtp.mails[0])[0] == "Köln: 2 Fehler an 1 Ladepunkt"


def test_headers_of_a_list(points: list[ChargePoint], smtp: MailServer, settings: Settings) -> None:
    settings.MAIL_REPLY_TO = "Night shift <desk@example.org>"
    group = group_of(points)
    say(points[0], fault())
    deliver_due()
    headers = smtp.mails[0].message
    assert headers["List-Id"] == f"<{group.pk}.notification-group.testserver>"
    assert headers["Reply-To"] == "Night shift <desk@example.org>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_group_says_where_answers_go(api: ApiClient, points: list[ChargePoint], smtp: MailServer) -> None:
    group = group_of(points)
    path = f"/charging/groups/{group.pk}"
    assert api.patch(path, {"reply_to": "no address"}).status_code == 422
    assert api.patch(path, {"reply_to": "Desk@example.org"}).json()["reply_to"] == "Desk@example.org"
    say(points[0], fault())
    deliver_due()
    assert smtp.mails[0].message["Reply-To"] == "Desk@example.org"


HOSTILE = "<script>alert(1)</script>\r\nBcc: evil@example.org " + "x" * 70 + " שלום 🔌"


def test_hostile_names_stay_words(smtp: MailServer) -> None:
    point = a_point(1, name=HOSTILE[:100], location=HOSTILE[:100], city="Köln\nX-Evil: 1")
    group_of([point], name="G <b>&\r\nBcc: x@y.z")
    say(point, fault(info="<img src=x onerror=1>"))
    deliver_due()
    (mail,) = smtp.mails
    subject, _text, html = parts(mail)
    assert mail.recipients == (ADDRESS,)
    assert mail.message["Bcc"] is None
    assert mail.message["X-Evil"] is None
    assert "<script>" in subject
    for tag in ("<script", "<img", "<b>"):
        assert tag not in html


# ---- colours and the phone --------------------------------------------------------------------------------------


class _Style(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.style, self._inside = "", False
        self.metas: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "style"
        values = dict(attrs)
        if tag == "meta" and values.get("name"):
            self.metas[str(values["name"])] = str(values.get("content"))

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.style += data


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _palette(css: str) -> dict[str, dict[str, str]]:
    """By selector, its colours."""
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        colours = dict(re.findall(r"(?<![-\w])(color|background): (#[0-9a-f]{6})", body))
        for selector in selectors.split(","):
            if colours:
                rules.setdefault(selector.strip(), {}).update(colours)
    return rules


def test_mail_is_made_for_phones_and_readable_by_day_and_night(points: list[ChargePoint], smtp: MailServer) -> None:
    group_of(points)
    say(points[0], fault())
    deliver_due()
    page = _Style()
    page.feed(parts(smtp.mails[0])[2])
    assert page.metas["viewport"].startswith("width=device-width")
    assert page.metas["color-scheme"] == page.metas["supported-color-schemes"] == "light dark"
    light, _media, dark = page.style.partition("@media (prefers-color-scheme: dark)")
    palettes = [_palette(light), _palette(dark.strip().removeprefix("{"))]
    assert palettes[0].keys() == palettes[1].keys()
    for palette in palettes:
        sheet, outside = palette[".sheet"]["background"], palette["body"]["background"]
        pairs = [(palette[name]["color"], sheet) for name in (".sheet", ".soft", ".facts th", "a")]
        pairs += [(palette[name]["color"], outside) for name in ("body", ".foot", "a")]
        pairs += [
            (palette[name]["color"], palette[name]["background"])
            for name in (".button", ".bad", ".warn", ".good", ".calm")
        ]
        assert min(_contrast(*pair) for pair in pairs) >= 4.5


# ---- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", list(Case))
def test_each_case_says_what_it_means(case: Case, smtp: MailServer) -> None:
    (point,) = station("CP-1", 1, expected_interval_s=30 * 86_400)
    group_of([point], hold_off_s=dict.fromkeys(Case.values, 0))
    take_neutral(signal(point, "raised", case=case.value))
    deliver_due()
    (mail,) = smtp.mails
    assert str(case.label) in mail.message["Subject"]
    assert str(CASE_EXPLANATIONS[case]) in mail.text


def test_lines_of_a_charge_point() -> None:
    assert model_line({"vendor": "ABB", "model": "ABB Terra 54"}) == "ABB Terra 54"
    assert model_line({"vendor": "ABB", "model": ""}) == "ABB"
    assert model_line({}) == ""
    assert station_line({"station": "CP-1", "connector": 0}) == "CP-1, connector 0"
    assert station_line({"connector": None}) == ""
    assert reported(None) == ""
    assert reported("No message for ever <b>") == "No message for ever <b>"


def test_map_shows_coordinates_or_an_address_or_nothing(settings: Settings) -> None:
    assert map_link({"latitude": 0, "longitude": -0.1}).endswith("#map=18/0.000000/-0.100000")
    assert map_link({"street": "Rue d’A&B 1", "city": "Aÿ"}).endswith("?query=Rue%20d%E2%80%99A%26B%201%2C%20A%C3%BF")
    assert map_link({"location": "Deck 2"}) == ""
    settings.MAP_URL, settings.MAP_SEARCH_URL = "https://maps.example/{latitude},{longitude}", ""
    assert map_link({"latitude": 1.5, "longitude": 2}) == "https://maps.example/1.500000,2.000000"
    assert map_link({"street": "A", "city": "B"}) == ""


def test_silence_is_told_in_the_groups_language(points: list[ChargePoint], smtp: MailServer) -> None:
    (point,) = station("CP-2", 1, expected_interval_s=60)
    group_of([point], language="de", hold_off_s={"UNAVAILABLE": 0})
    say(point, fine())
    sweep(at(600))
    deliver_due()
    assert "Keine Nachricht seit" in smtp.mails[0].text
    assert "No message" not in smtp.mails[0].content.decode()


# ---- the link to acknowledge ------------------------------------------------------------------------------------


def _told(points: list[ChargePoint], smtp: MailServer, **more: Any) -> str:
    """The link of a mail that told, just now, of an error at each of these charge points."""
    group_of(points, **more)
    take(*[message(point, fault(connectorId=n), id=str(n)) for n, point in enumerate(points, 1)])
    deliver_due()
    Delivery.objects.update(created_at=NOW)
    return link_in(smtp.mails[0])


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The links of these mails are looked at by the tests' clock."""
    monkeypatch.setattr("infra_notifications.views.mail_links.timezone.now", lambda: at(60))


@pytest.mark.usefixtures("soon")
def test_link_acts_on_post_alone_and_for_the_whole_mail(points: list[ChargePoint], smtp: MailServer) -> None:
    link, stranger = _told(points, smtp), Client()
    for ask in (stranger.get, stranger.head, stranger.get):
        response = ask(link)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "no-referrer"
    assert not Acknowledgement.objects.exists()
    assert "Acknowledge all 2 errors" in stranger.get(link).content.decode()
    for method in (stranger.put, stranger.delete, stranger.patch):
        assert method(link).status_code == 405
    first, second = stranger.post(link), stranger.post(link)
    assert "2 errors acknowledged" in first.content.decode()
    assert "There is nothing left to acknowledge." in second.content.decode()
    assert list(Acknowledgement.objects.values_list("author", flat=True)) == [f"by mail: {ADDRESS}"] * 2


@pytest.mark.usefixtures("soon")
def test_link_says_what_is_over_and_who_was_quicker(points: list[ChargePoint], smtp: MailServer) -> None:
    link = _told(points, smtp, language="de")
    say(points[0], fine(), now=at(30))
    Acknowledgement.objects.create(incident=Incident.objects.get(charge_point=points[1]), at=at(20), author="anna")
    for ask in (Client().get, Client().post):
        shown = " ".join(ask(link).content.decode().split())
        assert "Es ist nichts mehr zu quittieren." in shown
        assert "Vorbei seit" in shown
        assert "Quittiert anna" in shown
        assert "<form" not in shown
    assert Acknowledgement.objects.count() == 1


@pytest.mark.usefixtures("soon")
def test_page_of_a_link_has_the_zone_of_its_mail_and_names_no_stranger(
    points: list[ChargePoint], smtp: MailServer, operator: Client
) -> None:
    link = _told(points, smtp, language="de", time_zone="Asia/Tokyo")
    assert " JST" in Client().get(link).content.decode()
    assert Client().post(link).status_code == 200
    assert f"per Mail: {ADDRESS}" in Client().get(link).content.decode()
    Acknowledgement.objects.update(author="by mail: other@example.org")
    shown = Client().get(link).content.decode()
    assert "per Mail" in shown
    assert "other@example.org" not in shown
    page = reverse("infra_notifications:incident", args=[Incident.objects.first().pk])  # type: ignore[union-attr] # told
    assert "by mail: other@example.org" in operator.get(page).content.decode()


def test_old_link_has_ended(points: list[ChargePoint], smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    link = _told(points, smtp)
    late = NOW + timedelta(days=mail_links.LINK_DAYS, seconds=1)
    monkeypatch.setattr("infra_notifications.views.mail_links.timezone.now", lambda: late)
    for ask in (Client().get, Client().post):
        assert ask(link).status_code == 410
    assert not Acknowledgement.objects.exists()


@pytest.mark.usefixtures("soon")
def test_link_of_an_address_that_left_has_ended(points: list[ChargePoint], smtp: MailServer) -> None:
    link = _told(points, smtp)
    GroupAddress.objects.all().delete()
    assert Client().post(link).status_code == 410
    assert not Acknowledgement.objects.exists()


@pytest.mark.usefixtures("soon")
def test_nobody_guesses_a_link(points: list[ChargePoint], smtp: MailServer) -> None:
    link = _told(points, smtp)
    token = link.rstrip("/").rpartition("/")[2]
    number, _colon, signature = token.partition(":")
    assert len(signature) >= 43  # 256 bits: no need to count tries
    wrong = (
        f"{int(number) + 1}:{signature}",
        f"{number}:{signature[:-1]}",
        number,
        f"{number}:",
        "x",
        "\u202e",
        f"{'9' * 40}:{signature}",
        token.swapcase(),
    )
    for text in wrong:
        page = reverse("infra_notifications:mail_acknowledge", args=[text])
        assert Client().post(page).status_code == 404
    assert not Acknowledgement.objects.exists()


@pytest.mark.usefixtures("soon")
def test_digest_has_a_link_for_all_that_it_says_is_open(points: list[ChargePoint], smtp: MailServer) -> None:
    """New since the last digest, and open from before."""
    group = group_of(points)
    began = NOW - 50 * HOUR
    update_group(group=group, settings={"digest_time": "19:00"}, now=began)
    say(points[0], fault(), now=began)
    sweep(began + 24 * HOUR)
    say(points[1], fault(), now=began + 25 * HOUR)
    sweep(began + 48 * HOUR)
    first, second = Delivery.objects.filter(event__kind="notification_group.digest").order_by("id")
    Delivery.objects.filter(pk=first.pk).update(state="cancelled", next_attempt_at=None)
    deliver_due()
    (mail,) = smtp.mails
    assert "Acknowledge all 2 errors" in mail.text
    Delivery.objects.filter(pk=second.pk).update(created_at=NOW)
    stranger, link = Client(), link_in(mail)
    assert "Acknowledge all 2 errors" in stranger.get(link).content.decode()
    assert not Acknowledgement.objects.exists()
    assert "2 errors acknowledged" in stranger.post(link).content.decode()
    assert Acknowledgement.objects.count() == 2


def test_digest_of_what_is_over_or_acknowledged_has_no_link(points: list[ChargePoint], smtp: MailServer) -> None:
    group = group_of(points)
    began = NOW - 50 * HOUR
    update_group(group=group, settings={"digest_time": "19:00"}, now=began)
    take(*[message(point, fault(connectorId=n)) for n, point in enumerate(points, 1)], now=began)
    say(points[0], fine(), now=began + HOUR)
    Acknowledgement.objects.create(incident=Incident.objects.get(charge_point=points[1]), at=began, author="anna")
    sweep(began + 24 * HOUR)
    deliver_due()
    (mail,) = smtp.mails
    assert "/acknowledge/" not in mail.content.decode()
