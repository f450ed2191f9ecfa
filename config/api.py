"""The API for machines: each app's router under one address, one way of errors, keys and pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.openapi.schema import OpenAPISchema

from bikeshare.api import router as bikeshare
from core.api import MachineAPI
from core.search.hints import with_hint
from fleet_remotes.api import router as remotes
from infra_notifications.api import router as charging
from outbox.api import router as outbox
from outbox.api.webhook_docs import webhook_paths
from vehicles.api import router as vehicles

# Below which path each app's operations are, and under which title the documentation shows them.
ROUTERS = (
    ("/charging", charging, "Charging"),
    ("/remotes", remotes, "Fleet remotes"),
    ("/vehicles", vehicles, "Vehicles"),
    ("/bikeshare", bikeshare, "Bike-share"),
    ("", outbox, "Outbox"),
)


class SignalboxAPI(MachineAPI):
    """Its document also lists what Signalbox sends: one webhook per kind of event, as registered by then. It is built
    once: nothing of it depends on who asks, and it takes seconds.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._built: dict[str, OpenAPISchema] = {}

    def create_response(self, request: HttpRequest, data: Any, **options: Any) -> HttpResponse:
        return super().create_response(request, with_hint(data, request.GET.get("q", "")), **options)

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        named = repr(sorted(kwargs.items()))
        if named not in self._built:
            schema = super().get_openapi_schema(**kwargs)
            schema["webhooks"] = webhook_paths()
            self._built[named] = schema
        return self._built[named]


api = SignalboxAPI(
    title="Signalbox",
    version="1",
    description="Signals in, notifications out. Authenticate with `Authorization: Bearer <key>`. "
    "Errors are application/problem+json (RFC 9457); a 2xx is given only after the commit.",
    urls_namespace="api",
)
for prefix, router, tag in ROUTERS:
    api.add_router(prefix, router, tags=[tag])
