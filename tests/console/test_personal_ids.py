"""Ids of senders that are e-mail addresses or telephone numbers are personal: on every page, in every file, answer and
search, and in what events are about."""

from __future__ import annotations

from itertools import chain, islice

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CharField, Model
from django.http import QueryDict

from console.lists import ListPage
from core.people import HIDDEN, PERSONAL_ID, seen_by, shown_id, shown_text
from outbox.models import Event
from tests.conftest import ApiClient, client_of
from tests.console.test_every_list import LISTS, part_of
from tests.console.test_people import files, pages, text_of
from tests.console.walk import Route, api_operations, path_of
from tests.factories.console import UserFactory, make_key
from tests.factories.everything import World
from vehicles.models import Driver, OemAccount

pytestmark = pytest.mark.django_db
MAIL, PHONE = "zqanna.zqid@mail.example", "+33699887711"
each_list = pytest.mark.parametrize(("route", "page"), LISTS, ids=[page.key for _route, page in LISTS])


def columns(name: str) -> list[tuple[type[Model], CharField[str, str]]]:
    """Over all models, the columns of this name that are declared personal, or belong to what drivers have."""
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name == name and isinstance(field, CharField) and model._meta.app_label in ("vehicles", "outbox")
    ]


@pytest.fixture(params=[MAIL, PHONE])
def canary(request: pytest.FixtureRequest, world: World) -> str:
    """An id that says who somebody is, wherever an id or what something is about is kept."""
    said = str(request.param)
    ids, subjects = columns("external_id"), columns("subject")
    assert {Driver, OemAccount} < {model for model, _field in ids}
    assert {model.__name__ for model, _field in subjects} == {"Banner", "DriverNotification", "Event", "Fact"}
    for model, field in ids:
        for number, row in enumerate(model._base_manager.order_by("pk")):
            model._base_manager.filter(pk=row.pk).update(**{field.name: said + "0" * number})
    for model, field in subjects:
        model._base_manager.update(**{field.name: f"driver:{said}"})
    Event.objects.update(payload={"driver": {"id": said, "language": "en"}})
    return said


def test_viewer_reads_it_nowhere_and_operator_where_it_stands(world: World, canary: str) -> None:
    viewer, operator = (client_of(UserFactory(roles=[role])) for role in ("viewer", "operator"))
    shown = {name for name, text in chain(pages(viewer, world), files(viewer, world)) if canary in text}
    assert shown == set()
    assert len(list(islice((name for name, text in files(operator, world) if canary in text), 6))) == 6


def test_keys_that_only_read_read_it_nowhere(world: World, canary: str) -> None:
    def seen(*more: str) -> set[str]:
        found = set()
        for operation in api_operations():
            if operation.method == "GET":
                key = ApiClient(make_key(operation.scope, *more)[1])
                answer = text_of(key.call("GET", operation.path(world)))
                found |= {str(operation)} if canary in answer else set()
        return found

    assert seen() == set()
    assert len(seen("personal:read")) > 4


def test_a_key_that_may_not_read_it_is_not_told_whether_there_is_such_a_driver(canary: str) -> None:
    reader = ApiClient(make_key("vehicles:read")[1])
    for what in ("notifications", "mutes"):
        known, unknown = (reader.get(f"/vehicles/drivers/{name}/{what}") for name in (canary, canary + "1"))
        assert (known.status_code, known.json()["detail"]) == (403, unknown.json()["detail"])
        assert (
            ApiClient(make_key("vehicles:read", "personal:read")[1])
            .get(f"/vehicles/drivers/{canary}/{what}")
            .status_code
            == 200
        )


@each_list
def test_no_search_and_no_order_tells_a_viewer_of_it(
    world: World, canary: str, route: Route, page: type[ListPage]
) -> None:
    answer = client_of(UserFactory(roles=["viewer"])).get(path_of(route, world), headers=part_of(page))
    if answer.status_code == 403:
        return
    listing, request = answer.context["listing"], answer.context["request"]
    rows = listing.rows(request)

    def found(query: str) -> list[int]:
        return [rows.filter(listing.search.condition(asked)).count() for asked in (query, f"-{query}")]

    names = ["", *(f"{facet.name}:" for facet in page.search.all_facets if facet.identifies)]
    with seen_by(lambda: False):
        for field in names:
            nobody = found(f'{field}"Qxnobody"')
            for word in (canary, canary[:6], canary[3:10]):
                assert found(f'{field}"{word}"') == nobody, (field, word)
        asked_for = ("", *(column.name for column in page.columns))
        orders = {path for name in asked_for for path in listing.sort(QueryDict(f"sort={name}"))[1]}
    assert {path for path in orders if path.rpartition("__")[2].strip("-") in ("external_id", "subject")} == set()


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("anna@mail.example", HIDDEN),
        ("driver:anna@mail.example", f"driver:{HIDDEN}"),
        ("+33 6 99 88 77 11", HIDDEN),
        ("0033699887711", HIDDEN),
        ("06.99.88.77.11", HIDDEN),
        ("driver:+33699887711", f"driver:{HIDDEN}"),
        ("driver-7", "driver-7"),
        ("driver:4711", "driver:4711"),
        ("1234567890123", "1234567890123"),
        ("2b1d4c1e-0000-4000-8000-0123456789ab", "2b1d4c1e-0000-4000-8000-0123456789ab"),
        ("campaign:5", "campaign:5"),
        ("@", "@"),
        ("", ""),
        (None, None),
    ],
)
def test_an_id_is_hidden_where_it_says_who_somebody_is(value: str | None, hidden: str | None) -> None:
    assert shown_id(value) == value
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text ~ %s", [value, PERSONAL_ID.pattern])
        assert bool(cursor.fetchone()[0]) == (value != hidden), "PostgreSQL reads the pattern as Python does"
    with seen_by(lambda: False):
        assert shown_id(value) == hidden
        assert value == hidden or HIDDEN in shown_text({"id": value})["id"]
        with seen_by(lambda: True):
            assert shown_id(value) == value
