"""Searches and conditions compare names the same way."""

from __future__ import annotations

import pytest

from outbox.subscriptions.conditions import EventView, compile_condition
from vehicles.catalogue import TYPES
from vehicles.models import Driver, Vehicle
from vehicles.search import DRIVER_SEARCH, NOTIFICATION_SEARCH, VEHICLE_SEARCH


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [("lyon", ["Lyon"]), ("LYON*", ["Lyon", "Lyon-Sud", "lyonnaise"]), ('"grand lyon"', ["grand lyon"]), ("lyo", [])],
)
def test_a_programme_is_found_as_a_whole_by_search_and_condition(query: str, found: list[str]) -> None:
    programs = ["Lyon", "Lyon-Sud", "grand lyon", "lyonnaise"]
    for number, program in enumerate(programs):
        Driver.objects.create(external_id=f"d{number}", program=program)
    rows = Driver.objects.filter(DRIVER_SEARCH.condition(f"program:{query}"))
    assert sorted(rows.values_list("program", flat=True)) == found
    takes = compile_condition(f"program:{query}")
    views = [EventView("vehicle.notification.created", "vehicles", "info", "n:1", {"program": one}) for one in programs]
    assert sorted(view.payload["program"] for view in views if takes(view)) == found


@pytest.mark.django_db
def test_a_star_stands_for_parts_of_types_and_brands_too() -> None:
    from_types = NOTIFICATION_SEARCH.condition("type:*Banner")
    banners = {name for name in TYPES if name.endswith("Banner")}
    assert {name for name in TYPES if f"'{name}'" in str(from_types)} == banners
    assert NOTIFICATION_SEARCH.condition("-type:Invalid* brand:tes*")
    for number, brand in enumerate(("Tesla", "Renault", "DE*A*E1")):
        Vehicle.objects.create(external_id=f"v{number}", brand=brand)
    cases = {
        "brand:tes*": ["Tesla"],
        "brand:*aul*": ["Renault"],
        "brand:e*a*": ["DE*A*E1"],
        "-brand:*e*l*": ["DE*A*E1"],
    }
    for query, found in cases.items():
        rows = Vehicle.objects.filter(VEHICLE_SEARCH.condition(query))
        assert sorted(rows.values_list("brand", flat=True)) == found, query
