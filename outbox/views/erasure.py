"""What is kept of a person, as a file; and erasing an address everywhere, by a worker that says what it did. An
administrator asks for both with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core.models import Job
from core.permissions import person, requires
from core.reporting import audit_report, report_on
from outbox.forms.erasure import EraseAddressForm, ReportForm
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
        "done": Job.objects.filter(kind=erasing.ERASE.kind).select_related("created_by")[:_LAST],
    }
    return render(request, "outbox/erase_address.html", context, status=422 if form.errors else 200)


@requires("outbox.erase_address")
@never_cache
def subject_report(request: HttpRequest) -> HttpResponseBase:
    """A file with everything that is kept of somebody, for requests under article 15 of the GDPR."""
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        audit_report(by=person(request), reason=form.cleaned_data["reason"])
        pieces = report_on(address=form.cleaned_data["address"], now=timezone.now())
        response = StreamingHttpResponse(pieces, content_type="application/json")
        response["Content-Disposition"] = 'attachment; filename="report-on-a-person.json"'
        return response
    context = {"page_title": _("Report on a person"), "form": form}
    return render(request, "outbox/subject_report.html", context, status=422 if form.errors else 200)
