"""`make messages`: collects every text that people read, keeps the catalogues of each app, and compiles them.

Babel does what GNU gettext would, without a program to install. Each app's catalogue holds the texts of its own code
and of its folder below `templates/`; what belongs to no app is the console's. Mails are Jinja2's templates, pages are
Django's. A table (TOML) holds texts in the fields named in `TABLE_FIELDS`.
"""

from __future__ import annotations

import io
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parent.parent
APPS = ("core", "console", "outbox", "infra_notifications", "vehicles", "fleet_remotes", "bikeshare")
LANGUAGES = ("de", "fr")
# With these a context comes first.
WITH_CONTEXT = ("pgettext", "pgettext_lazy", "npgettext")
# The fields of the catalogue of vehicles' notifications that are shown in the console.
TABLE_FIELDS = ("trigger", "key", "clear")
KEYWORDS = ("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", *WITH_CONTEXT)
# A fixed date: a catalogue changes when a text does.
WRITTEN = datetime(2026, 11, 21, tzinfo=UTC)

Text = tuple[str | tuple[str, str], str | None]


def _texts_of(path: Path, is_template: bool) -> Iterator[Text]:
    found: Any
    calls: Any
    if path.suffix == ".toml":
        rows = tomllib.loads(path.read_text()).values()
        yield from ((row[name], None) for row in rows for name in TABLE_FIELDS if name in row)
        return
    if is_template and path.parent.name == "mail":
        calls = babel_extract(io.BytesIO(path.read_bytes()), KEYWORDS, (), {"encoding": "utf-8"})
    else:
        source = _template(path) if is_template else path.read_bytes()
        calls = extract_python(io.BytesIO(source), dict.fromkeys(KEYWORDS), (), {})
    for _line, function, found, _comments in calls:
        parts = [found] if isinstance(found, str) else [part for part in found or () if part is not None]
        if not any(parts):
            continue
        context = parts.pop(0) if function in WITH_CONTEXT else None
        yield ((parts[0], parts[1]) if "n" in str(function)[:2] and len(parts) > 1 else parts[0], context)


def _template(path: Path) -> bytes:
    """A template as a Python tokenizer can read it: its texts as calls, everything else blanked."""
    pseudo = templatize(path.read_text(), origin=str(path))
    return "\n".join(line.strip() for line in pseudo.splitlines()).encode()


def files_of(app: str) -> Iterator[tuple[Path, bool]]:
    """The files of an app, and whether each is a template."""
    yield from ((path, False) for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts)
    yield from ((path, False) for path in sorted((ROOT / app).rglob("*.toml")))
    folders = [ROOT / "templates" / app]
    if app == "console":
        yield from ((path, False) for path in sorted((ROOT / "config").rglob("*.py")))
        yield from ((path, True) for path in sorted((ROOT / "templates").glob("*.*")))
        folders += [
            folder for folder in sorted((ROOT / "templates").iterdir()) if folder.is_dir() and folder.name not in APPS
        ]
    for folder in folders:
        yield from ((path, True) for path in sorted(folder.rglob("*.*")) if path.suffix in (".html", ".txt"))


@cache
def collect(app: str) -> Catalog:
    """Every text of an app, in English."""
    catalog = Catalog(charset="utf-8")
    for path, is_template in files_of(app):
        for text, context in _texts_of(path, is_template):
            catalog.add(text, context=context)
    return catalog


def catalogue_path(app: str, language: str) -> Path:
    return ROOT / app / "locale" / language / "LC_MESSAGES" / "django.po"


@cache
def read(app: str, language: str) -> Catalog:
    path = catalogue_path(app, language)
    return read_po(path.open("rb"), locale=language) if path.exists() else Catalog(locale=language)


def updated(app: str, language: str) -> Catalog:
    """The catalogue with exactly the texts that the app has now; a text that changed loses its translation.

    A text that moved here from another app, or stands there too, brings its translation along.
    """
    others = [read(other, language) for other in APPS if other != app]
    old, new = (
        read(app, language),
        Catalog(
            locale=language,
            project="Signalbox",
            version="1",
            copyright_holder="Signalbox",
            header_comment="",
            msgid_bugs_address="",
            creation_date=WRITTEN,
            revision_date=WRITTEN,
            last_translator="Signalbox",
            language_team=language,
            fuzzy=False,
        ),
    )
    for message in collect(app):
        if not message.id:
            continue
        known = (catalog.get(message.id, context=message.context) for catalog in (old, *others))
        translation = next((entry.string for entry in known if entry and is_translated(entry.string)), None)
        if language == "fr" and translation:
            translation = _french(translation)
        new.add(message.id, translation, context=message.context)
    return new


# French parts its double signs from their word by a space at which no line may break; not within a number or address.
_BEFORE = re.compile(r"(?<=\S) (?=[:;!?](?:\s|$|[.,)»]))")
_BEHIND, _CLOSING = re.compile(r"« ?(?=\S)"), re.compile(r"(?<=\S) ?»")


def _french(text: Any) -> Any:
    """A translation, or those of a plural, with the spaces that French wants."""
    if not isinstance(text, str):
        return tuple(_french(form) for form in text)
    return _CLOSING.sub("\u00a0»", _BEHIND.sub("«\u00a0", _BEFORE.sub("\u202f", text)))


def as_po(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, no_location=True, sort_output=True, include_previous=False)
    return buffer.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) if isinstance(string, str) else bool(string) and all(string or ())


def main() -> int:
    missing = 0
    for app in APPS:
        for language in LANGUAGES:
            catalog, path = updated(app, language), catalogue_path(app, language)
            if len(catalog) == 0:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_po(catalog))
            path.with_suffix(".mo").write_bytes(as_mo(catalog))
            untranslated = [message for message in catalog if message.id and not is_translated(message.string)]
            missing += len(untranslated)
            print(f"{app} {language}: {len(catalog)} texts, {len(untranslated)} without translation")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
