"""The catalogue of notifications: what brings each about, how many are open, its settings, words, and a sample."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from console.lists import Column, ListPage
from core.permissions import person, requires
from core.refusal import Refused, add_refusal
from vehicles import selectors
from vehicles.catalogue import TYPES, NotificationType, siblings_of
from vehicles.catalogue.texts import TEXTS, awkward_examples, examples_of
from vehicles.filters import TypeFilters
from vehicles.forms import SampleForm, TextForm, TypeForm, threshold_text
from vehicles.models import TypeSetting
from vehicles.search import TYPE_SEARCH
from vehicles.services.languages import fallbacks_of, language_choices, name_of
from vehicles.services.notifications import send_sample
from vehicles.services.policies import change_text, change_type, policy_of
from vehicles.services.snapshots import zone_named
from vehicles.services.texts import Wording, fill, unknown_placeholders
from vehicles.views.tabs import NOTIFICATION_TABS, tabs_of

_VIEW, _CHANGE = "vehicles.view_typesetting", "vehicles.change_typesetting"
_CELLS = "vehicles/cells"


class CatalogueList(ListPage):
    key = "catalogue"
    title = gettext_lazy("Catalogue of notifications")
    permission = _VIEW
    intro = gettext_lazy("What drivers can be told, what brings it about, and how many are open.")
    search = TYPE_SEARCH
    filterset = TypeFilters
    template = "vehicles/tabbed_list.html"
    columns = (
        Column("type", gettext_lazy("Notification"), f"{_CELLS}/type.html", sort="type"),
        Column("channel", gettext_lazy("Channels"), f"{_CELLS}/type_ways.html"),
        Column("severity", gettext_lazy("Severity"), f"{_CELLS}/type_severity.html"),
        Column("trigger", gettext_lazy("What brings it about"), value=lambda row: row.entry.trigger),
        Column("open", gettext_lazy("Open"), f"{_CELLS}/type_open.html", numeric=True, export="open_count"),
        Column("held", gettext_lazy("Held back"), f"{_CELLS}/type_held.html", numeric=True, export="held_count"),
        Column("enabled", gettext_lazy("State"), f"{_CELLS}/type_state.html", sort="enabled"),
    )
    default_sort = "type"
    placeholder = gettext_lazy("Search, e.g. category:pairing channel:banner on:no")

    def rows(self, request: HttpRequest) -> Any:
        return TypeSetting.objects.filter(type__in=TYPES)

    def finish(self, request: HttpRequest, rows: list[Any]) -> None:
        living, held = selectors.shown_counts(), selectors.held_counts()
        for row in rows:
            row.entry, row.policy = TYPES[row.type], policy_of(TYPES[row.type], row)
            row.open_count, row.held_count = living.get(row.type, 0), held.get(row.type, 0)

    def extra_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"tabs": tabs_of(request, NOTIFICATION_TABS, self.key)}


def _setting_and_type(pk: int) -> tuple[TypeSetting, NotificationType]:
    setting = get_object_or_404(TypeSetting, pk=pk)
    if setting.type not in TYPES:
        raise Http404
    return setting, TYPES[setting.type]


def _page(request: HttpRequest, setting: TypeSetting, entry: NotificationType, sample: SampleForm) -> HttpResponse:
    policy, wording, examples = policy_of(entry, setting), Wording(), examples_of(entry.name)
    zone = zone_named("")
    context = {
        "page_title": entry.name,
        "setting": setting,
        "entry": entry,
        "policy": policy,
        "cooldown_s": policy.cooldown.total_seconds(),
        "thresholds": [(name, threshold_text(value)) for name, value in policy.thresholds.items()],
        "siblings": siblings_of(entry),
        "roots": [e for e in TYPES.values() if entry.rank and e.rank and e.rank < entry.rank],
        "counts": selectors.counts_of_type(entry.name),
        "texts": [
            (code, label, wording.words(entry.name, code, examples, zone), wording.language_for(entry.name, code))
            for code, label in language_choices()
        ],
        "sample": sample,
    }
    return render(request, "vehicles/type.html", context)


@requires(_VIEW)
def notification_type(request: HttpRequest, pk: int) -> HttpResponse:
    setting, entry = _setting_and_type(pk)
    return _page(request, setting, entry, SampleForm(initial={"to": person(request).email}))


@requires("vehicles.send_sample")
@require_POST
def type_sample(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a sample the whole way through the outbox."""
    setting, entry = _setting_and_type(pk)
    form = SampleForm(request.POST)
    if form.is_valid():
        try:
            (event_id,) = send_sample(
                entry=entry, **form.cleaned_data, sent_by=person(request).get_username(), now=timezone.now()
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The sample is on its way."))
            return redirect("outbox:event", event_id)
    return _page(request, setting, entry, form)


@requires(_CHANGE)
def type_edit(request: HttpRequest, pk: int) -> HttpResponse:
    setting, entry = _setting_and_type(pk)
    form = TypeForm(request.POST or None, row=setting, entry=entry, policy=policy_of(entry, setting))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with form.held():
                change_type(
                    entry=entry,
                    enabled=data["enabled"],
                    ways=data["ways"],
                    cooldown_h=data["cooldown_h"],
                    thresholds=data["thresholds"],
                    links=data["links"],
                    now=timezone.now(),
                )
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved. Drivers whom it concerns are looked at again."))
            return redirect("vehicles:type", pk)
    context = {"page_title": entry.name, "setting": setting, "entry": entry, "form": form}
    return render(request, "vehicles/type_edit.html", context)


@requires("vehicles.change_notificationtext")
def type_texts(request: HttpRequest, pk: int) -> HttpResponse:
    """The words in one language, with a preview of what a driver would read."""
    setting, entry = _setting_and_type(pk)
    asked = request.GET.get("language", "en")
    languages = language_choices()
    language = asked if asked in dict(languages) else "en"
    wording = Wording()
    title, body = wording.own(entry.name, language) or ("", "")
    form = TextForm(request.POST or None, row=setting, language=language)
    if request.method == "POST" and form.is_valid():
        title, body = form.cleaned_data["title"], form.cleaned_data["body"]
        if "preview" in request.POST:
            if wrong := unknown_placeholders(title + body):
                form.add_error("body", _("Nothing can be filled in for %(names)s.") % {"names": ", ".join(wrong)})
        else:
            try:
                with form.held():
                    change_text(entry=entry, language=language, title=title, body=body)
            except Refused as error:
                add_refusal(form, error)
            else:
                messages.success(request, _("The words are saved."))
                return redirect("vehicles:type", pk)
    otherwise = language if language in TEXTS else wording.language_for(entry.name, fallbacks_of(language)[1])
    own = TEXTS[language][entry.name] if otherwise == language else wording.template(entry.name, otherwise)
    read = language if title or body else otherwise
    previews = [
        (label, fill(title or own[0], body or own[1], read, facts, zone_named("")))
        for label, facts in awkward_examples(entry.name)
    ]
    context = {
        "page_title": entry.name,
        "setting": setting,
        "entry": entry,
        "form": form,
        "language": language,
        "languages": languages,
        "otherwise": name_of(otherwise) if otherwise != language else "",
        "previews": previews,
        "catalogue_words": own,
        "placeholders": examples_of(entry.name),
    }
    return render(request, "vehicles/type_texts.html", context)
