"""What a body of bike-share holds that nobody reads is named with the field that may be meant, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from bikeshare.services.specs import SPECS
from tests.conftest import ApiClient
from tests.factories.bikeshare import CyclistFactory, DockFactory, PassFactory, ProgramFactory

pytestmark = pytest.mark.django_db
NEEDED: dict[str, dict[str, Any]] = {
    "passes": {"uid": "04A2B3C4"},
    "stations": {"name": "Quai"},
    "vehicules": {"number": "17"},
    "boitiers": {"number": "BX-17"},
}


@pytest.mark.parametrize("plural", SPECS)
def test_a_field_that_nobody_reads_is_named_at_every_door(api: ApiClient, plural: str) -> None:
    ProgramFactory(pk="lutece")
    row = {"passes": PassFactory, "docks": DockFactory}.get(plural, CyclistFactory)()
    body = NEEDED.get(plural, {}) | {"program": "lutece", "zzz": 1}
    if plural in NEEDED:
        made = api.post(f"/bikeshare/{plural}", body)
        assert made.status_code == 201, made.content
        assert made.json()["warnings"] == ["`zzz`: nobody reads a field of this name."]
        body["number" if "number" in body else "name"] = "another"
    batch = api.post(f"/bikeshare/{plural}", [body]).json()
    assert "`zzz`" in str(batch["warnings"]) or batch["rejected"]
    if SPECS[plural].name == row.NAME:
        changed = api.patch(f"/bikeshare/{plural}/{row.pk}", {"zzz": 1})
        assert changed.json()["warnings"] == ["`zzz`: nobody reads a field of this name."]


@pytest.mark.parametrize(
    ("plural", "field", "meant"),
    [
        ("cyclists", "first_name", "name"),
        ("cyclists", "phone", "phone_number"),
        ("stations", "lat", "position"),
        ("passes", "card_number", "uid"),
        ("passes", "cyclist", "associate"),
        ("passes", "user", "associate"),
        ("vehicules", "lock_id", "boitier"),
    ],
)
def test_one_that_means_another_is_refused_with_that(api: ApiClient, plural: str, field: str, meant: str) -> None:
    ProgramFactory(pk="lutece")
    body = {name: value for name, value in NEEDED.get(plural, {}).items() if name != meant}
    answer = api.post(f"/bikeshare/{plural}", body | {"program": "lutece", field: "cycl_1"})
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert meant in answer.json()["detail"]
