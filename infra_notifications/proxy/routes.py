"""Where a station that connects to /{slug}/{identity} is passed on to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `upstream` is a ws:// or wss:// URL; the rest of the path and the query are put behind it.

    `id` is that of the OcppRoute; unknown stations get EVSE ids by `evse_pattern`, or the installation's where it is
    empty.
    """

    slug: str
    upstream: str
    register_unknown: bool = False
    enabled: bool = True
    id: int = 0
    evse_pattern: str = ""


class RouteTable(Protocol):
    def find(self, slug: str, identity: str) -> Route | None:
        """The route of a station (`identity` as decoded from the path), or None: 404. Returns at once, raises nothing.

        Asked at each connect, and every second or two for stations that are connected: one whose route is gone,
        disabled or has another upstream now is closed with 1012 (at a bounded pace), and finds its new CSMS when it
        comes back.
        """

    def slug_of(self, word: str) -> str:
        """The slug of the route that a station names by `word`, which it may write in capitals; `word` of none."""


class FixedRoutes:
    """Routes in memory that can be replaced at once."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self.replace(routes)

    def replace(self, routes: Iterable[Route]) -> None:
        self._routes = {route.slug: route for route in routes}

    def find(self, slug: str, identity: str) -> Route | None:
        return self._routes.get(slug)

    def slug_of(self, word: str) -> str:
        return word
