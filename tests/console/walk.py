"""All URLs of the project, with a real object behind each of their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from bikeshare.models import (
    Bike,
    Cyclist,
    Dock,
    FeedSource,
    LockBox,
    Pass,
    Program,
    Registration,
    Station,
    Subscription,
    Trip,
    Zone,
)
from config.api import ROUTERS
from core.models import ApiKey, Job, Undo
from core.permissions import answers_get
from fleet_remotes.models import (
    Callback,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
    CommandSchedule,
    Fleet,
    FleetVehicle,
    RemoteAction,
)
from infra_notifications.models import (
    ChargePoint,
    GroupDraft,
    Incident,
    MaintenanceWindow,
    NotificationGroup,
    OcpiParty,
    OcppRoute,
    Source,
    UnknownChargePoint,
    UnmappedReport,
)
from infra_notifications.services.mail_links import acknowledge_url
from outbox.models import Address, Banner, Delivery, Event, TopicList, WebhookEndpoint
from tests.factories.everything import World
from vehicles.models import (
    AddedLanguage,
    Brake,
    Campaign,
    Driver,
    DriverNotification,
    Mute,
    PlatformMessage,
    ProgramLook,
    TypeSetting,
    Vehicle,
    VehicleSource,
)

# The object behind `pk`, by the beginning of the route's name; the longest that fits counts.
OBJECT_OF: dict[str, type[Model]] = {
    "console:api_key": ApiKey,
    "console:job": Job,
    "console:undo": Undo,
    "fleet_remotes:vehicle": FleetVehicle,
    "fleet_remotes:draft": CommandDraft,
    "fleet_remotes:action": RemoteAction,
    "fleet_remotes:batch": CommandBatch,
    "fleet_remotes:schedule": CommandSchedule,
    "fleet_remotes:fleet": Fleet,
    "fleet_remotes:callback": Callback,
    "fleet_remotes:callbacks_at_vendor": Fleet,
    "fleet_remotes:message": CallbackMessage,
    "outbox:address": Address,
    "outbox:delivery": Delivery,
    "outbox:event": Event,
    "outbox:webhook": WebhookEndpoint,
    "outbox:webhook_again": Delivery,
    "outbox:topic_list": TopicList,
    "infra_notifications:wizard": GroupDraft,
    "infra_notifications:wizard_change": NotificationGroup,
    "infra_notifications:group": NotificationGroup,
    "infra_notifications:import": Job,
    "infra_notifications:unknown": UnknownChargePoint,
    "infra_notifications:charge_point": ChargePoint,
    "infra_notifications:incident": Incident,
    "infra_notifications:maintenance": MaintenanceWindow,
    "infra_notifications:ocpi_part": OcpiParty,
    "infra_notifications:ocpp_route": OcppRoute,
    "infra_notifications:source": Source,
    "infra_notifications:unmapped": UnmappedReport,
    "vehicles:platform_message": PlatformMessage,
    "vehicles:source": VehicleSource,
    "vehicles:driver": Driver,
    "vehicles:vehicle": Vehicle,
    "vehicles:notification": DriverNotification,
    "vehicles:type": TypeSetting,
    "vehicles:campaign": Campaign,
    "vehicles:language": AddedLanguage,
    "vehicles:look": ProgramLook,
    "vehicles:brake": Brake,
    "vehicles:driver_unmute": Mute,
    "bikeshare:gbfs": Program,
    "bikeshare:abonnement": Subscription,
    "bikeshare:boitier": LockBox,
    "bikeshare:cyclist": Cyclist,
    "bikeshare:dock": Dock,
    "bikeshare:feed": FeedSource,
    "bikeshare:pass": Pass,
    "bikeshare:registration": Registration,
    "bikeshare:request": Trip,
    "bikeshare:station": Station,
    "bikeshare:trip": Trip,
    "bikeshare:vehicule": Bike,
    "bikeshare:zone": Zone,
}
# The object behind `uid` in the API of bike-share, by the part of the path before it.
BIKESHARE: dict[str, type[Model]] = {
    "abonnements": Subscription,
    "boitiers": LockBox,
    "cyclists": Cyclist,
    "docks": Dock,
    "feeds": FeedSource,
    "passes": Pass,
    "programs": Program,
    "registrations": Registration,
    "stations": Station,
    "trips": Trip,
    "vehicules": Bike,
    "zones": Zone,
}


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str
    view: Callable[..., HttpResponseBase]

    @property
    def is_api(self) -> bool:
        return self.name.startswith("api:")

    @property
    def is_admin(self) -> bool:
        return self.name.startswith("admin:")

    @property
    def takes_get(self) -> bool:
        return answers_get(self.view)


def all_routes() -> list[Route]:
    return list(_routes(get_resolver(), "", ""))


def own_routes() -> list[Route]:
    """The pages that are ours: neither the API nor the Django admin."""
    return [route for route in all_routes() if not route.is_api and not route.is_admin]


def _routes(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, path, f"{pattern.namespace}:" if pattern.namespace else namespace)
        elif isinstance(pattern, URLPattern):
            yield Route(f"{namespace}{pattern.name}", path, pattern.callback)


def path_of(route: Route, world: World) -> str:
    """The route's path with real objects; an unknown parameter fails: teach it to OBJECT_OF."""
    if "?P<" in route.pattern:
        return "/" + _REGEX_PATHS[route.name]

    def fill(found: re.Match[str]) -> str:
        return str(_value(route, found.group(1).rpartition(":")[2], world))

    return "/" + re.sub(r"<([^>]+)>", fill, route.pattern)


# Django's admin has two paths by regular expression.
_REGEX_PATHS = {"admin:app_list": "admin/console/", "admin:None": "admin/nothing-here/"}


def _value(route: Route, parameter: str, world: World) -> Any:
    if route.is_admin:
        return _admin_value(route, parameter, world)
    if parameter == "token":
        return mail_token(world[Delivery]) if route.name.endswith("mail_acknowledge") else world.token
    if route.name == "ocpi":
        return "versions"
    if parameter == "key":
        return world[GroupDraft].key
    if parameter == "slug":
        return world[Callback].slug
    assert parameter == "pk", f"{route.name} has a parameter that the walk does not know: {parameter}"
    fitting = [name for name in OBJECT_OF if route.name.startswith(name)]
    assert fitting, f"the walk does not know which object {route.name} shows"
    return world[OBJECT_OF[max(fitting, key=len)]].pk


def mail_token(delivery: Delivery) -> str:
    """The token of a mail's link to acknowledge."""
    return acknowledge_url(delivery.pk).rstrip("/").rpartition("/")[2]


def _admin_value(route: Route, parameter: str, world: World) -> Any:
    if route.name == "admin:view_on_site":
        content_type = ContentType.objects.get_for_model(ChargePoint)
        return content_type.pk if parameter == "content_type_id" else world[ChargePoint].pk
    return world[_admin_model(route)].pk


def _admin_model(route: Route) -> type[Model]:
    app, model = route.pattern.split("/")[1:3]
    return apps.get_model(app, model)


@dataclass(frozen=True)
class ApiOperation:
    method: str
    pattern: str
    scope: str

    def path(self, world: World) -> str:
        """The path below /api/v1 with real objects."""
        values = {
            "path:evse_id": world[ChargePoint].evse_id,
            "group_id": world[NotificationGroup].pk,
            "incident_id": world[Incident].pk,
            "delivery_id": world[Delivery].pk,
            "webhook_id": world[WebhookEndpoint].pk,
            "list_id": world[TopicList].pk,
            "banner_id": world[Banner].pk,
            "vin": world[FleetVehicle].vin,
            "schedule_id": world[CommandSchedule].pk,
            "action_id": world[RemoteAction].pk,
            "path:driver_id": world[Driver].external_id,
            "notification_id": world[DriverNotification].pk,
            "campaign_id": world[Campaign].pk,
            "mute_id": world[Mute].pk,
            "brake_id": world[Brake].pk,
            "slug": world[Callback if self.pattern.startswith("/remotes/") else OcppRoute].slug,
            "fleet": world[FleetVehicle].fleet.key,
            "path:station": world[ChargePoint].station,
            "source_slug": world[VehicleSource].slug,
            "party_id": world[OcpiParty].pk,
        }
        if "{uid}" in self.pattern:
            values["uid"] = world[BIKESHARE[self.pattern.split("/")[2]]].pk
        return re.sub(r"{([^}]+)}", lambda found: str(values[found.group(1)]), self.pattern)


def api_operations() -> list[ApiOperation]:
    """Every operation of the API with the scope that it asks for."""
    found = []
    for prefix, router, _tag in ROUTERS:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                door: Any
                (door,) = operation.auth_callbacks
                pattern = f"{prefix}{path}" if prefix else path
                found += [ApiOperation(method, pattern, door.scope) for method in operation.methods]
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Takes back what happens inside, so that the next request finds the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client: Client, method: str, path: str) -> Any:
    """One request whose changes are taken back."""
    with undone():
        response = client.generic(method, path)
        if getattr(response, "streaming", False):
            b"".join(response)
    return response
