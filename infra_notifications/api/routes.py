"""Routes of the OCPP proxy, for machines."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import Field

from core.api import ConfigurationIn, PartialIn, Problem, audited_by, key_of, page_of, serialize
from core.choices import Scope
from core.models import ApiKey
from infra_notifications.api.base import READ, WRITE, router
from infra_notifications.models import OcppRoute
from infra_notifications.search import ROUTE_SEARCH
from infra_notifications.services import ocpp_routes as services

MAX_STATIONS = 10_000


class RouteIn(ConfigurationIn):
    """Stations that connect to `{ocpp_url}/{slug}/{identity}` are passed on to `{upstream}/{identity}`.

    With `register_unknown` a station that nobody registered becomes a charge point when it says something; its EVSE ids
    follow `evse_pattern`, or the installation's where it is empty.
    """

    slug: str = Field(examples=["berlin"])
    upstream: str = Field(examples=["wss://csms.example/ocpp"])
    register_unknown: bool = False
    evse_pattern: str = Field(default="", examples=["DE*ABC*E{station}*{connector}"])
    enabled: bool = True


class RoutePatch(RouteIn, PartialIn):
    """What is to change; everything may be left out. The slug stays: stations are set to it."""


class MoveIn(ConfigurationIn):
    """Identities of stations that connect by this route, and the slug of the route that is to pass them on.

    The route itself as `target` takes a move back.
    """

    stations: list[str] = Field(min_length=1, max_length=MAX_STATIONS)
    target: str


def serialize_route(route: OcppRoute, key: ApiKey) -> dict[str, Any]:
    """Of the `upstream`, which may hold a token, those who may not write read scheme and host."""
    if not hasattr(route, "connected"):
        services.attach_connected([route])
    shown = ("id", "slug", "register_unknown", "evse_pattern", "enabled", "connected", "created_at")
    may_write = Scope.CHARGING_WRITE.value in key.scopes
    upstream = getattr(route, "upstream", route.shown_url) if may_write else route.shown_url
    return serialize(route, *shown) | {"upstream": upstream, "url": services.address_of(route)}


def _route(slug: str) -> OcppRoute:
    return get_object_or_404(OcppRoute, slug=slug.lower())


@router.get("/ocpp-routes", auth=READ, summary="Routes of the OCPP proxy")
def list_routes(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """`url` is what stations are set to; they append their identity. `connected`: how many are now."""
    found = OcppRoute.objects.filter(ROUTE_SEARCH.condition(q))
    return page_of(
        found,
        limit=limit,
        cursor=cursor,
        shape=lambda route: serialize_route(route, key_of(request)),
        prepare=services.attach_connected,
        descending=False,
    )


@router.post("/ocpp-routes", auth=WRITE, response={201: dict[str, Any]}, summary="Make a route of the OCPP proxy")
def create_route(request: HttpRequest, body: RouteIn) -> Status[dict[str, Any]]:
    """The proxy knows it within seconds. 409 for a slug that is taken."""
    with audited_by(key_of(request)):
        route = services.create_route(details=services.RouteInput(**body.model_dump()))
    return Status(201, serialize_route(route, key_of(request)))


@router.get("/ocpp-routes/{slug}", auth=READ, summary="One route of the OCPP proxy")
def get_route(request: HttpRequest, slug: str) -> dict[str, Any]:
    return serialize_route(_route(slug), key_of(request))


@router.patch("/ocpp-routes/{slug}", auth=WRITE, summary="Change a route of the OCPP proxy")
def patch_route(request: HttpRequest, slug: str, body: RoutePatch) -> dict[str, Any]:
    """Another `upstream` moves its stations: those that are connected are asked to connect again, some in a second."""
    route = _route(slug)
    with audited_by(key_of(request)):
        services.change_route(route=route, changes=body.changes())
    return serialize_route(route, key_of(request))


@router.delete("/ocpp-routes/{slug}", auth=WRITE, response={204: None}, summary="Delete a route of the OCPP proxy")
def delete_route(request: HttpRequest, slug: str) -> Status[None]:
    """Its stations are refused from then on (404). 409 while stations of other routes are passed on by it."""
    route = _route(slug)
    with audited_by(key_of(request)):
        services.delete_route(route=route)
    return Status(204, None)


@router.post("/ocpp-routes/{slug}/move", auth=WRITE, summary="Move stations of a route to another CSMS")
def move_stations(request: HttpRequest, slug: str, body: MoveIn) -> dict[str, Any]:
    """They keep the address that they are set to. `moved` names those whose way changed, `unknown` those of which
    nobody has heard: they are not moved, and where all are unknown that is a 404. Who is to be moved before it ever
    connects is registered as a charge point first."""
    route, target = _route(slug), _route(body.target)
    known, unknown = services.known_and_unknown(route=route, stations=body.stations)
    if not known:
        raise Problem(404, f"Nobody has heard of these stations: {', '.join(unknown[:10])[:300]}.")
    with audited_by(key_of(request)):
        moved = services.move_stations(route=route, stations=known, target=target, now=timezone.now())
    return {"moved": moved, "unknown": unknown}
