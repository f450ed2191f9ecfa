"""One thing has one identity however its name is spelt: stored once, found at every door, kept and shown as written."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db.models import Value
from hypothesis import given, settings
from hypothesis import strategies as st

from bikeshare.models import Bike, Cyclist, LockBox, Program, Resource, Trip
from bikeshare.models.identity import ByIdentity, ByPhone
from bikeshare.search import SEARCHES, IdentityFacet
from bikeshare.services import trips
from bikeshare.services.specs import SPECS
from core.identities import identity, phone_identity
from core.refusal import Refused
from tests.bikeshare.kit import NOW, create, last, message, patch, say, take, topics
from tests.conftest import ApiClient
from tests.factories.bikeshare import (
    BikeFactory,
    CyclistFactory,
    DockFactory,
    LockBoxFactory,
    PassFactory,
    ProgramFactory,
    TripFactory,
)

pytestmark = pytest.mark.django_db
WRITTEN = "E20A002C"
SPELT = ["e20a002c", "E2:0A:00:2C", "e2-0a-00-2c", " E2 0A 00 2C ", "0xE20A002C", "0Xe2.0a.00.2c", "E2\u00a00A_002c"]
IDENTIFIED = [
    (model, name)
    for model in apps.get_app_config("bikeshare").get_models()
    for name in getattr(model, "IDENTITIES", ())
]


def values(model: type[Resource], name: str, value: str) -> dict[str, Any]:
    needed: dict[str, Any] = {"station": DockFactory().station_id} if model.NAME == "dock" else {"program": "lutece"}
    return {name: value, **needed}


@pytest.mark.parametrize(("model", "name"), IDENTIFIED)
def test_another_spelling_is_no_other_thing_and_is_found(model: type[Resource], name: str, api: ApiClient) -> None:
    ProgramFactory()
    (spec,) = (spec for spec in SPECS.values() if spec.model is model)
    given = values(model, name, WRITTEN)
    row = create(spec.plural, **given)
    for spelt in SPELT:
        with pytest.raises(Refused) as refused:
            create(spec.plural, **given | {name: spelt})
        assert refused.value.sentence.startswith("There is a")
        found = api.get(f'/bikeshare/{spec.plural}?q="{spelt.strip()}"').json()["items"] if name != "end_code" else []
        assert [one["id"] for one in found] == [row.pk] * len(found)
        assert found or name == "end_code"
    assert getattr(model._default_manager.get(pk=row.pk), name) == WRITTEN


def test_what_is_unique_by_its_spelling_is_declared_and_searched_by() -> None:
    constrained = {
        (model, part.deconstruct()[1][0])
        for model in apps.get_app_config("bikeshare").get_models()
        for constraint in model._meta.constraints
        for part in getattr(constraint, "expressions", ())
        if isinstance(part, ByIdentity)
    }
    assert constrained == set(IDENTIFIED)
    searched = {
        (SPECS[plural].model, facet.path)
        for plural, schema in SEARCHES.items()
        for facet in schema.all_facets
        if isinstance(facet, IdentityFacet)
    }
    assert {pair for pair in IDENTIFIED if pair[1] != "end_code"} <= searched


@pytest.mark.parametrize("spelt", SPELT)
def test_a_box_a_card_and_a_tag_are_known_in_any_spelling(spelt: str) -> None:
    bike = BikeFactory(boitier=LockBoxFactory(number=WRITTEN))
    trip, dock = TripFactory(vehicule=bike), DockFactory(rfid=WRITTEN)
    PassFactory(uid=WRITTEN, user=CyclistFactory())
    assert take(message(spelt, "pass", uid=spelt)).accepted == 1
    assert topics() == []
    say(spelt, "lock", state="locked", rfid=spelt)
    trip.refresh_from_db()
    assert (trip.status, trip.end_dock_id) == ("completed", dock.pk)
    assert last("boitier.locked")["rfid"] == spelt.strip()


@pytest.mark.parametrize("spelt", SPELT)
def test_an_end_code_and_the_box_of_a_vehicle_are_known_in_any_spelling(spelt: str) -> None:
    trip, dock, box = TripFactory(), DockFactory(end_code=WRITTEN), LockBoxFactory(number=WRITTEN)
    trips.request_end(trip.pk, end_code=spelt, now=NOW)
    assert Trip.objects.get().requests.get().dock_id == dock.pk
    patch(BikeFactory(number="x", boitier=None), boitier=spelt)
    assert Bike.objects.get(number="x").boitier == box
    assert LockBox.objects.get(pk=box.pk).number == WRITTEN


def test_a_thing_of_another_name_is_another() -> None:
    PassFactory(uid=WRITTEN, user=CyclistFactory())
    bike = BikeFactory()
    for other in ("E20A002D", "E20A002", "20A002C", "0E20A002C"):
        say(bike, "pass", uid=other)
    assert topics() == ["boitier.pass.unrecognized"] * 4


# ---- phone numbers --------------------------------------------------------------------------------------------------

NUMBER = "+491700000001"
NUMBERS = ["0049170 0000001", "+49 170 000-0001", "+49 (0)170 0000001", "0049 (170) 000 00 01", " +49.170.0000001"]


@pytest.mark.parametrize("spelt", NUMBERS)
def test_a_number_in_another_spelling_stays_confirmed_and_is_found(spelt: str, api: ApiClient) -> None:
    cyclist = CyclistFactory(phone_number=NUMBER)
    for query in (f'phone:"{spelt.strip()}"', f'"{spelt.strip()}"'):
        assert [one["id"] for one in api.get(f"/bikeshare/cyclists?q={quote(query)}").json()["items"]] == [cyclist.pk]
    patch(cyclist, phone_number=spelt)
    assert Cyclist.objects.get().status == "active"
    patch(cyclist, phone_number=NUMBER[:-1] + "2")
    assert Cyclist.objects.get().status == "unconfirmed"


SIGNS = "0123456789abcdefxX:-_. +()\u00a0\u202f\t"
TEXTS = st.text(st.sampled_from(SIGNS) | st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_the_database_makes_the_same_keys(texts: list[str]) -> None:
    ProgramFactory()
    named = {f"a{n}": ByIdentity(Value(text)) for n, text in enumerate(texts)}
    phones = {f"b{n}": ByPhone(Value(text)) for n, text in enumerate(texts)}
    row = Program.objects.annotate(**named, **phones).values(*named, *phones).get()
    assert [row[name] for name in named] == [identity(text) for text in texts]
    assert [row[name] for name in phones] == [phone_identity(text) for text in texts]
