"""No click is lost: what is sent after a sign-in has ended is not done, is said, and is found after the next one."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from infra_notifications.models import Incident, IncidentEntry
from tests.console.forms import forms_of
from tests.console.walk import ask, own_routes, path_of
from tests.core.test_permissions import PUBLIC
from tests.factories.console import PASSWORD
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
OURS = {"Origin": "http://testserver"}


@pytest.fixture
def note(world: World) -> dict[str, Any]:
    """A note on an incident as its page sends it: to where, with what, from which page."""
    pk, was = world[Incident].pk, IncidentEntry.objects.count()
    page = reverse("infra_notifications:incident", args=[pk])
    return {"path": f"{page}note/", "page": page, "data": {"text": "Fuse <b> of 32 A"}, "was": was}


def send(client: Client, note: dict[str, Any], **headers: str) -> Any:
    return client.post(note["path"], note["data"], headers={"Referer": f"http://testserver{note['page']}", **headers})


def sign_in(client: Client, owner: User, page: Any, **wrong: str) -> Any:
    """By the form of a page, with everything that it carries."""
    form = forms_of(page.content.decode(), "")[0]
    return client.post(form.path, form.values | {"username": owner.username, "password": PASSWORD} | wrong)


def is_back(client: Client, answer: Any, note: dict[str, Any]) -> None:
    """On the page, once, with what was typed; and nothing was done."""
    assert answer.headers["Location"] == note["page"]
    html = client.get(note["page"]).content.decode()
    assert "What you sent was not done" in html
    assert "Fuse &lt;b&gt; of 32 A" in html
    (kept,) = re.findall(r'<script id="unsent"[^>]*>(.*?)</script>', html)
    assert json.loads(kept)["path"] == note["path"]
    assert ["text", "Fuse <b> of 32 A"] in json.loads(kept)["fields"]
    assert IncidentEntry.objects.count() == note["was"]
    assert "What you sent was not done" not in client.get(note["page"]).content.decode()


def test_whatever_is_sent_is_taken_to_the_sign_in(world: World, client: Client) -> None:
    taken = 0
    for route in own_routes():
        if route.name in PUBLIC or route.name.startswith("console:sign_"):
            continue
        answer = ask(client, "POST", path_of(route, world))
        assert answer.status_code == 401, route.name
        assert 'name="unsent"' in answer.content.decode(), route.name
        taken += 1
    assert taken > 150


def test_after_the_sign_in_it_is_found_on_its_page(owner: User, client: Client, note: dict[str, Any]) -> None:
    page = send(client, note)
    assert "what you sent was not done" in page.content.decode()
    page = sign_in(client, owner, page, password="wrong")
    is_back(client, sign_in(client, owner, page), note)


def test_what_htmx_sent_comes_by_a_form_of_the_script(owner: User, client: Client, note: dict[str, Any]) -> None:
    asked = send(client, note, **{"HX-Request": "true", "HX-Current-URL": f"http://testserver{note['page']}"})
    assert asked.status_code == 401
    kept = {"unsent_to": note["path"], "unsent_fields": urlencode(note["data"])}
    page = client.post("/sign-in/", kept, headers={"Referer": f"http://testserver{note['page']}"})
    is_back(client, sign_in(client, owner, page), note)


@pytest.mark.parametrize("by", ["form", "htmx"])
def test_form_from_before_another_tab_signed_in_is_brought_back(owner: User, note: dict[str, Any], by: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    stale = note | {"data": note["data"] | {"csrfmiddlewaretoken": "x" * 64}}
    assert send(client, stale).status_code == 403, "nobody says that it was one of our pages"
    assert send(client, stale, **{"Sec-Fetch-Site": "cross-site"}, **OURS).status_code == 403
    if by == "htmx":
        asked = send(client, stale, **OURS, **{"HX-Request": "true"})
        assert (asked.status_code, asked.headers["HX-Redirect"]) == (401, note["page"])
        kept = {"unsent_to": note["path"], "unsent_fields": urlencode(note["data"])}
        answer = client.post("/sign-in/", kept, headers={"Referer": f"http://testserver{note['page']}", **OURS})
    else:
        answer = send(client, stale, **OURS)
    is_back(client, answer, note)


def test_admin_brings_it_back_too(owner: User, client: Client) -> None:
    page = f"/admin/auth/user/{owner.pk}/change/"
    answer = sign_in(client, owner, client.post(page, {"first_name": "Typed"}))
    assert answer.headers["Location"] == page
    assert "Typed" in client.get(page).content.decode()


def test_no_secret_is_carried_and_nothing_forged_is_kept(owner: User, client: Client) -> None:
    typed = {"old_password": "hunter-2", "secret": "s3cr3t", "header_value": "k3y", "csrfmiddlewaretoken": "t0k3n"}
    page = client.post("/account/", typed | {"name": "kept"})
    answer = sign_in(client, owner, page)
    html = unescape(client.get(answer.headers["Location"]).content.decode())
    assert "kept" in html
    assert "Passwords, secrets and files are kept nowhere" in html
    assert not [value for value in typed.values() if value in html]
    forged = Client()
    forged.post("/sign-in/", {"username": owner.username, "password": PASSWORD, "unsent": "x:y:z"})
    assert "What you sent" not in forged.get("/account/").content.decode()
