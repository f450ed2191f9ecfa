"""The administrators' site at /admin/: Django's own, under our name, behind the console's sign-in."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _


class SignalboxAdminSite(AdminSite):
    site_header = _("Signalbox administration")
    site_title = _("Signalbox")
    index_title = _("All data")
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """One sign-in for both sites, so that brute-force protection counts in one place."""
        target = request.GET.get("next") or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('console:sign_in')}?{urlencode({'next': target})}")
