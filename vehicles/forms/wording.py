"""Forms of how drivers are written to: looks of programmes, and languages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.versions import Versioned
from vehicles.catalogue.phrases import PHRASES
from vehicles.choices import LANGUAGE_NAMES, DriverLanguage
from vehicles.models import AddedLanguage, ProgramLook
from vehicles.services.languages import LONGEST_PHRASE, language_choices
from vehicles.services.looks import FIELDS


class LookForm(Versioned):
    """Sender and look of a programme; the service checks them."""

    program = forms.CharField(
        label=_("Programme"), max_length=60, required=False, help_text=_("Empty: every other programme.")
    )
    sender = forms.CharField(
        label=_("Sender"),
        max_length=320,
        required=False,
        help_text=_("e.g. Volt &lt;hello@volt.example&gt;; your mail server must be allowed to send for that address."),
    )
    reply_to = forms.CharField(label=_("Answers go to"), max_length=320, required=False)
    logo = forms.CharField(
        label=_("Logo"), max_length=60, required=False, help_text=_("The name that stands above each mail.")
    )
    colour = forms.CharField(
        label=_("Colour"), max_length=7, required=False, help_text=_("Of logo and buttons, e.g. #0f6363.")
    )

    def __init__(self, data: Any = None, *, row: ProgramLook | None = None) -> None:
        super().__init__(data, row=row, initial={name: getattr(row, name) for name in FIELDS} if row else None)


class LanguageForm(Versioned):
    """An added language: where it is not written yet, another one is read; and its phrases."""

    also_shown = ("phrases",)

    code = forms.ChoiceField(label=_("Language"))
    fallback = forms.ChoiceField(
        label=_("Otherwise"),
        choices=DriverLanguage.choices,
        help_text=_("What is not written in this language yet, drivers read in that one."),
    )

    def __init__(self, data: Any = None, *, row: AddedLanguage | None = None) -> None:
        initial = {"fallback": row.fallback, **row.phrases} if row else None
        super().__init__(data, row=row, initial=initial)
        taken = {code for code, _label in language_choices()}
        if row is None:
            free = [(code, f"{name} ({code})") for code, name in LANGUAGE_NAMES.items() if code not in taken]
            self.fields["code"].choices = free  # type: ignore[attr-defined]
        else:
            del self.fields["code"]
        for name, ours in PHRASES.items():
            self.fields[name] = forms.CharField(
                label=ours["en"].replace("|", " | "), max_length=LONGEST_PHRASE, required=False
            )
        for name in ("days", "hours"):
            self.fields[name].help_text = _t("All plural forms, as the language counts them, with | between them.")

    def phrases(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in PHRASES}
