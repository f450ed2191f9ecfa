"""What a body of bike-share holds that nobody reads is named with the field that may be meant, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bikeshare.models import Program
from bikeshare.services.specs import SPECS
from tests.conftest import ApiClient
from tests.factories.bikeshare import (
    CyclistFactory,
    DockFactory,
    PassFactory,
    ProgramFactory,
    ZoneFactory,
)

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


RULE = {"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": False}
RING = [{"latitude": 48.843, "longitude": 2.356}, {"latitude": 48.842, "longitude": 2.362}]
RING += [{"latitude": 48.846, "longitude": 2.363}]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"vehicule_types": ["vae"]}, "vehicle_type_ids"),
    ({"vehicle_types": ["vae"]}, "vehicle_type_ids"),
    ({"vehicule_type_ids": ["vae"]}, "vehicle_type_ids"),
    ({"speed_limit": 6}, "maximum_speed_kph"),
    ({"zzz": 1}, "zzz"),
    ({"vehicle_type_ids": ["ebike"]}, "ebike"),
    ({"vehicle_type_ids": "vae,scooter"}, "vae_hybrid"),
    ({"vehicle_type_ids": ["*"]}, "vae_hybrid"),
    ({"maximum_speed_kph": 6.5}, "6.5"),
]


def test_what_nobody_reads_of_a_rule_is_refused_at_every_door(api: ApiClient, administrator: Client) -> None:
    """A rule whose types were overlooked would bind all."""
    program, zone = ProgramFactory(pk="lutece"), ZoneFactory()
    page = reverse("admin:bikeshare_program_change", args=[program.pk])
    fields = administrator.get(page).context["adminform"].form.initial
    typed = {name: value for name, value in fields.items() if value is not None}
    for more, named in WRONG:
        rules = [RULE | more]
        answers = [
            api.post("/bikeshare/zones", {"program": "lutece", "bounds": RING, "rules": rules}),
            api.patch(f"/bikeshare/zones/{zone.pk}", {"rules": rules}),
            api.patch("/bikeshare/programs/lutece", {"global_rules": rules}),
        ]
        assert [answer.status_code for answer in answers] == [422] * 3, more
        assert all(named in answer.json()["detail"] for answer in answers), more
        shown = administrator.post(page, typed | {"global_rules": json.dumps(rules)})
        assert (shown.status_code, named in shown.content.decode()) == (200, True), more
    assert Program.objects.get().global_rules == []
    good = [RULE | {"vehicle_type_ids": ["VAE"]}]
    made = api.post("/bikeshare/zones", {"program": "lutece", "bounds": RING, "rules": good})
    assert made.json()["rules"] == [RULE | {"vehicle_type_ids": ["vae"]}]
    dock = DockFactory()
    assert api.patch(f"/bikeshare/docks/{dock.pk}", {"vehicle_types": ["VAE"]}).json()["vehicle_types"] == ["vae"]
    assert api.patch(f"/bikeshare/docks/{dock.pk}", {"vehicle_types": ["ebike"]}).status_code == 422
