"""The routes of the database in memory, for the proxy: read by a thread every few seconds, with a copy on disk.

The event loop only looks things up; it never waits for PostgreSQL. When PostgreSQL is away, what was read last holds,
also over a restart, because the copy on disk is read first. Where nothing was ever read, stations are asked to come
back (503) instead of being told that there is no such route.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from pathlib import Path
from time import monotonic

import structlog
from django.db import close_old_connections, connection
from django.db.models import Count, Max

from core import files
from core.encryption import sealed, unsealed
from core.text import identity_key
from infra_notifications.models import MovedStation, OcppRoute
from infra_notifications.proxy.routes import Route

log = structlog.get_logger("signalbox.ocpp_proxy")
READ_EVERY_S = 2.0
# Moves are read when their number or their latest time has changed, and this often whatever happens.
READ_MOVES_EVERY_S = 60.0
COMPLAIN_EVERY_S = 60.0
_FORMAT = 1
_COLUMNS = ("slug", "upstream", "register_unknown", "enabled", "evse_pattern")


@dataclass(frozen=True)
class Routing:
    """All routes by slug, and by the slug of a route the stations (by `identity_key`) that another one passes on."""

    routes: dict[str, Route] = field(default_factory=dict)
    moves: dict[str, dict[str, str]] = field(default_factory=dict)

    def find(self, slug: str, identity: str) -> Route | None:
        route = self.routes.get(self.slug_of(slug))
        moves = self.moves.get(route.slug) if route is not None else None
        if not moves:
            return route
        return self.routes.get(moves.get(identity_key(identity), ""), route)

    def slug_of(self, word: str) -> str:
        return next((slug for slug in (word, word.lower()) if slug in self.routes), word)

    def to_json(self) -> bytes:
        routes = [astuple(route) for route in self.routes.values()]
        return json.dumps({"format": _FORMAT, "routes": routes, "moves": self.moves}).encode()

    @staticmethod
    def from_json(text: bytes) -> Routing:
        """Raises ValueError for what `to_json` did not write."""
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise ValueError(f"a copy of format {document['format']}")
            routes = [Route(*values) for values in document["routes"]]
            moves = {slug: dict(moved) for slug, moved in document["moves"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"no copy of routes: {error!r}") from error
        return Routing({route.slug: route for route in routes}, moves)


def _route(row: OcppRoute) -> Route:
    """One whose address cannot be read (a lost key) refuses its stations for now."""
    upstream = getattr(row, "upstream", "")
    return Route(row.slug, upstream, row.register_unknown, row.enabled and bool(upstream), row.pk, row.evse_pattern)


class RoutingReader:
    """Reads the routing from the database; raises what the database raises."""

    def __init__(self) -> None:
        self._moves: dict[str, dict[str, str]] = {}
        self._stamp: object = None
        self._read_at = 0.0

    def __call__(self) -> Routing:
        close_old_connections()
        try:
            routes = [_route(row) for row in OcppRoute.objects.only(*_COLUMNS)]
            return Routing({route.slug: route for route in routes}, self._moved())
        finally:
            # Back to the pool, which knows whether it still works.
            connection.close()

    def _moved(self) -> dict[str, dict[str, str]]:
        stamp = MovedStation.objects.aggregate(n=Count("pk"), last=Max("moved_at"), newest=Max("pk"))
        if stamp != self._stamp or monotonic() - self._read_at > READ_MOVES_EVERY_S:
            moves: dict[str, dict[str, str]] = {}
            rows = MovedStation.objects.order_by().values_list("route__slug", "station_key", "target__slug")
            for slug, key, target in rows.iterator():
                moves.setdefault(slug, {})[key] = target
            self._moves, self._stamp, self._read_at = moves, stamp, monotonic()
        return self._moves


class StoredRoutes:
    """A `RouteTable` that follows the database. `start` and `stop` it; `find` may be asked from any thread."""

    def __init__(self, copy: Path, *, read: Callable[[], Routing] | None = None, every_s: float = READ_EVERY_S) -> None:
        self._copy, self._every_s = copy, every_s
        self._read = read or RoutingReader()
        self._routing: Routing | None = None
        self._written: Routing | None = None
        self._ended, self._first = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._complained_at: dict[str, float] = {}

    def start(self, *, wait_s: float = 3.0) -> None:
        """Reads the copy, and then the database for as long as it may take, but waits for that no longer than this."""
        self._read_copy()
        self._thread = threading.Thread(target=self._follow, name="ocpp-routes", daemon=True)
        self._thread.start()
        self._first.wait(wait_s)

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def find(self, slug: str, identity: str) -> Route | None:
        routing = self._routing
        return Route(slug, "", enabled=False) if routing is None else routing.find(slug, identity)

    def slug_of(self, word: str) -> str:
        routing = self._routing
        return word if routing is None else routing.slug_of(word)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._routing = self._read()
            except Exception as error:  # whatever it is, the proxy goes on with what it knows
                self._complain("routes_not_read", error)
            else:
                self._first.set()
                self._write_copy(self._routing)
            self._ended.wait(self._every_s)

    def _read_copy(self) -> None:
        try:
            self._routing = self._written = Routing.from_json(unsealed(self._copy.read_bytes()))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._complain("copy_of_routes_not_read", error)

    def _write_copy(self, routing: Routing) -> None:
        """A crash or a full disk leaves the copy before it."""
        if routing == self._written:
            return
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            files.put(self._copy, sealed(routing.to_json()), synced=True)
        except OSError as error:
            self._complain("copy_of_routes_not_written", error)
        else:
            self._written = routing

    def _complain(self, what: str, error: Exception) -> None:
        """Once a minute: a database that is away is asked every few seconds."""
        last = self._complained_at.get(what)
        if last is None or monotonic() - last > COMPLAIN_EVERY_S:
            self._complained_at[what] = monotonic()
            log.warning(what, error=f"{type(error).__name__}: {error}"[:300])
