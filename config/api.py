"""The API for machines: each app's router under one address, one way of errors, keys and pages."""

from ninja import NinjaAPI

from console.api_kit import BodyParser, install_error_handlers
from infra_notifications.api import router as charging
from outbox.api import router as outbox

api = NinjaAPI(
    title="Signalbox",
    version="1",
    description="Signals in, notifications out. Authenticate with `Authorization: Bearer <key>`. "
    "Errors are application/problem+json (RFC 9457); a 2xx is given only after the commit.",
    urls_namespace="api",
    parser=BodyParser(),
)
install_error_handlers(api)
api.add_router("/charging", charging, tags=["Charging"])
api.add_router("", outbox, tags=["Outbox"])
