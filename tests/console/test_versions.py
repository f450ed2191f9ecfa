"""Nobody's change is lost: whatever form changes a thing, who saves second is told who changed what, and finds what was
typed; saved once more, it holds. Over every page that has such a form, also of the Django admin."""

from __future__ import annotations

import re
from copy import deepcopy
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from core.versions import VersionedForm
from fleet_remotes.models import Callback, FleetVehicle
from tests.console.forms import Form, forms_of
from tests.console.walk import Route, all_routes, path_of, undone
from tests.factories.console import UserFactory
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
# Which field both change where it is not the first that is typed, and to what where not to one more or a letter more.
FIELDS = {
    "outbox:webhook_edit": "description",
    "infra_notifications:group_edit": "hold_off_FUSE_TRIPPED",
}
OF_ADMIN = ("admin:auth_user_change", "admin:infra_notifications_eventrule_change")
VALUES = {
    "infra_notifications:ocpp_route_edit": ("upstream", "wss://a.example", "wss://b.example"),
    "vehicles:type_edit": ("cooldown_h", "1.0", "2.0"),
    "vehicles:language_edit": ("fallback", "de", "nl"),
}
# Pages that are filled in and change nothing that was there.
NO_EDITS = {
    "infra_notifications:wizard_name": "a draft; tests/infra_notifications/test_wizard_changes.py",
    "infra_notifications:wizard_charge_points": "the same",
    "infra_notifications:unknown_adopt": "proposes what is not yet",
    "outbox:webhook_replay": "asks what is sent again",
    "fleet_remotes:draft": "a draft of one's own",
    "fleet_remotes:draft_schedule": "makes a schedule",
    "vehicles:driver": "mutes anew",
    "vehicles:type": "sends a sample",
}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def pages() -> list[Route]:
    """Those of one thing; of the Django admin, which makes all of them alike, some."""
    routes = [route for route in all_routes() if not route.is_api and "<" in route.pattern and route.takes_get]
    return [route for route in routes if not route.is_admin or route.name in OF_ADMIN]


def form_in(answer: Any, path: str) -> Form | None:
    """The form of a page that shows what is there; not that of a list's columns."""
    if answer.status_code not in (200, 422) or not answer.get("Content-Type", "").startswith("text/html"):
        return None
    forms = forms_of(answer.content.decode(), path)
    return next((form for form in forms if form.shows and "do" not in form.values), None)


def changed(route: Route, form: Form, by: int) -> tuple[str, str]:
    """What one person changes: a field's name and its value."""
    if route.name in VALUES:
        name, *values = VALUES[route.name]
        value = values[by - 1]
    else:
        name = FIELDS.get(route.name, form.typed[0])
        (was,) = form.values[name]
        value = str(int(was) + by) if was.isdigit() else was + "x" * by
    form.values[name] = [value]
    return name, value


def test_who_saves_second_is_told_and_loses_nothing(world: World, owner: User) -> None:
    FleetVehicle.objects.update(wakeup_budget=5)
    Callback.objects.update(callback_id="")
    berta, anna, failed = client_of(UserFactory(username="berta", is_superuser=True)), client_of(owner), []
    for route in pages():
        path = path_of(route, world)
        with undone():
            form = form_in(anna.get(path), path)
            if form is not None and route.name not in NO_EDITS:
                try:
                    _meet(route, path, form, anna, berta)
                except (AssertionError, ValueError) as error:
                    failed.append(f"{route.name}: {str(error)[:300]}")
    assert not failed, "\n".join(failed)


def _meet(route: Route, path: str, form: Form, anna: Client, berta: Client) -> None:
    """Both have opened the page; berta saves first."""
    assert form.values.get("version"), f"carries no version: {form.shows}"
    name, value = changed(route, theirs := deepcopy(form), 1)
    answer = berta.post(form.path, theirs.values)
    assert answer.status_code == 302, f"{name}={value}: {words(answer)}"
    name, typed = changed(route, form, 2)
    told = anna.post(form.path, form.values)
    said = unescape(told.content.decode())
    assert "This was changed meanwhile: berta" in said, f"{told.status_code} {name} {words(told)}"
    again, shown = form_in(told, path), form_in(anna.get(path), path)
    assert again is not None
    assert shown is not None
    assert again.values[name] == [typed], "what was typed stays"
    assert shown.values[name] == [value], "nothing was saved"
    assert anna.post(form.path, again.values).status_code == 302, "sent once more, it holds"


def test_each_form_of_the_admin_carries_a_version(world: World, owner: User, rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = owner
    for model, page in admin.site._registry.items():
        if page.has_change_permission(request):
            assert issubclass(page.get_form(request, world[model], change=True), VersionedForm), model


def words(answer: Any) -> str:
    """What a page complains of."""
    html = re.sub(r"<[^>]*>", " ", answer.content.decode())
    return " ".join(html.split())[-1500:][:250]
