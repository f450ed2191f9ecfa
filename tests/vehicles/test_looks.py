"""Sender and look by programme, and languages that operators add."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.refusal import Refused
from outbox.dispatcher import deliver_due
from tests.conftest import ApiClient
from tests.mailserver import MailServer
from tests.vehicles.helpers import DRIVER, NOW, account, at, contract, driver, events, linked, only, people, take
from vehicles.catalogue import TYPES
from vehicles.catalogue.phrases import PHRASES
from vehicles.choices import DriverLanguage
from vehicles.models import AddedLanguage, Driver, NotificationText, ProgramLook, TypeSetting
from vehicles.services.languages import counted, delete_language, language_named, save_language
from vehicles.services.looks import ink_on, save_look
from vehicles.services.notifications import send_sample
from vehicles.services.policies import change_text
from vehicles.services.support import resend

pytestmark = pytest.mark.usefixtures("db")
HOUSE = {"sender": "Signal <house@volt.example>", "logo": "Volt", "colour": "#0F6363"}
LYON = {"program": "Lyon", "sender": '"Lyon, <b>" <hello@lyon.example>', "reply_to": "help@lyon.example"}
TYPE = "InvalidCredentials"


def told(**of_driver: Any) -> None:
    people()
    take(driver(**of_driver), account(brand="Renault", auth_state="invalid_credentials"), linked("Renault"))


def spanish(**phrases: str) -> AddedLanguage:
    return save_language(row=None, code="es", fallback="fr", phrases={"hello": "Hola {name},", **phrases})


def sent(smtp: MailServer) -> EmailMessage:
    deliver_due()
    found = email.message_from_bytes(smtp.mails[-1].content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


# ---- programmes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "sender", "answers"),
    [
        ("LYON", '"Lyon, <b>" <hello@lyon.example>', "help@lyon.example"),
        ("Paris", "Signal <house@volt.example>", None),
    ],
)
def test_a_programmes_mails_come_from_it_and_look_like_it(
    committed: None, smtp: MailServer, program: str, sender: str, answers: str | None
) -> None:
    save_look(row=None, values=HOUSE)
    save_look(row=None, values=LYON)
    told(program=program)
    mail = sent(smtp)
    assert (str(mail["From"]), mail["Reply-To"]) == (sender, answers)
    assert "Volt" in html_of(mail)
    assert "#0f6363" in html_of(mail)
    (event,) = events(name=TYPE)
    assert event.payload["look"] == {"logo": "Volt", "colour": "#0f6363", "ink": "#ffffff"}


def test_without_a_look_mails_are_the_installations(committed: None, smtp: MailServer, settings: object) -> None:
    told()
    mail = sent(smtp)
    assert str(mail["From"]).partition("<")[2] == str(getattr(settings, "DEFAULT_FROM_EMAIL", "")).partition("<")[2]
    assert "style=" not in html_of(mail)


def test_samples_and_what_is_sent_again_bear_the_look_too(committed: None, smtp: MailServer) -> None:
    save_look(row=None, values=LYON | {"logo": "<Lyon>", "colour": "#ffee00"})
    told(program="lyon")
    deliver_due()
    resend(notification=only(TYPE), by="x", now=at(hours=1))
    assert sent(smtp)["Reply-To"] == "help@lyon.example"
    send_sample(entry=TYPES[TYPE], to="me@x.example", language="en", sent_by="me", now=NOW, program="Lyon")
    mail = sent(smtp)
    assert mail["Reply-To"] == "help@lyon.example"
    assert "&lt;Lyon&gt;" in html_of(mail)
    assert "color:#000000" in html_of(mail)


def test_an_app_that_asks_for_banners_reads_link_and_look(api: ApiClient) -> None:
    save_look(row=None, values=LYON | {"colour": "#0f6363"})
    TypeSetting.objects.filter(type="InvalidCredentialsBanner").update(links={"lyon": ["myapp://connect", "Connect"]})
    told(program="lyon")
    (row,) = api.get(f"/vehicles/drivers/{DRIVER}/notifications?channel=banner&state=shown").json()["items"]
    assert row["link"] == {"url": "myapp://connect", "label": "Connect"}
    assert row["look"]["colour"] == "#0f6363"
    (other,) = api.get("/vehicles/notifications?q=type:InvalidCredentials").json()["items"]
    assert (other["link"], other["look"]) == (None, row["look"])


@pytest.mark.parametrize(("colour", "ink"), [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#ffee00", "#000000")])
def test_words_on_a_colour_can_be_read(colour: str, ink: str) -> None:
    assert ink_on(colour) == ink


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("sender", "Volt"),
        ("sender", "a@b.example\r\nBcc: x@y.example"),
        ("reply_to", "nobody@here"),
        ("colour", "red"),
        ("colour", "#fff;x"),
        ("program", "LYON"),
    ],
)
def test_what_is_no_look_is_refused_by_field(field: str, wrong: str) -> None:
    save_look(row=None, values=LYON)
    with pytest.raises(Refused) as refused:
        save_look(row=None, values={"program": "x", field: wrong})
    assert [reason.field for reason in refused.value.reasons] == [field]


# ---- languages ------------------------------------------------------------------------------------------------------


def test_a_driver_is_told_in_an_added_language(committed: None, smtp: MailServer) -> None:
    spanish(unwanted="¿No quiere estos correos?", unsubscribe="Darse de baja")
    change_text(
        entry=TYPES["ReconnectUtilityContract"], language="es", title="Renueve {supplier}", body="Hasta {date}."
    )
    people()
    take(driver(language="es-MX"), contract("valid", at(days=-3), valid_to=at(days=-2).date().isoformat()))
    mail = sent(smtp)
    assert mail["Subject"] == "Renueve Greenchoice"
    assert mail["Content-Language"] == "es"
    text = mail.get_content() if not mail.is_multipart() else mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Hola Anna," in text
    assert "¿No quiere estos correos? Darse de baja" in text
    assert " de " in text.partition("Hasta")[2]
    assert "Darse de baja" in html_of(mail)


def test_what_is_not_written_yet_is_read_in_another_language_as_a_whole() -> None:
    spanish()
    told(language="es")
    (event,) = events(name=TYPE)
    assert (event.payload["language"], event.payload["driver"]["language"]) == ("fr", "es")
    assert event.payload["title"] == "Votre compte Renault a besoin de vous"


def test_a_language_holds_as_soon_as_it_is_added_and_until_it_is_deleted() -> None:
    people()
    take(driver(language="es"))
    assert Driver.objects.get().language == "es"
    row = spanish()
    change_text(entry=TYPES[TYPE], language="es", title="Hola", body="Vuelva a conectar.")
    take(account(brand="Renault", auth_state="invalid_credentials"), linked("Renault"))
    assert events(name=TYPE)[0].payload["title"] == "Hola"
    delete_language(row=row)
    assert not NotificationText.objects.exists()
    resend(notification=only(TYPE), by="x", now=at(hours=1))
    assert events(name=TYPE)[1].payload["language"] == "en"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("de_AT", "de"),
        ("DE", "de"),
        ("deu", "de"),
        ("nb-NO", "nb"),
        ("no", "nb"),
        ("tlh", "en"),
        ("", "en"),
        ("x" * 99, "en"),
    ],
)
def test_languages_are_read_in_their_spellings(said: str, language: str) -> None:
    assert language_named(said) == language


def test_days_are_counted_as_each_language_does() -> None:
    save_language(
        row=None, code="pl", fallback="en", phrases={"days": "dzień|dni|dni", "hours": "godzina|godziny|godzin"}
    )
    assert [counted("hours", n, "pl") for n in (1, 2, 5, 22)] == ["1 godzina", "2 godziny", "5 godzin", "22 godziny"]
    assert [counted("days", n, "en") for n in (1, 2, 1.5)] == ["1 day", "2 days", "1.5 days"]


@pytest.mark.parametrize(("name", "language"), list(product(PHRASES, DriverLanguage.values)))
def test_every_phrase_is_there_in_each_of_our_languages(name: str, language: str) -> None:
    assert PHRASES[name][language].strip()
    assert ("{name}" in PHRASES[name][language]) is (name == "hello")


@pytest.mark.parametrize(
    ("code", "phrases", "field"),
    [
        ("de", {}, "code"),
        ("es", {}, "code"),
        ("tlh", {}, "code"),
        ("it", {"hello": "Ciao"}, "hello"),
        ("it", {"x": "y"}, "x"),
    ],
)
def test_what_is_no_language_is_refused_by_field(code: str, phrases: dict[str, str], field: str) -> None:
    spanish()
    with pytest.raises(Refused) as refused:
        save_language(row=None, code=code, fallback="en", phrases=phrases)
    assert [reason.field for reason in refused.value.reasons] == [field]


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_operators_set_looks(operator: Client) -> None:
    page = reverse("vehicles:look_new")
    assert operator.post(page, LYON | {"colour": "red"}).status_code == 422
    assert operator.post(page, LYON | {"colour": "#FF0000"}).status_code == 302
    row = ProgramLook.objects.get()
    assert (row.program, row.colour) == ("lyon", "#ff0000")
    edit = reverse("vehicles:look_edit", args=[row.pk])
    assert "hello@lyon.example" in operator.get(edit).content.decode()
    operator.post(edit, {"program": "lyon", "logo": "L"})
    row.refresh_from_db()
    assert (row.logo, row.sender) == ("L", "")
    operator.post(reverse("vehicles:look_delete", args=[row.pk]))
    assert not ProgramLook.objects.exists()


def test_operators_add_a_language_and_write_its_words(operator: Client) -> None:
    operator.post(reverse("vehicles:language_new"), {"code": "es", "fallback": "fr", "days": "día|días"})
    row = AddedLanguage.objects.get()
    assert row.phrases == {"days": "día|días"}
    setting = reverse("vehicles:type_texts", args=[_pk(TYPE)]) + "?language=es"
    shown = operator.get(setting).content.decode()
    assert "Votre compte" in shown
    operator.post(setting, {"title": "Hola {brand}", "body": "Conecte."})
    assert NotificationText.objects.get().language == "es"
    assert "Hola Renault" in operator.get(reverse("vehicles:type", args=[_pk(TYPE)])).content.decode()
    assert "español" in operator.get(reverse("vehicles:languages")).content.decode()
    edit = reverse("vehicles:language_edit", args=[row.pk])
    assert operator.post(edit, {"fallback": "nl", "days": "día|días", "hello": "Hola"}).status_code == 422
    assert operator.post(edit, {"fallback": "nl", "days": "día|días"}).status_code == 302
    row.refresh_from_db()
    assert row.fallback == "nl"


def _pk(name: str) -> int:
    return TypeSetting.objects.get(type=name).pk
