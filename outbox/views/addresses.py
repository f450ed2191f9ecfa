"""What a person does about an address whose mails come back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.permissions import landing, requires
from outbox.models import Address
from outbox.services.bounces.marks import forget_bounces


@requires("outbox.retry_delivery")
@require_POST
def address_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Mail goes to an address again that was marked or paused because its mails came back."""
    row = get_object_or_404(Address, pk=pk)
    if forget_bounces([row.address]):
        messages.success(request, _("Mails to %(address)s go out again.") % {"address": row.address})
    else:
        messages.warning(request, _("Nothing came back from %(address)s lately.") % {"address": row.address})
    return redirect(landing(request, request.POST.get("next"), "outbox:deliveries"))
