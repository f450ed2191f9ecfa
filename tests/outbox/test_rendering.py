"""From an event to the words of its mail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template import Context, Engine
from django.utils import translation

from outbox.channels import rendering
from outbox.channels.letter import UNSUBSCRIBE_MARK, Body
from outbox.channels.rendering import CannotRender, render_mail
from outbox.event_kinds import all_kinds
from tests.outbox.kit import a_claim


def rendered(
    kind: str = "test.note", language: str = "en", *, unsubscribable: bool = False, payload: Any = None, **more: Any
) -> Body:
    event = a_claim(kind=kind).event
    event.payload.update(payload or more)
    return render_mail(event, language, unsubscribable=unsubscribable)


def test_mail_has_a_subject_a_text_and_an_html_part() -> None:
    body = rendered(title="Fuse", words="Deck 2")
    assert body.subject == "Fuse"
    assert body.text.startswith("Fuse: Deck 2\n")
    assert "<h1>Fuse</h1><p>Deck 2</p>" in body.html


def test_only_the_html_part_is_escaped() -> None:
    body = rendered(title="<b>Müller & Söhne’s “P+R”</b>")
    assert body.subject == "<b>Müller & Söhne’s “P+R”</b>"
    assert body.text.startswith("<b>Müller & Söhne’s “P+R”</b>:")
    assert "<h1>&lt;b&gt;Müller &amp; Söhne’s “P+R”&lt;/b&gt;</h1>" in body.html


def test_subject_is_one_line() -> None:
    assert rendered(title="Two\r\nlines\u2028and\tmore ").subject == "Two lines and more"


def test_mail_is_written_in_the_receivers_language() -> None:
    assert '<html lang="de">' in rendered(language="de").html


def test_link_to_leave_is_there_only_for_who_can_leave() -> None:
    with_link, without = rendered(unsubscribable=True), rendered(unsubscribable=False)
    assert UNSUBSCRIBE_MARK in with_link.text
    assert UNSUBSCRIBE_MARK in with_link.html
    assert "nsubscribe" not in without.text + without.html


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("test.broken", "NoReverseMatch"),
        ("test.missing", "TemplateDoesNotExist: outbox_tests/missing"),
        ("test.silent", "no mail template"),
        ("no.such.kind", "UnknownKind"),
    ],
)
def test_what_cannot_be_written_says_why(kind: str, why: str) -> None:
    with pytest.raises(CannotRender, match=re.escape(why)):
        rendered(kind)


@pytest.mark.parametrize("kind", [kind for kind in all_kinds() if kind.mail], ids=lambda kind: kind.key)
@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_kinds_example_can_be_mailed(kind: Any, language: str) -> None:
    body = rendered(kind.key, language, unsubscribable=True, payload=kind.example_data())
    assert body.subject
    assert UNSUBSCRIBE_MARK in body.text
    assert UNSUBSCRIBE_MARK in body.html


@pytest.mark.parametrize(
    "words",
    [
        '{% translate "Unsubscribe" %}',
        '{% trans "Unsubscribe" %}',
        '{% translate "Fish & chips" %}',
        '{% translate "Unsubscribe"|upper %}',
        '{% translate word %}',
        '{% translate "Unsubscribe" as kept %}{{ kept }}{{ kept }}',
        '{% translate "to" context "addressee" %}',
        '{% translate "Unsubscribe" noop %}',
        '{% blocktranslate %}Unsubscribe{% endblocktranslate %}',
        '{% autoescape off %}{% translate "Fish & chips" %}{% endautoescape %}',
    ],
)  # fmt: skip
def test_quick_tags_of_mails_say_what_djangos_own_say(words: str) -> None:
    usual = Engine.get_default()
    source = "{% load i18n %}" + words
    ours, theirs = rendering._engine(usual).from_string(source), usual.from_string(source)
    for language in ("en", "de", "fr", "de", "en"):
        for word, escaped in (("Unsubscribe", True), ("Acknowledge", False), ("<b>", True)):
            with translation.override(language):
                context = {"word": word}
                expected = theirs.render(Context(context, autoescape=escaped))
                assert ours.render(Context(context, autoescape=escaped)) == expected
