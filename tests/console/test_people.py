"""Who people are is shown to those who may see it, and to others on no page, in no file, answer, search or filter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from bikeshare.models import Cyclist, Pass, Subscription
from console.lists import ListPage
from core import cache
from core.models import ApiKey
from core.people import HIDDEN, SEE_PEOPLE, seen_by, shown, shown_text
from outbox.models import Address, Attempt, Delivery, Event
from tests.conftest import ApiClient, client_of
from tests.console.test_every_list import FILES, LISTS, part_of
from tests.console.walk import Route, api_operations, own_routes, path_of
from tests.factories.console import UserFactory, make_key
from tests.factories.everything import World
from vehicles.models import (
    Campaign,
    ChargingLocation,
    Driver,
    DriverNotification,
    Fact,
    PlatformMessage,
    UtilityContract,
)

pytestmark = pytest.mark.django_db
NAME, ADDRESS, PHONE = "Zqanna Zqmuster", "zqanna.zqmuster@mail.example", "+33699887766"
STREET, CONTRACT, METER, CARD, PAPER = "Zqweg 17", "ZQCONTRACT1", "ZQMETER1", "ZQCARD0001", "zqpassport"
WORDS = (NAME, ADDRESS, PHONE, STREET, CONTRACT, METER, CARD, PAPER)
each_list = pytest.mark.parametrize(("route", "page"), LISTS, ids=[page.key for _route, page in LISTS])


@pytest.fixture
def people(world: World) -> None:
    """Somebody whose name and contacts stand wherever there is a place for them."""
    said = f"{NAME} <{ADDRESS}> {PHONE} {STREET}"
    Driver.objects.update(name=NAME, email=ADDRESS)
    ChargingLocation.objects.update(name=STREET, address=STREET, pdl=METER)
    UtilityContract.objects.update(contract_number=CONTRACT, meter_code=METER)
    DriverNotification.objects.update(title=f"Hello {NAME}", body=f"{NAME}, {ADDRESS}", facts={"name": NAME})
    Fact.objects.update(data={"name": NAME, "email": ADDRESS, "address": STREET})
    Campaign.objects.update(audience=f"email:{ADDRESS}")
    PlatformMessage.objects.update(body=said.encode())
    Cyclist.objects.update(
        name=NAME, email=ADDRESS, phone_number=PHONE, kyc_documents=[PAPER], status_updated_reason=said
    )
    Pass.objects.update(uid=CARD)
    Subscription.objects.update(supporting_documents=[PAPER], declined_reason=said)
    Delivery.objects.filter(channel="email").update(address=ADDRESS)
    Address.objects.update(address=ADDRESS, last_answer=f"550 <{ADDRESS}>")
    Attempt.objects.update(answer=f"550 5.1.1 <{ADDRESS}>: unknown")
    Event.objects.update(payload={"to": ADDRESS})


def names_in(text: str) -> set[str]:
    return {word for word in WORDS if word.lower() in text.lower()}


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return bytes(content).decode(errors="replace")


def pages(client: Client, world: World) -> Iterator[tuple[str, str]]:
    for route in own_routes():
        if route.takes_get:
            yield route.name, text_of(client.get(path_of(route, world)))


def files(client: Client, world: World) -> Iterator[tuple[str, str]]:
    for route, page in FILES:
        yield f"{page.key} as file", text_of(client.get(path_of(route, world), {"as": "csv"}))


def suggestions(client: Client, world: World) -> Iterator[tuple[str, str]]:
    for route, page in LISTS:
        if any(facet.personal for facet in page.search.all_facets):
            for typed in ("zq", "email:zq"):
                asked = {"as": "suggestions", "text": typed, "caret": len(typed)}
                said = text_of(client.get(path_of(route, world), asked))
                yield f"{page.key} suggests {typed}", said.replace(typed, "")


@pytest.mark.usefixtures("people")
def test_viewer_sees_nobody_and_operator_everybody(world: World) -> None:
    viewer, operator = (client_of(UserFactory(roles=[role])) for role in ("viewer", "operator"))
    everything = chain(pages(viewer, world), files(viewer, world), suggestions(viewer, world))
    assert {name: found for name, text in everything if (found := names_in(text))} == {}
    filed = {name: found for name, text in files(operator, world) if (found := names_in(text))}
    assert len(filed) > 8, filed
    driver, cyclist = (f"/vehicles/drivers/{world[Driver].pk}/", f"/bikeshare/cyclists/{world[Cyclist].pk}/")
    assert names_in(operator.get(driver).text) == {NAME, ADDRESS, STREET, CONTRACT, METER}
    assert names_in(operator.get(cyclist).text) >= {NAME, ADDRESS, PHONE, PAPER, CARD}


@each_list
@pytest.mark.usefixtures("people")
def test_no_search_tells_a_viewer_whether_somebody_is_there(world: World, route: Route, page: type[ListPage]) -> None:
    """Whatever is asked for, the answer is the one about somebody whom there is not."""
    answer = client_of(UserFactory(roles=["viewer"])).get(path_of(route, world), headers=part_of(page))
    if answer.status_code == 403:
        return
    listing, request = answer.context["listing"], answer.context["request"]
    rows = listing.rows(request)

    def found(word: str) -> list[int]:
        return [rows.filter(listing.search.condition(f'{sign}"{word}"')).count() for sign in ("", "-")]

    with seen_by(lambda: False):
        nobody = found("Qxnobody")
        assert {word for word in WORDS if found(word) != nobody} == set()


@each_list
def test_no_personal_facet_or_column_finds_sorts_or_filters_for_a_viewer(
    world: World, route: Route, page: type[ListPage]
) -> None:
    viewer = client_of(UserFactory(roles=["viewer"]))
    personal = [facet for facet in page.search.all_facets if facet.personal]
    for facet in personal:
        context = viewer.get(path_of(route, world), {"q": f"{facet.name}:x"}, headers=part_of(page)).context
        assert "no field" in str(context["search_error"])
    with seen_by(lambda: False):
        assert {column.order for column in page.columns if column.personal} <= {""}
        assert not {facet.name for facet in page.search.facets} & {facet.name for facet in personal}


def read_by(key: ApiKey) -> list[str]:
    """The operations of the API of which the audit log says that a key read people by them."""
    told = LogEntry.objects.get_for_object(key).filter(action=LogEntry.Action.ACCESS).values_list("changes", flat=True)
    return [changes["reading of personal data"][1] for changes in told]


@pytest.mark.usefixtures("people")
def test_that_a_key_reads_people_is_audited_once_a_day(world: World) -> None:
    key, plain = make_key("vehicles:read", "personal:read")
    client = ApiClient(plain)
    notifications = f"/vehicles/drivers/{world[Driver].external_id}/notifications"
    for path in ("/vehicles/drivers", "/vehicles/drivers", notifications):
        assert NAME in client.get(path).text
    cache.clear()  # as in another process
    client.get("/vehicles/drivers")
    assert sorted(read_by(key)) == [
        "/api/v1/vehicles/drivers",
        "/api/v1/vehicles/drivers/<path:driver_id>/notifications",
    ]
    entry = LogEntry.objects.get_for_object(key).filter(action=LogEntry.Action.ACCESS).latest("pk")
    assert entry.additional_data == {"api_key": key.name}
    LogEntry.objects.update(timestamp=timezone.now() - timedelta(days=1))
    cache.clear()
    client.get("/vehicles/drivers")
    assert len(read_by(key)) == 3


@pytest.mark.usefixtures("people")
def test_keys_that_only_read_see_people_with_a_scope_of_its_own(world: World) -> None:
    def seen(*more: str) -> dict[str, set[str]]:
        found = {}
        for operation in api_operations():
            if operation.method == "GET":
                key, plain = make_key(operation.scope, *more)
                found[str(operation)] = names_in(text_of(ApiClient(plain).call("GET", operation.path(world))))
                # Of what was not found, some might have named people.
                assert read_by(key) if found[str(operation)] else more or not read_by(key), operation
        return {name: words for name, words in found.items() if words}

    assert seen() == {}
    assert len(seen("personal:read")) > 6


@pytest.mark.usefixtures("people")
def test_keys_that_may_write_a_source_see_its_people(world: World) -> None:
    reads = ApiClient(make_key("bikeshare:read", "vehicles:read", "vehicles:write")[1])
    assert names_in(reads.get("/vehicles/drivers").text) == {NAME, ADDRESS}
    assert names_in(reads.get("/bikeshare/cyclists").text) == set()
    assert reads.get(f"/vehicles/drivers?q=email:{ADDRESS}").json()["items"]
    hidden = ApiClient(make_key("vehicles:read")[1]).get(f"/vehicles/drivers?q=email:{ADDRESS}")
    assert hidden.status_code == 422
    assert ApiClient(make_key("vehicles:read")[1]).get(f"/vehicles/drivers?q={ADDRESS}").json()["items"] == []


@pytest.mark.usefixtures("people")
def test_admin_pages_hide_people_too(world: World) -> None:
    user = User.objects.get(pk=UserFactory(roles=["administrator"], is_staff=True).pk)
    user.groups.clear()
    allowed = Permission.objects.filter(codename__startswith="view_").exclude(content_type__app_label="auditlog")
    user.user_permissions.set(allowed)
    client = client_of(user)
    seen = {}
    for model in (
        Driver,
        ChargingLocation,
        UtilityContract,
        Cyclist,
        Delivery,
        Address,
        Attempt,
        DriverNotification,
        Fact,
    ):
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for path in (
            base,
            f"{base}?q={ADDRESS}",
            *(f"{base}{row.pk}/change/" for row in model._base_manager.all()[:1]),
        ):
            answer = client.get(path)
            if answer.status_code == 200 and (found := names_in(text_of(answer).replace(ADDRESS, "", path.count("?")))):
                seen[path] = found
    assert seen == {}


# ---- what is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "hidden"),
    [("", ""), (None, None), ([], []), ("Anna", HIDDEN), (["a", "b"], [HIDDEN]), ({"a": 1}, HIDDEN), (48.1, HIDDEN)],
)
def test_value_is_hidden_or_shown(value: Any, hidden: Any) -> None:
    assert shown(value) == value
    with seen_by(lambda: False):
        assert shown(value) == hidden
        with seen_by(lambda: True):
            assert shown(value) == value


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Dear Anna (a@x.de), b@y.org!", "Dear *** (***), ***!"),
        ({"to": ["a@x.de"], "ANNA": 1}, {"to": [HIDDEN], HIDDEN: 1}),
        (["no one", 5, None], ["no one", 5, None]),
        ("@", "@"),
    ],
)
def test_text_is_without_names_and_addresses(text: Any, hidden: Any) -> None:
    assert shown_text(text, "Anna") == text
    with seen_by(lambda: False):
        assert shown_text(text, "Anna", "") == hidden


def test_permission_belongs_to_operators_and_administrators() -> None:
    may = {role: User.objects.get(pk=UserFactory(roles=[role]).pk).has_perm(SEE_PEOPLE) for role in _ROLES}
    assert may == {"viewer": False, "operator": True, "administrator": True}


_ROLES = ("viewer", "operator", "administrator")
