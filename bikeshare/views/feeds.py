"""The page of the feeds that are read by a schedule."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm, Textarea, TextInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bikeshare.ingest.resources import FeedBody
from bikeshare.models import FeedSource
from bikeshare.services import feeds as services
from core.encryption import lost
from core.permissions import requires
from core.refusal import Refused, add_refusal
from core.versions import VersionedForm


class FeedForm(VersionedForm, ModelForm):  # type: ignore[type-arg]
    def __init__(self, data: Any = None, *, instance: FeedSource | None = None) -> None:
        unread = lost(instance) if instance is not None else {}
        for name in unread:
            setattr(instance, name, "")
        super().__init__(data, instance=instance)
        self.bear_version(instance)
        for name, sentence in unread.items():
            self.fields[name].help_text = sentence

    class Meta:
        model = FeedSource
        fields = ("program", "url", "every_min", "types", "rfc7946")
        widgets: ClassVar = {"url": TextInput(), "types": Textarea({"rows": 2, "spellcheck": "false"})}

    def clean_types(self) -> dict[str, str]:
        given = self.cleaned_data["types"] or {}
        if not isinstance(given, dict) or not all(isinstance(ours, str) for ours in given.values()):
            raise ValidationError(_('Write which of ours each is, e.g. {"ebike": "vae"}.'))
        return given


def _body(form: FeedForm) -> FeedBody:
    return FeedBody(**form.cleaned_data | {"program": form.cleaned_data["program"].pk})


@requires("bikeshare.view_feedsource", to_change="bikeshare.add_feedsource")
def feeds(request: HttpRequest) -> HttpResponse:
    form = FeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_feed(body=_body(form), now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The feed is read within a minute."))
            return redirect("bikeshare:feeds")
    rows = FeedSource.objects.select_related("program")
    context = {"page_title": _("Feeds"), "rows": rows, "form": form}
    return render(request, "bikeshare/feeds.html", context, status=422 if form.errors else 200)


@requires("bikeshare.change_feedsource")
def feed_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another address, another pace, other types; the program stays."""
    found = get_object_or_404(FeedSource, pk=pk)
    form = FeedForm(request.POST or None, instance=found)
    form.fields["program"].disabled = True
    if request.method == "POST" and form.is_valid():
        try:
            with form.held() as held:
                services.patch_feed(feed=held, body=_body(form), now=timezone.now())
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The feed is changed, and read within a minute."))
            return redirect("bikeshare:feeds")
    context = {"page_title": _("Change the feed"), "form": form}
    return render(request, "bikeshare/feed_change.html", context, status=422 if form.errors else 200)


@requires("bikeshare.change_feedsource")
@require_POST
def feed_read(request: HttpRequest, pk: int) -> HttpResponse:
    services.read_soon(feed=get_object_or_404(FeedSource, pk=pk), now=timezone.now())
    messages.success(request, _("The feed is read within a minute."))
    return redirect("bikeshare:feeds")


@requires("bikeshare.delete_feedsource")
@require_POST
def feed_delete(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(FeedSource, pk=pk).delete()
    messages.success(request, _("The feed is not read any more; what it brought stays."))
    return redirect("bikeshare:feeds")
