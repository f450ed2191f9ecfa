"""The mails of drivers, as a mail server gets them."""

from __future__ import annotations

import email
import email.policy

import pytest

from outbox.dispatcher import deliver_due
from outbox.models import Delivery
from tests.mailserver import MailServer
from tests.vehicles.cases import CASES, Case
from tests.vehicles.helpers import DRIVER, EMAIL, NOW, account, driver, events, linked, people, take
from tests.vehicles.test_catalogue import begin, play
from vehicles.catalogue import TYPES
from vehicles.choices import DriverChannel
from vehicles.models import Driver, NotificationText, TypeSetting
from vehicles.services.notifications import send_sample

pytestmark = pytest.mark.usefixtures("committed")


def parts(mail: bytes) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return str(message["Subject"]), plain.get_content(), html.get_content()


MAILED = [case for case in CASES if DriverChannel.EMAIL in TYPES[case.name].ways]


@pytest.mark.parametrize("case", MAILED, ids=lambda case: case.name)
def test_each_mail_arrives_with_its_words(case: Case, smtp: MailServer) -> None:
    begin(case)
    play([*case.before, *case.trigger], case.evaluated_at)
    deliver_due()
    (event,) = events(name=case.name)
    mails = {parts(mail.content)[0]: mail for mail in smtp.mails}
    title, body = event.payload["title"], event.payload["body"]
    subject, text, html = parts(mails[title].content)
    assert (subject, mails[title].recipients) == (title, (EMAIL,))
    assert body in " ".join(text.split())
    assert "Hello Anna," in text
    assert "<h1" in html
    critical = TYPES[case.name].severity == "critical"
    assert (b"List-Unsubscribe" in mails[title].content) is not critical


def test_names_are_escaped_in_html_and_nowhere_else(smtp: MailServer) -> None:
    people()
    take(driver(name="Anna <b> & Co"), account(brand="R&D <i>", auth_state="invalid_credentials"), linked("Renault"))
    deliver_due()
    subject, text, html = parts(smtp.mails[0].content)
    assert "R&D <i>" in subject
    assert "Anna <b> & Co" in text
    assert "<b>" not in html
    assert "R&amp;D &lt;i&gt;" in html


def test_an_operators_words_may_name_the_driver(smtp: MailServer) -> None:
    NotificationText.objects.create(type="InvalidCredentials", language="en", title="{name}, look", body="For {name}.")
    people()
    take(driver(name="Anna <b>"), account(brand="Renault", auth_state="invalid_credentials"), linked("Renault"))
    deliver_due()
    subject, text, html = parts(smtp.mails[0].content)
    assert subject == "Anna <b>, look"
    assert "For Anna <b>." in text
    assert "For Anna &lt;b&gt;." in html


@pytest.mark.parametrize(("program", "url"), [("Lyon", "myapp://connect"), ("", "https://app.example/connect")])
def test_a_mail_leads_where_an_operator_says(smtp: MailServer, program: str, url: str) -> None:
    links = {"": ["https://app.example/connect", "Connect <now>"], "lyon": ["myapp://connect", "Connect <now>"]}
    TypeSetting.objects.filter(type="InvalidCredentials").update(links=links)
    people()
    take(driver(program=program), account(brand="Renault", auth_state="invalid_credentials"), linked("Renault"))
    deliver_due()
    _subject, text, html = parts(smtp.mails[0].content)
    assert f"Connect <now>\r\n{url}" in text
    assert f'href="{url}"' in html
    assert "Connect &lt;now&gt;" in html
    (event,) = events(name="InvalidCredentials")
    assert event.payload["link"] == {"url": url, "label": "Connect <now>"}


def test_a_mail_to_a_driver_without_a_name_greets_nobody(smtp: MailServer) -> None:
    people()
    take(account(brand="Renault", auth_state="invalid_credentials"), linked("Renault"))
    Driver.objects.update(name="")
    deliver_due()
    _subject, text, _html = parts(smtp.mails[0].content)
    assert "Hello" not in text


def test_a_sample_says_that_it_is_one(smtp: MailServer) -> None:
    TypeSetting.objects.filter(type="PayoutReceipt").update(links={"": ["https://app.example", "Look"]})
    send_sample(entry=TYPES["PayoutReceipt"], to="me@example.org", language="en", sent_by="me", now=NOW)
    deliver_due()
    subject, text, _html = parts(smtp.mails[0].content)
    assert subject == "Your payout of 12.50 EUR"
    assert "This is a sample" in text
    assert "Look\r\nhttps://app.example" in text


def test_banners_do_not_wait_for_the_courier(smtp: MailServer) -> None:
    people()
    take(account(brand="Renault", auth_state="invalid_credentials"))
    deliver_due()
    sent = set(Delivery.objects.exclude(channel="webhook").values_list("channel", "state"))
    assert sent == {("banner", "delivered"), ("email", "delivered")}
    assert Delivery.objects.get(channel="banner").address == f"driver:{DRIVER}"
