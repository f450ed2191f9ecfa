"""Searches and conditions compare names the same way."""

from __future__ import annotations

import pytest

from outbox.subscriptions.conditions import EventView, compile_condition
from vehicles.models import Driver
from vehicles.search import DRIVER_SEARCH


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
