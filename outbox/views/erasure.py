"""Erasing an address everywhere: an administrator asks for it with a reason; a worker does it and says what it did."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core.models import Job
from core.permissions import person, requires
from outbox.forms.erasure import EraseAddressForm
from outbox.services import erasing

_LAST = 20


@requires("outbox.erase_address")
def erase_address(request: HttpRequest) -> HttpResponse:
    form = EraseAddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        job = erasing.start(
            address=form.cleaned_data["address"], reason=form.cleaned_data["reason"], by=person(request)
        )
        messages.info(request, _("The address is being erased; this page says what was found."))
        return redirect("console:job", job.pk)
    context = {
        "page_title": _("Erase an address"),
        "form": form,
        "done": Job.objects.filter(kind=erasing.ERASE.kind).defer("payload").select_related("created_by")[:_LAST],
    }
    return render(request, "outbox/erase_address.html", context, status=422 if form.errors else 200)
