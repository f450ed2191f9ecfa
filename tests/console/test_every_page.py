"""What every page of the console owes, tested once over all that have a URL: whom it refuses, that those who may only
look change nothing, that names are escaped, and that it asks the database no more often for many rows than for few."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.lists import ListPage
from core.permissions import SIGNED_IN
from core.roles import OPERATOR, VIEWER
from tests.console.asked import ASKED
from tests.console.test_every_list import LISTS
from tests.console.unrendered import unrendered
from tests.console.walk import Route, ask, own_routes, path_of
from tests.core.test_permissions import PUBLIC
from tests.factories.console import UserFactory
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
# Pages that show a thing to more people than may send their form.
STRICTER = {
    "POST outbox:webhook_test": "outbox.operate_webhookendpoint",
    "POST bikeshare:feeds": "bikeshare.add_feedsource",
}
ODD = "<script>\"'&"
# Texts that are words of our own and not of people: their values have a meaning.
WORDS = re.compile(
    r"(^|_)(id|key|kind|type|action|state|status|channel|destination|audience|topic|dedup|digest|language|codename|event"
    r"|signature|verdict|protocol|lock|email|phone_number|url|slug|secret|token|prefix|method|zone|timezone|task|object_pk"
    r"|username|password|condition|query|folded|hash|external_id|evse|vin|source|country|currency|data|cron|solar"
    r"|remote_action|list|column|facet|minute|hour|day_of_week|day_of_month|month_of_year|part|chain_type|version|version_key"
    r"|search|window|audiences|fw|effect|case|precedence|app|format|root|about|body|label_key)$"
)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def pages() -> list[Route]:
    return [route for route in own_routes() if route.name not in PUBLIC]


# ---- whom it refuses ------------------------------------------------------------------------------------------------


def test_each_page_asks_for_the_permission_that_is_written_down() -> None:
    asked = {route.name: route.view.asks_for for route in pages()}  # type: ignore[attr-defined]
    assert asked == ASKED


# That nothing is refused to administrators: tests/core/test_permissions.py.
@pytest.mark.parametrize("role", [None, VIEWER, OPERATOR])
def test_a_role_opens_the_pages_of_its_permissions_and_no_other(world: World, role: str | None) -> None:
    user = User.objects.get(pk=UserFactory(roles=[role] if role else []).pk)
    client, allowed = client_of(user), user.get_all_permissions() | {SIGNED_IN}
    asking = [route for route in pages() if ASKED[route.name] != SIGNED_IN]
    with unrendered():
        for route, method in itertools.product(asking, ("GET", "POST")):
            refused = ask(client, method, path_of(route, world)).status_code == 403
            wanted = STRICTER.get(f"{method} {route.name}", ASKED[route.name])
            assert refused == (wanted not in allowed), (role, method, route.name)


def contents() -> dict[str, list[Any]]:
    """Every row of every table that is ours."""
    ours = [m for m in apps.get_models() if m._meta.app_label != "sessions"]
    return {model._meta.label: sorted(map(repr, model._default_manager.values_list())) for model in ours}


def test_who_may_look_changes_nothing(world: World) -> None:
    """Whatever page a viewer opens or sends a form to."""
    client = client_of(UserFactory(roles=[VIEWER]))
    before = contents()
    for route in pages():
        if route.name not in ("console:account", "console:undo"):
            client.get(path_of(route, world))
            client.post(path_of(route, world), {"confirmed": "yes", "do": "bulk", "all": "yes", "reason": "x"})
    after = contents()
    # That something can be written, /readyz tries.
    assert {label for label in after if after[label] != before[label]} <= {"console.SignOfLife"}


# ---- names are escaped ----------------------------------------------------------------------------------------------


def odd_names(world: World) -> Iterator[str]:
    """Gives every text of every object an odd one that would be markup, where the database takes it."""
    for thing in world.objects.values():
        model = type(thing)
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if not is_text or field.primary_key or WORDS.search(field.name):
                continue
            try:
                with transaction.atomic():
                    if model._default_manager.filter(pk=thing.pk).update(**{field.name: ODD}):
                        yield f"{model._meta.label}.{field.name}"
            except DatabaseError:  # a constraint: this text has a form of its own
                continue


def test_names_are_escaped_on_every_page(world: World, owner: User) -> None:
    changed = list(odd_names(world))
    assert len(changed) > 60
    client, shown = client_of(owner), set()
    for route in pages():
        if not route.takes_get:
            continue
        with transaction.atomic():
            response = client.get(path_of(route, world))
            transaction.set_rollback(True)
        html = response.content.decode() if not response.streaming else ""
        assert response.status_code in (200, 204, 302, 405), (route.name, response.status_code)
        if not response.get("Content-Type", "").startswith("text/html"):
            continue
        assert "<script>&quot;" not in html, route.name
        assert ODD not in html, route.name
        if ODD in unescape(html):
            shown.add(route.name)
    assert len(shown) > 60


# ---- as many statements for many rows as for few --------------------------------------------------------------------

# A page asks who somebody is and may what, for the rows and their count, what belongs to them, filters, saved searches.
MOST = 25
# Lists whose rows are not made by copying one: the code declares them, or each belongs to something else; what they
# take is counted in a test of its own.
FIXED = {"catalogue", "api_keys", "group_members", "group_incidents", "wakeups"}


def must_differ(model: type[models.Model]) -> list[set[str]]:
    """The fields of each constraint that makes rows unlike one another."""
    meta = model._meta
    single = [{field.name} for field in meta.concrete_fields if field.unique and not field.primary_key]
    named = [set(names) for names in meta.unique_together]
    unique = [one for one in meta.constraints if isinstance(one, models.UniqueConstraint)]
    return single + named + [{*one.fields, *re.findall(r"F\((\w+)\)", repr(one.expressions))} for one in unique]


def copy(thing: models.Model, number: int) -> Any:
    """A copy of a row that differs where it must: in a text, or in what it belongs to, which is copied as well."""
    model = type(thing)
    made: Any = model._default_manager.get(pk=thing.pk)
    differing: set[str] = set()
    for names in must_differ(model):
        if names & differing:
            continue
        fields = [model._meta.get_field(name) for name in sorted(names)]
        text = next((f for f in fields if isinstance(f, models.CharField | models.TextField) and not f.choices), None)
        if text is not None and getattr(made, text.name) is not None:
            room = (getattr(text, "max_length", None) or 1000) - 4
            setattr(made, text.name, f"{getattr(made, text.name)[:room]}-{number:03}")
            differing.add(text.name)
        elif (to := next((f for f in fields if isinstance(f, models.ForeignKey)), None)) and getattr(made, to.name):
            setattr(made, to.name, copy(getattr(made, to.name), number))
            differing.add(to.name)
    key = made.pk
    if isinstance(key, str):
        made.pk = f"{key[:-3]}{number:03}"
    else:
        # Some keys are numbers that the row is given, e.g. a source's.
        made.pk = None if isinstance(model._meta.auto_field, models.Field) else key + 1 + number
    for field in model._meta.concrete_fields:
        if isinstance(field, models.UUIDField):
            setattr(made, field.name, uuid.uuid4())
    made._state.adding = True
    made.save(force_insert=True)
    for beside in model._meta.related_objects:  # e.g. the state of a charge point
        if beside.field.primary_key and (
            part := beside.related_model._default_manager.filter(**{beside.field.name: thing}).first()
        ):
            setattr(part, beside.field.name, made)
            part._state.adding = True
            part.save(force_insert=True)
    return made


def statements(client: Client, path: str) -> tuple[int, Any]:
    """How many the page takes, and the page."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
        assert answer.status_code == 200
    return len(queries), answer.context["page"]


@pytest.mark.parametrize(("route", "page"), LISTS, ids=[page.key for _route, page in LISTS])
def test_many_rows_take_no_more_statements_than_few(
    world: World, owner: User, route: Route, page: type[ListPage]
) -> None:
    if page.key in FIXED:
        return
    client, path = client_of(owner), path_of(route, world)
    first = client.get(path).context["page"].rows[0]
    row = type(first)._default_manager.get(pk=first.pk)
    for n in range(2):
        copy(row, n)
    few, _page = statements(client, path)
    for n in range(2, 30):
        copy(row, n)
    many, shown = statements(client, path)
    assert shown.total > 25
    assert many == few <= MOST
