"""The menu and the dashboard, filled by the apps when they start (`AppConfig.ready`), never by name in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from core.permissions import SIGNED_IN

Text = str | Promise


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    section: str
    label: Text
    url_name: str
    permission: str
    icon: str
    order: int = 100

    @cached_property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class Tile:
    """A piece of the dashboard: a template and what it shows."""

    key: str
    template: str
    context: Callable[[HttpRequest], dict[str, Any]]
    permission: str
    order: int = 100
    wide: bool = False


@dataclass
class _Registry:
    entries: list[Entry] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)


SECTIONS: dict[str, Text] = {
    "overview": _("Overview"),
    "manage": _("Manage"),
    "deliver": _("Deliver"),
    "administer": _("Administer"),
}
_registry = _Registry()


def register_section(key: str, label: Text, *, before: str = "deliver") -> None:
    """A section of the menu for an app that brings many pages."""
    if key in SECTIONS:
        raise ValueError(f"There is a section {key} already.")
    later = {name: SECTIONS.pop(name) for name in list(SECTIONS)[list(SECTIONS).index(before) :]}
    SECTIONS.update({key: label} | later)


def register_entry(entry: Entry) -> None:
    """Raises ValueError for a page that is in the menu already."""
    if any((entry.section, entry.url_name) == (other.section, other.url_name) for other in _registry.entries):
        raise ValueError(f"{entry.url_name} is in the menu already.")
    _registry.entries.append(entry)


def register_tile(tile: Tile) -> None:
    """Raises ValueError for a key that another tile has."""
    if any(tile.key == other.key for other in _registry.tiles):
        raise ValueError(f"There is a tile of the key {tile.key} already.")
    _registry.tiles.append(tile)


def tabs_of(names: Iterable[tuple[str, Text]], active: str, *args: object) -> list[dict[str, Any]]:
    """The tabs of a page, for `console/parts/tabs.html`: the names of their URLs, which all take `args`, and labels."""
    return [{"url": reverse(name, args=args), "label": label, "active": name == active} for name, label in names]


def _may(user: User | AnonymousUser, permission: str) -> bool:
    return permission == SIGNED_IN or user.has_perm(permission)


def menu_for(user: User | AnonymousUser) -> list[tuple[Text, list[Entry]]]:
    """The sections with the entries that this person may open."""
    menu = []
    for key, label in SECTIONS.items():
        entries = [e for e in _registry.entries if e.section == key and _may(user, e.permission)]
        if entries:
            menu.append((label, sorted(entries, key=lambda e: e.order)))
    return menu


def tiles_for(request: HttpRequest) -> list[tuple[Tile, dict[str, Any]]]:
    mine = [t for t in _registry.tiles if _may(request.user, t.permission)]
    return [(tile, tile.context(request)) for tile in sorted(mine, key=lambda t: t.order)]
