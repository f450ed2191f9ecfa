"""What a form refuses is said all at once, next to its fields, in words of people: every form of every page is sent
with nothing and with nonsense in all of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from tests.conftest import client_of
from tests.console.walk import own_routes, path_of
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
NONSENSE = {
    "number": "x",
    "email": "no address",
    "url": "no address",
    "date": "soon",
    "time": "soon",
    "text": "^(x" * 99,
}


# Words of programs, not of people.
TECHNICAL = re.compile(r"Expected |`|\bslug\b|\bbytes?\b|regular expression|\\\\|\bNone\b|\bTrue\b|\(\?|\^\[")
# The sign-in, and the wizard whose draft is made by opening it.
# Whether they are e-mail addresses, links and addresses that may be called, the service asks, after the form.
ASKED_LATER = (
    "vehicles:type_edit.links",
    "vehicles:look_edit.reply_to",
    "vehicles:look_edit.sender",
    "bikeshare:feed_change.url",
)
UNASKED = {"console:sign_in", "infra_notifications:wizard_change"}


class Forms(HTMLParser):
    """The forms of a page that post: where to, and their fields with what stands in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.within: Any = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form":
            self.within = None
            if given.get("method") == "post":
                self.within = (given.get("action") or "", {}, {})
                self.forms.append(self.within)
        name = given.get("name")
        if self.within and name and tag in ("input", "select", "textarea") and "disabled" not in given:
            kind = given.get("type", "text") if tag == "input" else tag
            self.within[1][name] = given.get("value") or ""
            if kind != "hidden":
                self.within[2][name] = kind

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.within = None


def sent(client: Client, path: str, values: dict[str, str]) -> str | None:
    """The page that a form is refused with; None where it is taken."""
    with transaction.atomic():
        answer = client.post(path, values)
        html = answer.content.decode() if answer.status_code in (200, 422) and not answer.streaming else None
        transaction.set_rollback(True)
    return html


def said(html: str) -> dict[str, list[str]]:
    """The errors on a page, by the field that they stand next to."""
    found: dict[str, list[str]] = {}
    for name, text in re.findall(r'id="error_\d+_id_(\w+)"[^>]*>\s*(?:<strong>)?([^<]*)', html):
        found.setdefault(name, []).append(unescape(text).strip())
    return found


def faults_of(client: Client, path: str, values: dict[str, str], kinds: dict[str, str]) -> Iterator[str]:
    hidden = {name: value for name, value in values.items() if name not in kinds}
    nonsense = hidden | {name: NONSENSE.get(kind, NONSENSE["text"]) for name, kind in kinds.items()}
    for fields in (hidden, nonsense):
        html = sent(client, path, fields)
        if html is None:
            continue
        errors = said(html)
        yield from (f"{name}: {text}" for name, texts in errors.items() for text in texts if TECHNICAL.search(text))
        # What stood there before is well; with it again nothing new is found wrong in another field.
        mended = fields | {name: values[name] for name in errors if name in values}
        again = sent(client, path, mended) if any(values[name] for name in errors if name in values) else None
        later = set(said(again)) - set(errors) if again else set()
        yield from (f"{name}: {said(again or '')[name]} only when the others are mended" for name in later)


def test_errors_come_at_once_next_to_their_fields_in_words_of_people(owner: User, world: World) -> None:
    client, faults, asked = client_of(owner), list[str](), 0
    for route in own_routes():
        if not route.takes_get or route.name in UNASKED:
            continue
        path = path_of(route, world)
        with transaction.atomic():
            answer = client.get(path)
            transaction.set_rollback(True)
        html = answer.content.decode() if not answer.streaming else ""
        for action, values, kinds in Forms(html[html.find('<main id="main"') :]).forms:
            if kinds and "do" not in values:
                asked += 1
                url = action if action.startswith("/") else path
                faults += [f"{route.name}.{fault}" for fault in faults_of(client, url, values, kinds)]
    faults = [fault for fault in faults if not fault.startswith(ASKED_LATER)]
    assert asked > 40
    assert not faults, "\n".join(faults)
