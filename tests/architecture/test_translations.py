"""English, German and French say the same: every text is translated, with the same values in it, and compiled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests.messages import APPS, LANGUAGES, ROOT, as_mo, as_po, catalogue_path, collect, is_translated, read, updated

_VALUES = re.compile(r"%\((\w+)\)[sd]|%%|\{(\w*)[^}]*\}")
EACH = pytest.mark.parametrize(("app", "language"), [(app, language) for app in APPS for language in LANGUAGES])


def texts(message: Message) -> list[tuple[str, str]]:
    """Each English form with its translation; a plural's translations all against the English plural."""
    if isinstance(message.id, (list, tuple)):
        return [(message.id[1], str(string)) for string in message.string or ()]
    return [(str(message.id), str(message.string))]


@EACH
def test_nothing_is_left_untranslated(app: str, language: str) -> None:
    catalog = read(app, language)
    for wanted in collect(app):
        if wanted.id:
            found = catalog.get(wanted.id, context=wanted.context)
            assert found is not None, f"run `make messages`: {wanted.id!r} is new"
            assert is_translated(found.string), wanted.id
            assert not found.fuzzy, wanted.id


@EACH
def test_translations_hold_the_same_values(app: str, language: str) -> None:
    for message in read(app, language):
        if not message.id:
            continue
        for english, translated in texts(message):
            wanted, found = (set(_VALUES.findall(text)) for text in (english, translated))
            # A form for exactly one may leave the number out.
            assert found <= wanted, message.id
            assert isinstance(message.id, (list, tuple)) or found == wanted, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_apps_translate_a_text_alike(language: str) -> None:
    """Django puts the catalogues together: of two translations one would win everywhere; a context tells them apart."""
    first: dict[tuple[str | None, str], tuple[str, str]] = {}
    for app in APPS:
        for message in read(app, language):
            if message.id:
                key = (message.context, texts(message)[0][0])
                before, said = first.setdefault(key, (app, str(message.string)))
                assert said == str(message.string), f"{key[1]!r} is another text in {before} than in {app}"


@EACH
def test_catalogues_are_current_and_compiled(app: str, language: str) -> None:
    path = catalogue_path(app, language)
    catalog = updated(app, language)
    assert path.read_bytes() == as_po(catalog), "run `make messages`"
    assert path.with_suffix(".mo").read_bytes() == as_mo(read(app, language)), "run `make messages`"


# A sign behind what a template writes: French wants a space before it, so the sign belongs into the translation.
_SIGN_BEHIND = re.compile(r"(?:endtrans %\}|\}\}) ?[:;!?]")
_TRANSLATED = re.compile(r"\{% trans .*?\{% endtrans %\}|\{% trans %\}.*?\{% endtrans %\}", re.DOTALL)
MAILS = sorted(Path(ROOT / "templates").glob("*/mail/*.*"))


@pytest.mark.parametrize("app", APPS)
def test_french_breaks_no_line_before_a_double_sign(app: str) -> None:
    for message in read(app, "fr"):
        for _english, french in texts(message):
            assert not re.search(r"\S [:;!?](?=\s|$)|«[ \w]| »", french), french


def test_no_mail_writes_a_double_sign_beside_its_texts() -> None:
    assert MAILS
    for path in MAILS:
        template = _TRANSLATED.sub(lambda text: "{% endtrans %}", path.read_text())
        template = re.sub(r"<style>.*?</style>", "", template, flags=re.DOTALL)
        assert not _SIGN_BEHIND.search(template), path
