"""All URLs: the console and the domains for people, /api/v1/ for machines, /admin/ for administrators."""

from django.contrib import admin
from django.urls import include, path

from config.api import api
from console.views import language
from fleet_remotes.api import receive_callback
from infra_notifications.api.citrineos import receive_events
from infra_notifications.api.ocpi import ocpi
from vehicles.api import receive_webhook

urlpatterns = [
    # The vendor's door has a static header instead of an API key, so it is none of the API's operations.
    path("api/v1/remotes/callbacks/<slug:slug>", receive_callback, name="remote_callback"),
    # So have platforms, which sign what they send.
    path("api/v1/vehicles/sources/<slug:slug>", receive_webhook, name="platform_webhook"),
    # CitrineOS can send no header of its own, so its key stands in the address.
    path("api/v1/charging/in/citrineos/<str:token>", receive_events, name="citrineos"),
    # Parties of OCPI bring tokens, and want answers, of their own kind.
    path("ocpi/<path:path>", ocpi, name="ocpi"),
    # First, because machines ask the most.
    path("api/v1/", api.urls),
    path("", include("console.urls")),
    path("outbox/", include("outbox.urls")),
    path("infrastructure/", include("infra_notifications.urls")),
    path("remotes/", include("fleet_remotes.urls")),
    path("vehicles/", include("vehicles.urls")),
    path("", include("bikeshare.urls")),
    path("admin/", admin.site.urls),
    path("language/", language, name="set_language"),
]
handler400 = "console.views.bad_request"
handler403 = "console.views.forbidden"
handler404 = "console.views.not_found"
handler500 = "console.views.server_error"
