"""The zones of each program as an index, one per process, made anew when a zone of the program has changed."""

from __future__ import annotations

from bikeshare.choices import OpenStatus
from bikeshare.models import Program, Zone
from bikeshare.rules.geometry import area_of
from bikeshare.rules.zones import WatchSettings, ZoneArea, ZoneMap, rule_of, rules_of
from core.cache import Cache

_maps: Cache[str, ZoneMap] = Cache()


def zone_map(program: Program) -> ZoneMap:
    """The program's zones as they are; `program` must have been read in this transaction."""
    return _maps.get(program.pk, lambda: _read(program), stamp=(program.zones_version, program.created))


def _read(program: Program) -> ZoneMap:
    zones = Zone.objects.filter(program=program, status=OpenStatus.OPEN).order_by("precedence", "pk")
    areas = [
        ZoneArea(
            zone.pk,
            zone.name,
            area_of(zone.geometry),
            rules_of(zone.rules, zone.type, zone.vehicule_type),
            zone.start,
            zone.end,
        )
        for zone in zones
    ]
    return ZoneMap(areas, [rule_of(rule) for rule in program.global_rules])


def watch_settings(program: Program) -> WatchSettings:
    return WatchSettings(program.min_depth_m, program.accuracy_factor, program.confirm_fixes, program.exit_margin_m)
