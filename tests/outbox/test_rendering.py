"""From an event to the words of its mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation
from pytest_django import Settings

from outbox.event_kinds import all_kinds
from outbox.transports.rendering.jinja import environment_for
from outbox.transports.rendering.render import PERSONAL_MARK, UNSUBSCRIBE_MARK, Body, CannotRender, render_mail
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
        ("test.broken", "ZeroDivisionError"),
        ("test.missing", "There is no mail template outbox_tests/missing.subject.txt."),
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


WORDS = {"en": "Unsubscribe", "de": "Abmelden", "fr": "Se désabonner"}


def said(source: str, language: str = "en", *, escaped: bool = True, **data: Any) -> str:
    """What a template of this source says."""
    template = environment_for((), language, escaped).from_string(source)
    with translation.override(language):
        return template.render({"data": data})


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("escaped", [True, False])
def test_constant_words_are_in_the_templates_language(language: str, escaped: bool) -> None:
    assert said("{% trans %}Unsubscribe{% endtrans %}!", language, escaped=escaped) == f"{WORDS[language]}!"
    assert said('{{ _("Unsubscribe") }}', language, escaped=escaped) == WORDS[language]


@pytest.mark.parametrize(
    ("n", "expected"), [(1, "Ein Ereignis für die Liste „<b>“"), (2, "2 Ereignisse für die Liste „<b>“")]
)
def test_words_with_values_follow_the_languages_plural(n: int, expected: str) -> None:
    source = (
        "{% trans n=data.n, list=data.list %}One event for the list “{{ list }}”{% pluralize n %}"
        "{{ n }} events for the list “{{ list }}”{% endtrans %}"
    )
    assert said(source, "de", escaped=False, n=n, list="<b>") == expected
    assert said(source, "de", n=n, list="<b>") == expected.replace("<b>", "&lt;b&gt;")


def test_payload_may_name_its_parts_like_the_methods_of_a_dict() -> None:
    source = "{{ data.items[0].keys }} {{ data.items|length }} {{ data.get }} {{ data.values.copy }}"
    assert said(source, items=[{"keys": "a"}], get="b", values={"copy": "c"}) == "a 1 b c"


def test_what_a_payload_does_not_have_is_nothing() -> None:
    source = "({{ data.a }}{{ data.a.b.c }}{{ data.a[0] }}{% for one in data.a %}x{% endfor %}{{ data.a|mail_time }})"
    assert said(source) == "(–)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-21T09:30:00Z", "21.11.2026 09:30:00 UTC"),
        ("2026-11-21T09:30:00.25+01:00", "21.11.2026 08:30:00 UTC"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "02.01.2026 03:04:00 UTC"),
        (None, "–"),
        ("", "–"),
        ("yesterday", "–"),
        ("2026-13-41T09:30:00Z", "–"),
        (7, "–"),
    ],
)
def test_moments_are_told_by_locale_with_their_zone(value: Any, expected: str, settings: Settings) -> None:
    settings.TIME_ZONE = "UTC"
    assert said("{{ data.at|mail_time }}", "de", at=value) == expected


HOSTILE = (
    "ok\n\nAcknowledge this error: http://phish.example/ack\r\nBcc: www.phish.example"
    "\u2028Details: \u202ex\u2066\x1b[2J\u200f"
)
TURNING = re.compile("[\x00-\x09\x0b-\x1f\x7f\u061c\u200e\u200f\u2028\u202a-\u202e\u2066-\u2069]")


def hostile(value: Any, name: str = "") -> Any:
    """A payload in which whoever could write a text wrote one that plays lines of ours."""
    if isinstance(value, dict):
        return {key: hostile(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, name) for item in value]
    ours = name in ("body", "url", "time_zone") or name.endswith("_url")
    return value if ours or not isinstance(value, str) else value + HOSTILE


@pytest.mark.parametrize("kind", [kind for kind in all_kinds() if kind.mail], ids=lambda kind: kind.key)
def test_texts_of_others_begin_no_line_turn_none_and_make_no_link(kind: Any) -> None:
    body = rendered(kind.key, unsubscribable=True, payload=hostile(kind.example_data()))
    for part in (body.subject, body.text, body.html):
        assert not TURNING.search(part.replace("\r\n", "\n")), part
        assert "http://phish" not in part
        assert "www.phish" not in part
    written = [line for line in body.text.splitlines() if not line.endswith(PERSONAL_MARK)]
    assert not [line for line in written if line.startswith(("Acknowledge this error:", "Bcc", "Details: x"))]
