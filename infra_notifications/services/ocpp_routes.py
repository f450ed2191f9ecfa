"""Writes routes of the OCPP proxy, and moves stations from one CSMS to another. Everything here is audited.

The proxy reads them every few seconds (`proxy/route_table.py`) and asks the stations that a change concerns to connect
again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.refusal import Refused
from core.text import composed, identity, identity_key
from infra_notifications.choices import SourceKind
from infra_notifications.models import (
    ChargePoint,
    MovedStation,
    OcppRoute,
    Source,
    StationConnection,
    UnknownChargePoint,
)
from infra_notifications.models.routes import MAX_STATION
from infra_notifications.models.sources import source_id
from infra_notifications.rules.upstreams import is_own_address, is_same_place, parse_upstream, port_of
from infra_notifications.services.adoption import check_pattern
from outbox.transports.webhook.http import look_up
from outbox.transports.webhook.targets import Forbidden, NotPublic

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG = 40
# What the proxy itself answers on.
RESERVED = frozenset({"healthz", "readyz", "metrics"})
TAKEN = "unique"
IN_USE, SWITCHED_OFF = "in_use", "switched_off"


@dataclass(frozen=True)
class RouteInput:
    """What a person or a machine says of a route; `cleaned` makes it storable."""

    slug: str
    upstream: str
    register_unknown: bool = False
    evse_pattern: str = ""
    enabled: bool = True

    def cleaned(self) -> RouteInput:
        """Raises Refused with a sentence for each field that cannot be taken."""
        checks = {"slug": _slug, "upstream": _upstream, "evse_pattern": _pattern}
        values, errors = asdict(self), {}
        for name, check in checks.items():
            try:
                values[name] = check(values[name])
            except Refused as error:
                errors[name] = error.sentences
        pattern = values["evse_pattern"] or settings.CHARGING_EVSE_PATTERN
        if self.register_unknown and "evse_pattern" not in errors and "{connector}" not in pattern:
            errors["evse_pattern"] = [
                _("Stations are registered by themselves, and may have several connectors: it must hold {connector}.")
            ]
        if errors:
            raise Refused.by_field(errors)
        return RouteInput(**values)


def _slug(text: str) -> str:
    slug = composed(text).lower()
    if len(slug) > MAX_SLUG or not _SLUG.fullmatch(slug):
        raise Refused(_("Small letters a to z, digits and single hyphens between them; at most 40 characters."))
    if slug in RESERVED:
        raise Refused(_("The proxy itself answers on /%(slug)s; choose another name.") % {"slug": slug})
    return slug


def _upstream(text: str) -> str:
    try:
        upstream = parse_upstream(composed(text), settings.OCPP_UPSTREAM_NETWORKS)
    except NotPublic as error:
        hint = _("An administrator allows private networks by OCPP_UPSTREAM_NETWORKS.")
        raise Refused(f"{error} {hint}") from error
    except Forbidden as error:
        raise Refused(str(error)) from error
    if is_same_place(upstream, settings.OCPP_PUBLIC_URL) or _leads_back(upstream):
        raise Refused(_("This is the proxy’s own address: stations would be passed on in a circle."))
    return upstream


def _leads_back(upstream: str) -> bool:
    """Whether another name or address of the proxy is meant. Its public address is compared only where nothing stands
    in front of the proxy: a web server there may have the CSMS behind the same address, by another name."""
    if port_of(upstream) != settings.OCPP_PORT:
        return False
    own = _addresses(settings.OCPP_HOST)
    if port_of(settings.OCPP_PUBLIC_URL) == settings.OCPP_PORT:
        own += _addresses(urlsplit(settings.OCPP_PUBLIC_URL).hostname or "")
    return any(is_own_address(address, own) for address in _addresses(urlsplit(upstream).hostname or ""))


def _addresses(host: str) -> list[str]:
    with contextlib.suppress(OSError, UnicodeError):
        return look_up(host)
    return []  # a CSMS whose name is not known yet is judged again when it is called


def _pattern(text: str) -> str:
    return check_pattern(text) if text.strip() else ""


def address_of(route: OcppRoute) -> str:
    """What stations of a route are set to; they append their identity."""
    return f"{settings.OCPP_PUBLIC_URL}/{route.slug}"


def create_route(*, details: RouteInput) -> OcppRoute:
    """A new route. Raises Refused, with code `unique` for a URL name that is taken."""
    clean = details.cleaned()
    try:
        with transaction.atomic():
            return OcppRoute.objects.create(**asdict(clean))
    except IntegrityError as error:
        sentence = _("There is a route named “%(name)s” already.") % {"name": clean.slug}
        raise Refused(sentence, code=TAKEN, field="slug") from error


def change_route(*, route: OcppRoute, changes: Mapping[str, Any]) -> OcppRoute:
    """Changes some fields of a RouteInput; its URL name stays, because stations are set to it. Raises Refused."""
    names = list(RouteInput.__dataclass_fields__)
    known: dict[str, Any] = {name: getattr(route, name, "") for name in names}
    clean = RouteInput(**{**known, **changes}).cleaned()
    if clean.slug != route.slug:
        sentence = _("Stations are set to this name; make another route and move them there.")
        raise Refused(sentence, field="slug")
    for name, value in asdict(clean).items():
        setattr(route, name, value)
    with transaction.atomic():
        was = OcppRoute.objects.select_for_update().get(pk=route.pk)
        if was.enabled and not route.enabled:
            _check_passes_on_its_own(was)
        route.save(update_fields=names)
    return route


def _check_passes_on_its_own(route: OcppRoute) -> None:
    """Raises Refused while stations of other routes are passed on by this one."""
    if moved := route.moved_here.count():
        sentence = ngettext(
            "%(n)d station of another route is passed on by this one; move it back first.",
            "%(n)d stations of other routes are passed on by this one; move them back first.",
            moved,
        )
        raise Refused(sentence % {"n": moved}, code=IN_USE)


def delete_route(*, route: OcppRoute) -> None:
    """Stations that connect by it are refused from then on. Raises Refused while others are passed on by it."""
    with transaction.atomic():
        locked = OcppRoute.objects.select_for_update().get(pk=route.pk)
        _check_passes_on_its_own(locked)
        # One by one, so that the audit log names them.
        for station in locked.moved_away.all():
            station.delete()
        locked.delete()


def _identities(stations: Sequence[str]) -> dict[str, str]:
    """As they are spelt, by what makes them the same. Raises Refused for what is no identity."""
    named = {identity_key(name): identity(name) for name in stations}
    for key, name in named.items():
        if not key or len(key) > MAX_STATION:
            raise Refused(_("“%(name)s” is not an identity of a station.") % {"name": name[:60]}, field="stations")
    return named


def known_and_unknown(*, route: OcppRoute, stations: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of these identities of which somebody has heard: a charge point or an unknown sender has them, they
    connected, or are moved; and the others. Raises Refused for what is no identity."""
    named = _identities(stations)
    keys = list(named)
    known = set(MovedStation.objects.filter(route=route, station_key__in=keys).values_list("station_key", flat=True))
    known |= set(StationConnection.objects.filter(key__in=keys).values_list("key", flat=True))
    for model in (ChargePoint, UnknownChargePoint):
        spelt = model._default_manager.annotate(key=Upper("station")).filter(key__in=keys)
        known |= set(spelt.values_list("key", flat=True))
    return [named[key] for key in keys if key in known], [named[key] for key in keys if key not in known]


def move_stations(*, route: OcppRoute, stations: Sequence[str], target: OcppRoute, now: datetime) -> list[str]:
    """From now on these stations, which connect by `route`, are passed on by `target`; back to itself ends a move.

    Returns the identities whose route changed. Raises Refused for what is no identity, and for a route that is
    switched off.
    """
    named = _identities(stations)
    with transaction.atomic():
        # Whoever moves stations of a route waits for whoever does so, or switches one off, at the same moment.
        locked = OcppRoute.objects.select_for_update().order_by("pk").in_bulk({route.pk, target.pk})
        if target.pk != route.pk and not locked[target.pk].enabled:
            sentence = _("“%(name)s” is switched off: stations that are moved there would be refused.")
            raise Refused(sentence % {"name": target.slug}, code=SWITCHED_OFF, field="target")
        rows = MovedStation.objects.filter(route=route, station_key__in=named)
        before = {row.station_key: row for row in rows}
        changed = []
        for key, name in named.items():
            row = before.get(key)
            if (row.target_id if row else route.pk) == target.pk:
                continue
            changed.append(name)
            if target.pk == route.pk:
                before[key].delete()
                continue
            row = row or MovedStation(route=route, station=name, station_key=key)
            row.target, row.moved_at = target, now
            row.save()
    return changed


# ---- reading ------------------------------------------------------------------------------------------------------


def attach_connected(routes: Sequence[OcppRoute]) -> None:
    """Gives each route `connected` (how many stations are now) and `known` (how many ever were), in one query."""
    slugs = [route.slug for route in routes]
    found = StationConnection.objects.filter(route__in=slugs).order_by().values("route")
    counted = found.annotate(now=Count("pk", filter=Q(connected=True)), ever=Count("pk"))
    counts = {row["route"]: (row["now"], row["ever"]) for row in counted}
    for route in routes:
        route.connected, route.known = counts.get(route.slug, (0, 0))  # type: ignore[attr-defined]


def attach_ways(route: OcppRoute, connections: Sequence[StationConnection]) -> None:
    """Gives each connection by a route `point`, the first charge point of its station (None where nobody registered
    it), and `way`, the slug of the route that it was moved to ("" for none)."""
    keys = [each.key for each in connections]
    moved = route.moved_away.filter(station_key__in=keys).values_list("station_key", "target__slug")
    ways = dict(moved)
    points = ChargePoint.objects.alias(key=Upper("station")).filter(key__in=keys)
    first: dict[str, int] = {}
    for pk, station in points.order_by("connector", "pk").values_list("pk", "station"):
        first.setdefault(identity_key(station), pk)
    for each in connections:
        each.point, each.way = first.get(each.key), ways.get(each.key, "")  # type: ignore[attr-defined]


def source_of_route(route: OcppRoute) -> Source | None:
    """What the proxy heard by a route, where it heard anything."""
    return Source.objects.filter(pk=source_id(SourceKind.PROXY, route.pk)).first()
