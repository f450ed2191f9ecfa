"""The languages in which drivers are told: ours and those that operators added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import translation

from core.cache import Cache
from core.refusal import Refused
from vehicles.catalogue.phrases import PHRASES
from vehicles.choices import LANGUAGE_NAMES, DriverLanguage
from vehicles.models import AddedLanguage, NotificationText

_OURS = DriverLanguage.ENGLISH.value
_ALL_OURS = frozenset(DriverLanguage.values)
LONGEST_PHRASE = 200
# Other names of a language, and the codes of three letters for ours.
_SYNONYMS = {"no": "nb", "iw": "he", "in": "id", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr"}
_SYNONYMS |= {"nld": "nl", "dut": "nl"}
_added: Cache[str, AddedLanguage | None] = Cache(age_s=1.0)


def language_named(text: str) -> str:
    """The language that a sender means by de, DE, de_AT or deu; English where it is none that we know of."""
    short = text.strip().lower().replace("_", "-").partition("-")[0]
    short = _SYNONYMS.get(short, short)
    return short if short in LANGUAGE_NAMES else _OURS


def language_choices() -> list[tuple[str, str]]:
    """Those in which drivers are told now."""
    added = AddedLanguage.objects.values_list("code", flat=True)
    return [*((str(code), str(label)) for code, label in DriverLanguage.choices), *((c, name_of(c)) for c in added)]


def name_of(code: str) -> str:
    return str(DriverLanguage(code).label) if code in _ALL_OURS else LANGUAGE_NAMES.get(code, code)


def _language(code: str) -> AddedLanguage | None:
    return _added.get(code, lambda: AddedLanguage.objects.filter(code=code).first())


def fallbacks_of(code: str) -> list[str]:
    """In which languages a driver is told, the best first."""
    if code in _ALL_OURS:
        return [code, _OURS]
    added = _language(code)
    return [code, added.fallback, _OURS] if added is not None else [_OURS]


def phrase(name: str, code: str) -> str:
    """A phrase in a language, or in the best that follows it. Known to the templates of mails as `phrase`."""
    ours = PHRASES[name]
    if code in ours:
        return ours[code]
    added = _language(code)
    return ours[_OURS] if added is None else added.phrases.get(name) or ours[added.fallback]


def counted(name: str, count: float, code: str) -> str:
    """A number of days or hours, in the plural form by which the language counts them."""
    forms = phrase(name, code).split("|")
    # What is between whole numbers is more than one everywhere.
    form = int(translation(code).plural(int(count) if count == int(count) else 2))
    return f"{count:g} {forms[min(form, len(forms) - 1)].strip()}"


def save_language(*, row: AddedLanguage | None, code: str, fallback: str, phrases: Mapping[str, Any]) -> AddedLanguage:
    """Adds a language or changes it. Raises Refused by field."""
    errors: dict[str, str] = {}
    if row is None and (code in _ALL_OURS or AddedLanguage.objects.filter(code=code).exists()):
        errors["code"] = _("Drivers are told in this language already.")
    if code not in LANGUAGE_NAMES:
        errors["code"] = _("Nobody knows how this language writes dates and numbers.")
    for name, text in phrases.items():
        if name not in PHRASES or len(text) > LONGEST_PHRASE:
            errors[name] = _("At most %(most)s characters.") % {"most": LONGEST_PHRASE}
    if phrases.get("hello") and "{name}" not in phrases["hello"]:
        errors["hello"] = _("Say where the name stands: {name}.")
    if fallback not in _ALL_OURS:
        errors["fallback"] = _("The languages are %(known)s.") % {"known": ", ".join(DriverLanguage.values)}
    if errors:
        raise Refused.by_field(errors)
    row = row or AddedLanguage(code=code)
    row.fallback, row.phrases = fallback, {name: text.strip() for name, text in phrases.items() if text.strip()}
    row.save()
    _added.clear()
    return row


def delete_language(*, row: AddedLanguage) -> None:
    """Its drivers read another language from now on; its words are gone."""
    with transaction.atomic():
        NotificationText.objects.filter(language=row.code).delete()
        row.delete()
    _added.clear()
