"""How drivers are written to: sender and look by programme, and languages beyond ours."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Action, Column, ListPage
from core.permissions import requires
from core.refusal import Refused, add_refusal
from vehicles import selectors
from vehicles.forms.wording import LanguageForm, LookForm
from vehicles.models import AddedLanguage, ProgramLook
from vehicles.search import LANGUAGE_SEARCH, LOOK_SEARCH
from vehicles.services.languages import delete_language, save_language
from vehicles.services.looks import save_look
from vehicles.views.tabs import NOTIFICATION_TABS, tabs_of

_CELLS = "vehicles/cells"


class _WordingList(ListPage):
    template = "vehicles/tabbed_list.html"

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, NOTIFICATION_TABS, self.key)}


class LookList(_WordingList):
    key = "looks"
    title = gettext_lazy("Sender and look by programme")
    permission = "vehicles.view_programlook"
    intro = gettext_lazy("From whom drivers’ mails come, where answers go, which name and colour they bear.")
    search = LOOK_SEARCH
    columns = (
        Column("program", gettext_lazy("Programme"), f"{_CELLS}/look.html", sort="program"),
        Column("sender", gettext_lazy("Sender"), personal=True),
        Column("reply_to", gettext_lazy("Answers go to"), personal=True),
        Column("logo", gettext_lazy("Logo")),
        Column("colour", gettext_lazy("Colour")),
    )
    default_sort = "program"
    empty_title = gettext_lazy("No looks yet")
    empty_text = gettext_lazy("Mails to drivers come from the installation’s own sender, without a logo.")

    def rows(self, request: HttpRequest) -> Any:
        return ProgramLook.objects.all()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("New look"), reverse("vehicles:look_new"), "vehicles.add_programlook")]


class LanguageList(_WordingList):
    key = "languages"
    title = gettext_lazy("Languages of drivers")
    permission = "vehicles.view_addedlanguage"
    intro = gettext_lazy("In which drivers are told beside English, German, French and Dutch.")
    search = LANGUAGE_SEARCH
    columns = (
        Column("code", gettext_lazy("Language"), f"{_CELLS}/language.html", sort="code"),
        Column("written", gettext_lazy("Notifications written"), numeric=True),
        Column("fallback", gettext_lazy("Otherwise"), value=lambda row: row.get_fallback_display()),
    )
    default_sort = "code"
    empty_title = gettext_lazy("No further languages yet")
    empty_text = gettext_lazy("Who reads another language is told in English.")

    def rows(self, request: HttpRequest) -> Any:
        return selectors.added_languages()

    def actions(self, request: HttpRequest) -> list[Action]:
        return [Action(_("Add a language"), reverse("vehicles:language_new"), "vehicles.add_addedlanguage")]


@requires("vehicles.add_programlook")
def look_new(request: HttpRequest) -> HttpResponse:
    return _look(request, None)


@requires("vehicles.change_programlook")
def look_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _look(request, get_object_or_404(ProgramLook, pk=pk))


def _look(request: HttpRequest, row: ProgramLook | None) -> HttpResponse:
    form = LookForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        try:
            with form.held_or_new() as held:
                save_look(row=held, values=form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved. It holds for the next mails."))
            return redirect("vehicles:looks")
    return _form(request, form, row, "look", _("New look"))


@requires("vehicles.add_addedlanguage")
def language_new(request: HttpRequest) -> HttpResponse:
    return _language(request, None)


@requires("vehicles.change_addedlanguage")
def language_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _language(request, get_object_or_404(AddedLanguage, pk=pk))


def _language(request: HttpRequest, row: AddedLanguage | None) -> HttpResponse:
    form = LanguageForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with form.held_or_new() as held:
                code = data["code"] if held is None else held.code
                save_language(row=held, code=code, fallback=data["fallback"], phrases=form.phrases())
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved. Write the notifications’ words in the catalogue."))
            return redirect("vehicles:languages")
    return _form(request, form, row, "language", _("Add a language"))


def _form(request: HttpRequest, form: Any, row: Model | None, name: str, title: str) -> HttpResponse:
    tab = f"{name}s"
    label = next(label for key, label, _permission in NOTIFICATION_TABS if key == tab)
    context = {
        "page_title": str(row) if row is not None else title,
        "form": form,
        "back": reverse(f"vehicles:{tab}"),
        "back_label": label,
        "delete": reverse(f"vehicles:{name}_delete", args=[row.pk]) if row is not None else "",
    }
    return render(request, "vehicles/wording_edit.html", context, status=422 if form.errors else 200)


@requires("vehicles.delete_programlook")
@require_POST
def look_delete(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(ProgramLook, pk=pk).delete()
    messages.success(request, _("The look is deleted."))
    return redirect("vehicles:looks")


@requires("vehicles.delete_addedlanguage")
@require_POST
def language_delete(request: HttpRequest, pk: int) -> HttpResponse:
    delete_language(row=get_object_or_404(AddedLanguage, pk=pk))
    messages.success(request, _("The language is deleted, with its words."))
    return redirect("vehicles:languages")
