"""The page of the feeds that are read by a schedule."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import messages
from django.forms import ModelForm, Textarea
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bikeshare.ingest.resources import FeedBody
from bikeshare.models import FeedSource
from bikeshare.services import feeds as services
from core.permissions import requires
from core.refusal import Refused


class FeedForm(ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = FeedSource
        fields = ("program", "url", "every_min", "types", "rfc7946")
        widgets: ClassVar = {"types": Textarea({"rows": 2, "spellcheck": "false"})}


@requires("bikeshare.view_feedsource", to_change="bikeshare.add_feedsource")
def feeds(request: HttpRequest) -> HttpResponse:
    form = FeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = {**form.cleaned_data, "program": form.cleaned_data["program"].pk}
        try:
            services.create_feed(body=FeedBody(**values), now=timezone.now())
        except Refused as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, _("The feed is read within a minute."))
            return redirect("bikeshare:feeds")
    rows = FeedSource.objects.select_related("program")
    return render(request, "bikeshare/feeds.html", {"page_title": _("Feeds"), "rows": rows, "form": form})


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
