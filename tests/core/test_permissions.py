"""Who may open what: a walk through all URLs, anonymously, without a role, and with each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bikeshare.api.public_feeds import VERSIONS
from core.choices import Scope
from core.permissions import SIGNED_IN
from tests.conftest import ApiClient
from tests.console.unrendered import unrendered
from tests.console.walk import Route, all_routes, api_operations, ask, own_routes, path_of, undone
from tests.factories.console import UserFactory
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
# Open to everyone, each on purpose: signing in and out, the theme and language of the sign-in page, probes for
# machines (the metrics check the address themselves), and the one-click unsubscribe of RFC 8058.
PUBLIC = {
    "console:sign_in",
    "console:sign_out",
    "console:theme",
    "set_language",
    "console:healthz",
    "console:healthz_full",
    "console:readyz",
    "console:metrics",
    "outbox:unsubscribe",
    # The link of a mail to acknowledge: its signature is the key.
    "infra_notifications:mail_acknowledge",
    # Platforms of connected cars sign what they send.
    "platform_webhook",
    # The vendor's door of fleet remotes: it asks for the static header that was registered there.
    "remote_callback",
    # The door for CitrineOS: the key stands in its address.
    "citrineos",
    # The door for parties of OCPI: it asks for their tokens.
    "ocpi",
    # The public feed of a program that publishes one (GBFS).
    "bikeshare:gbfs_manifest",
    *(f"bikeshare:gbfs_{version}_{name}" for version, files in VERSIONS.items() for name in files),
}
# The description of the API is public too; it holds no data.
PUBLIC_API = {"api:openapi-json", "api:openapi-view", "api:api-root"}
# What the services alone write, and the log of sign-ins, which nobody tidies up by hand.
ONLY_SUPERUSERS = {"axes_accesslog_delete", "outbox_address_add", "infra_notifications_groupdraft_add"}
METHODS = ("GET", "POST")
# Doors for machines, which answer everybody else with 401.
MACHINES = (" remote_callback", " platform_webhook", " ocpi", " citrineos")


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def pages(wanted: Callable[[Any], bool]) -> list[Route]:
    """Our own pages whose view asks for such a permission."""
    return [route for route in own_routes() if wanted(route.view.asks_for)]  # type: ignore[attr-defined]


def answers(client: Client, routes: list[Route], world: World, *methods: str) -> dict[str, Any]:
    return {f"{m} {r.name}": ask(client, m, path_of(r, world)) for r in routes for m in methods or METHODS}


def test_every_view_says_what_it_asks_for() -> None:
    silent = [route.name for route in own_routes() if not hasattr(route.view, "asks_for")]
    assert not silent


def test_only_these_views_are_public() -> None:
    assert {route.name for route in pages(lambda asked: asked is None)} == PUBLIC


def test_what_views_ask_for_are_permissions_that_exist() -> None:
    known = {f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")}
    asked = {route.view.asks_for for route in own_routes()} - {None, SIGNED_IN}  # type: ignore[attr-defined]
    assert asked <= known


# What answers 503 where nobody works.
HEALTH = ("GET console:readyz", "GET console:healthz_full")


def test_strangers_are_sent_to_the_sign_in(world: World, client: Client) -> None:
    for page, response in answers(client, pages(lambda asked: asked is not None), world).items():
        if page.startswith("POST"):  # what was sent is carried there: tests/console/test_unsent.py
            assert response.status_code == 401, page
            assert 'action="/sign-in/"' in response.content.decode(), page
        else:
            assert response.status_code == 302, page
            assert response["Location"].startswith("/sign-in/?next=/"), page


def test_strangers_are_sent_from_the_admin_to_the_sign_in(world: World, client: Client) -> None:
    routes = [r for r in all_routes() if r.is_admin and r.name not in ("admin:login", "admin:logout")]
    for page, response in answers(client, routes, world, "GET").items():
        assert response.status_code == 302, page
        target, _, following = response["Location"].partition("?next=")
        assert target in ("/admin/login/", "/sign-in/"), page
        assert unquote(following).startswith("/admin/"), page
    assert client.get("/admin/login/?next=/admin/auth/")["Location"] == "/sign-in/?next=%2Fadmin%2Fauth%2F"


def test_public_pages_open_for_strangers(world: World, client: Client) -> None:
    client.raise_request_exception = False
    for page, response in answers(client, pages(lambda asked: asked is None), world).items():
        expected = (401, 405) if page.endswith(MACHINES) else (200, 302, 405)
        assert response.status_code in expected or page in HEALTH, page


def test_the_work_of_others_is_refused(world: World) -> None:
    viewer = signed_in(UserFactory(roles=["viewer"]))
    job = next(route for route in own_routes() if route.name == "console:job")
    assert ask(viewer, "GET", path_of(job, world)).status_code == 403


def test_without_a_role_the_admin_refuses(world: World) -> None:
    nobody = signed_in(UserFactory())
    routes = [r for r in all_routes() if r.is_admin and r.name != "admin:logout"]
    with unrendered():
        for page, response in answers(nobody, routes, world, "GET").items():
            followed = ask(nobody, "GET", response["Location"]) if response.status_code == 302 else response
            assert followed.status_code == 403, page


def test_an_administrator_may_open_every_page(world: World, owner: User) -> None:
    administrator = signed_in(owner)
    posted = [route for route in own_routes() if route.name != "console:sign_out"]  # all after it would be a stranger's
    with unrendered():  # as they look, tests/console/test_security_headers.py asks
        opened = answers(administrator, own_routes(), world, "GET")
    for page, response in (opened | answers(administrator, posted, world, "POST")).items():
        if page not in HEALTH and not page.endswith(MACHINES):
            # What is sent here is empty, so that it may name nothing that there is.
            found = (200, 204, 302, 405, 422, *([404] if page.startswith("POST") else []))
            assert response.status_code in found, page


def test_an_administrator_may_open_what_the_admin_lets_anyone_open(world: World, owner: User) -> None:
    administrator, superuser = signed_in(owner), signed_in(UserFactory(is_superuser=True, is_staff=True))
    routes = [r for r in all_routes() if r.is_admin and r.name not in ("admin:logout", "admin:None")]
    differing = set()
    with unrendered():
        for route in routes:
            own = ask(administrator, "GET", path_of(route, world)).status_code
            # Who may open everything need not be asked about what is open already.
            most = own if own in (200, 302) else ask(superuser, "GET", path_of(route, world)).status_code
            assert most in (200, 302, 403, 404), route.name
            differing |= {route.name} if own != most else set()
    assert differing == {f"admin:{name}" for name in ONLY_SUPERUSERS}


def test_every_api_operation_wants_a_key(world: World) -> None:
    stranger = ApiClient(None)
    for operation in api_operations():
        response = stranger.call(operation.method, operation.path(world))
        assert response.status_code == 401, operation
        assert response["Content-Type"] == "application/problem+json"
        assert response["WWW-Authenticate"].startswith("Bearer")


def test_every_api_operation_wants_its_scope(world: World, api_with: Callable[..., ApiClient]) -> None:
    for operation in api_operations():
        others = [o.scope for o in api_operations() if o.scope != operation.scope]
        response = api_with(*others).call(operation.method, operation.path(world))
        assert response.status_code == 403, operation
        assert operation.scope in response.json()["detail"]


def test_every_api_operation_opens_with_its_scope_alone(world: World, api_with: Callable[..., ApiClient]) -> None:
    for operation in api_operations():
        client = api_with(operation.scope)
        client.client.raise_request_exception = False
        with undone():
            response = client.call(operation.method, operation.path(world))
        # 409: what the walked object's state does not allow.
        assert response.status_code in (200, 202, 204, 400, 409, 422), (operation, response.content)


def test_each_operation_wants_the_scope_of_its_domain_and_of_its_method() -> None:
    """A read key writes nothing; a key of one domain does nothing in another."""
    for operation in api_operations():
        resource = operation.pattern.split("/")[1]
        domain = resource if f"{resource}:read" in Scope else "outbox"
        assert operation.scope == f"{domain}:{'read' if operation.method == 'GET' else 'write'}", operation


def test_every_api_route_is_an_operation_or_public() -> None:
    views = {route.name for route in all_routes() if route.is_api} - PUBLIC_API
    assert len(views) == len(api_operations())


def test_a_session_opens_no_api_operation(world: World, owner: User) -> None:
    client = ApiClient(None)
    client.client = signed_in(owner)
    assert client.get("/charging/groups").status_code == 401
